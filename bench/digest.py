"""The review of held mail: how long, how many queries a person, how much memory.

    python -m bench.digest

Each person has 20 entries on 20 documents that are due; each message is told to 100 people. Prints
one JSON object a line; stock has no digests to compare with. Each size is measured in a process of
its own, so that one's memory is not the other's.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Iterable

from machine_room import console, databases, demo, tests

DATABASE = "bench_digest"
SIZES = (1_000, 10_000)
ENTRIES = 20
#: People whom one message tells.
AUDIENCE = 100


def main() -> int:
    parser = argparse.ArgumentParser(prog="bench.digest", description=__doc__)
    parser.add_argument("--people", type=int, help="measure this size only, in this process")
    options = parser.parse_args()
    if options.people:
        console.say(json.dumps(measure(options.people)))
        return 0
    for line in run(lambda text: None):
        console.say(json.dumps(line))
    return 0


def run(progress: Callable[[str], None]) -> Iterable[dict]:
    """Yield the results of all sizes.

    :param progress: told what is being done
    :return: e.g. ``{"name": "digest_1000", "unit": "s", "stock": None, "ours": 9.1,
        "ratio": None}``
    """
    for people in SIZES:
        progress(f"digests of {people} people")
        output = subprocess.run(
            [sys.executable, "-m", "bench.digest", "--people", str(people)],
            check=True,
            stdout=subprocess.PIPE,
            text=True,
        ).stdout
        found = json.loads(output.strip().splitlines()[-1])
        for suffix, unit, key in (
            ("", "s", "seconds"),
            ("_queries", "queries a person", "queries"),
            ("_memory", "MB", "memory"),
        ):
            yield {
                "name": f"digest_{people}{suffix}",
                "unit": unit,
                "stock": None,
                "ours": found[key],
                "ratio": None,
            }


def measure(people: int) -> dict:
    """Let the review send digests to some people; return seconds, queries a person and MB."""
    with databases.postgres() as server:
        server.copy(tests.addon_template(server, bundles=False), DATABASE)
        try:
            demo.configure(server)
            return review(people)
        finally:
            server.drop(DATABASE)


def review(people: int) -> dict:
    import odoo
    from odoo.modules.registry import Registry

    with Registry(DATABASE).cursor() as cursor:
        env = odoo.api.Environment(cursor, odoo.api.SUPERUSER_ID, {})
        prepare(env, people)
        queries, started = cursor.sql_log_count, time.monotonic()
        env["notify.review"]._cron_review()
        seconds = time.monotonic() - started
        queries = cursor.sql_log_count - queries
        found = env["mail.mail"].search_count([("notify_review", "=", "digest")])
        if found != people:
            raise console.Trouble(f"{found} digests were made for {people} people")
    return {
        "seconds": round(seconds, 2),
        "queries": round(queries / people, 3),
        "memory": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
    }


def prepare(env, people: int) -> None:
    """Make people and what is due for them, without waiting for Odoo to make it."""
    env.flush_all()
    env.cr.execute(
        """
          WITH person AS (
               INSERT INTO res_partner (name, email, email_normalized, active, lang, tz, type,
                                        partner_share, company_id, autopost_bills)
               SELECT 'Person ' || number, 'p' || number || '@company.example',
                      'p' || number || '@company.example', TRUE, 'en_US', 'Europe/Paris',
                      'contact', FALSE, NULL, 'ask'
                 FROM generate_series(1, %(people)s) number
            RETURNING id, email
          ), account AS (
               INSERT INTO res_users (login, partner_id, company_id, active, share,
                                      notification_type)
               SELECT email, id, %(company)s, TRUE, FALSE, 'email' FROM person
            RETURNING id
          ), groups AS (
               INSERT INTO res_groups_users_rel (uid, gid)
               SELECT id, %(group)s FROM account
          ), companies AS (
               INSERT INTO res_company_users_rel (user_id, cid)
               SELECT id, %(company)s FROM account
          )
        INSERT INTO notify_preference (user_id, schedule_id)
        SELECT id, %(schedule)s FROM account
        """,
        {
            "people": people,
            "company": env.company.id,
            "group": env.ref("base.group_user").id,
            "schedule": env.ref("notify_routing.schedule_daily").id,
        },
    )
    messages = people * ENTRIES // AUDIENCE
    env.cr.execute(
        """
          WITH document AS (
               INSERT INTO res_partner (name, active, type, autopost_bills)
               SELECT 'Document ' || number, TRUE, 'contact', 'ask'
                 FROM generate_series(1, %(messages)s) number
            RETURNING id
          ), message AS (
               INSERT INTO mail_message (model, res_id, body, date, message_type, subtype_id,
                                         author_id, message_id, email_from)
               SELECT 'res.partner', id, '<p>What do you think of number ' || id || '?</p>',
                      now() at time zone 'utc', 'comment', %(subtype)s, %(author)s,
                      '<' || id || '@bench>', 'author@company.example'
                 FROM document
            RETURNING id
          ), numbered AS (
               SELECT id, row_number() OVER (ORDER BY id) - 1 AS number FROM message
          ), person AS (
               SELECT partner_id AS id, row_number() OVER (ORDER BY partner_id) - 1 AS number
                 FROM res_users WHERE login LIKE 'p%%@company.example'
          )
        INSERT INTO mail_notification (mail_message_id, res_partner_id, author_id,
                    notification_type, notification_status, is_read, notify_event, notify_reason,
                    notify_due)
        SELECT numbered.id, person.id, %(author)s, 'email', 'ready', TRUE, 'message', 'follower',
               now() at time zone 'utc' - interval '1 hour'
          FROM person
          JOIN generate_series(0, %(entries)s - 1) entry ON TRUE
          JOIN numbered
            ON numbered.number = (person.number / %(audience)s) * %(entries)s + entry
        """,
        {
            "messages": messages,
            "subtype": env.ref("mail.mt_comment").id,
            "author": env.user.partner_id.id,
            "entries": ENTRIES,
            "audience": AUDIENCE,
        },
    )
    env.registry.clear_all_caches()
    env.cr.commit()
    env.cr.execute("ANALYZE")
    env.invalidate_all()


if __name__ == "__main__":
    console.main(main)
