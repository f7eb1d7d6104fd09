"""A worker of the intake in a process of its own: it fetches and routes mail over and over.

``python -m machine_room.intake_worker DATABASE``; with ``prepare {…}`` it sets up the mailbox, and
documents of which each has a message to be answered, instead.
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
import time

FETCH = "mail.ir_cron_mail_gateway_action"
ROUTE = "notify_routing.ir_cron_notify_intake"


def main(database: str, command: str = "work", options: str = "{}") -> None:
    import psycopg2

    import odoo
    from odoo.exceptions import UserError
    from odoo.modules.registry import Registry
    from odoo.tools import config

    config.parse_config(["-c", os.environ["NOTIFY_CONFIG"]], setup_logging=True)
    if command == "prepare":
        with Registry(database).cursor() as cursor:
            prepare(odoo.api.Environment(cursor, odoo.api.SUPERUSER_ID, {}), **json.loads(options))
        return
    while True:
        # PostgreSQL is restarted now and then.
        with contextlib.suppress(psycopg2.Error), Registry(database).cursor() as cursor:
            env = odoo.api.Environment(cursor, odoo.api.SUPERUSER_ID, {})
            for name in (FETCH, ROUTE):
                job = env.ref(name, raise_if_not_found=False)
                # The other worker may be at it: Odoo runs a scheduled action once at a time.
                with contextlib.suppress(UserError):
                    # Stock Odoo has the first one only.
                    if job:
                        job.method_direct_trigger()
                env.cr.commit()
        time.sleep(0.05)


def prepare(env, answers: int, host: str, port: int, password: str) -> None:
    """Make as many documents as there will be answers; message ``<n@chaos.example>`` is about the
    nth."""
    domain = env["mail.alias.domain"].create(
        {"name": "company.example", "catchall_alias": "catchall", "bounce_alias": "bounce"}
    )
    env["res.company"].search([]).alias_domain_id = domain
    partners = env["res.partner"].create(
        [
            {"name": f"Person {number}", "email": f"p{number}@customer.example"}
            for number in range(answers)
        ]
    )
    env["mail.message"].create(
        [
            {
                "model": "res.partner",
                "res_id": partner.id,
                "message_type": "comment",
                "subtype_id": env.ref("mail.mt_comment").id,
                "body": "What do you think?",
                "message_id": f"<{number}@chaos.example>",
            }
            for number, partner in enumerate(partners)
        ]
    )
    env["fetchmail.server"].create(
        {
            "name": "Chaos",
            "server_type": "imap",
            "server": host,
            "port": port,
            "user": "odoo",
            "password": password,
            "state": "done",
        }
    )


if __name__ == "__main__":
    main(*sys.argv[1:])
