"""``make pictures``: the pictures of the README, taken from the running web client."""

from __future__ import annotations

import json
import os
import subprocess
import sys

from . import console, databases, debian, demo, lint, paths, serve

FOLDER = paths.ROOT / "docs" / "pictures"

#: Screens that need no click: picture, address after ``/odoo/``, and what to wait for. ``{…}`` are
#: records of :func:`furnish`.
SCREENS = (
    ("matrix", "action-notify_routing.notify_scheme_action/{scheme}", ".o-notify-Matrix"),
    (
        "correspondence",
        "action-notify_routing_correspondence.correspondence_action/{letter}",
        ".o-mail-Chatter",
    ),
    ("trail", "action-notify_routing.notify_trail_action", ".o_data_row"),
    (
        "deadline",
        "action-notify_routing.notify_deadline_action/{deadline}",
        ".o_form_view",
    ),
    ("waiting", "action-notify_routing.notify_waiting_action", ".o_view_controller"),
    ("check", "action-notify_routing.notify_check_action", ".o_view_controller"),
    ("sender", "action-notify_routing.notify_sender_action/{sender}", ".o_form_view"),
    ("delivery", "action-notify_routing.notify_delivery_action", ".o_view_controller"),
    ("quarantine", "action-notify_routing.notify_quarantine_action", ".o_view_controller"),
)


def furnish(company) -> dict[str, int]:
    """Make records to show beside those of the demo, and return their ids by name."""
    env, users = company.env, company.users
    letter = env["notify.correspondence"].create(
        {
            "subject": "Fire doors on the second floor",
            "description": "<p>Which class do the doors to the staircase need?</p>",
            "assignee_ids": [(6, 0, users["ben"].ids)],
            "distribution_ids": [(6, 0, users["anna"].partner_id.ids)],
            "received_from_ids": [(6, 0, company.partner.ids)],
            "state": "open",
        }
    )
    deadline = env["notify.deadline"].create(
        {
            "name": "Quotations that expire",
            "model_id": env["ir.model"]._get_id("sale.order"),
            "date_field": "validity_date",
            "role_ids": [(6, 0, env.ref("notify_routing.role_leader").ids)],
        }
    )
    sender = env["notify.sender"].create(
        {
            "name": "Quotations",
            "mode": "fixed",
            "address": "sales@company.example",
            "name_pattern": "%(author)s via %(company)s",
        }
    )
    scheme = env.ref("notify_routing_correspondence.scheme_correspondence")
    return {
        "letter": letter.id,
        "deadline": deadline.id,
        "sender": sender.id,
        "scheme": scheme.id,
    }


def main() -> int:
    modules = lint.node_modules()
    port = serve.free_port()
    with databases.postgres() as server:
        database = demo.prepare(server)
        from .company import Company
        from .mailworld import MailWorld

        console.step("Playing the demo")
        with MailWorld() as world:
            with Company(database, world) as company:
                story = demo.Story(company)
                demo.tell(story)
                order = company.env["sale.order"].search([], limit=1, order="id DESC")
                digest = _digest(company, order)
                ids = furnish(company)
                screens = [
                    {"name": name, "path": path.format(**ids), "wait": wait}
                    for name, path, wait in SCREENS
                ]
                arguments = [order.id, company.team.id, digest, json.dumps(screens)]
                company.commit()
            with serve.odoo_server(server, database, port):
                console.step("Taking the pictures")
                FOLDER.mkdir(parents=True, exist_ok=True)
                return subprocess.call(
                    [
                        "node",
                        str(paths.ROOT / "machine_room" / "pictures.mjs"),
                        f"http://127.0.0.1:{port}",
                        str(FOLDER),
                        *map(str, arguments),
                    ],
                    env=dict(
                        os.environ,
                        NOTIFY_NODE_MODULES=str(modules),
                        NOTIFY_CHROMIUM=debian.find("chromium") or "chromium",
                    ),
                    stdout=sys.stdout,
                )


def _digest(company, order):
    """Let three messages wait for Anna; return a page with the digest that they would become."""
    anna = company.users["anna"]
    schedule = company.env.ref("notify_routing.schedule_weekdays")
    company.as_user(company.env["notify.preference"], "anna").set_my_time(
        {"schedule_id": schedule.id}
    )
    other = company.quotation(by="anna")
    company.follow(other, anna)
    for document, text in (
        (order, "The customer asks for two days more. I said yes, the yard is free until then."),
        (order, "And they would like it in blue."),
        (other, "Can you have a look at the discount before noon?"),
    ):
        company.post(document, text, by="chloe")
    order.sudo().action_confirm()
    company.commit()
    Review = company.env["notify.review"]
    Review._waiting(anna).notify_due = "2020-01-01 08:00:00"
    Review._release(Review._claim())
    mail = company.env["mail.mail"].search([("notify_review", "=", "digest")], limit=1)
    page = paths.CACHE / "digest.html"
    page.write_text(mail.body_html)
    # They go on waiting, for the picture of the preferences.
    company.env.cr.rollback()
    company.env.invalidate_all()
    return page


if __name__ == "__main__":
    console.main(main)
