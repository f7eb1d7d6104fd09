"""Searching the trail of a large database, and its board: what an answer costs, and reads."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Iterator
from functools import partial

from . import site

#: Notifications, and as many deliveries: a small database to compare with, and the large one.
SIZES = (10_000, 1_000_000)
ASKED = 100
PAGE = 80


# ------------------------------------------------------------
# QUESTIONS
# Each returns a function that prepares the next answer, unmeasured, and returns what gives it;
# and a domain of the rows that such an answer shows.
# ------------------------------------------------------------


def _board(env, _chosen: random.Random):
    board = env["notify.board"].with_user(env.ref("base.user_admin"))
    return lambda: board.read_board, None


def _why(env, chosen: random.Random):
    env.cr.execute("SELECT min(mail_message_id), max(mail_message_id) FROM mail_notification")
    first, last = env.cr.fetchone()

    def question():
        message = env["mail.message"].browse(chosen.randint(first, last)).exists()
        return message.read_why if message else dict

    return question, [("mail_message_id", "=", last)]


def _search(env, chosen: random.Random, domain_of: Callable):
    """Search as the list view's request does.

    :param domain_of: a person's domain
    """
    env.cr.execute(
        "SELECT min(id), max(id) FROM res_partner WHERE email LIKE 'p%%@customer.example'"
    )
    low, high = env.cr.fetchone()
    fields = {name: {} for name in ("date", "stage", "email", "channel", "state", "reason")}
    search = partial(env["notify.trail"].web_search_read, specification=fields, limit=PAGE)

    def question():
        person = env["res.partner"].browse(chosen.randint(low + 1, high))
        return partial(search, domain_of(person))

    return question, domain_of(env["res.partner"].browse((low + high) // 2))


def _of_address(person) -> list:
    return [("address", "=", person.email_normalized)]


def _of_document(person) -> list:
    return [("model", "=", "res.partner"), ("res_id", "=", person.id)]


QUESTIONS = {
    "trail_by_address": partial(_search, domain_of=_of_address),
    "trail_by_document": partial(_search, domain_of=_of_document),
    "trail_why": _why,
    "board": _board,
}
NAMES = tuple(QUESTIONS)


# ------------------------------------------------------------
# MEASURING
# ------------------------------------------------------------


def run(progress: Callable[[str], None], names: Iterable[str] = NAMES) -> Iterator[dict]:
    """Yield the 95th percentile of an answer in ms: ``stock`` is that of the small database.

    ``rows_read`` is how many rows PostgreSQL reads for each one shown, in the large database; the
    board shows none.
    """
    results = {}
    with site.postgres() as (server, templates):
        for size in SIZES:
            with (
                site.copy_of(server, templates["ours"]) as database,
                site.environment(database) as env,
            ):
                progress(f"making {size} notifications and deliveries")
                fill(env, size)
                for name in names:
                    results[name, size] = measure(env, name)
                    progress(f"{name} of {size}: {results[name, size]}")
    small, large = SIZES
    for name in names:
        before, after = results[name, small], results[name, large]
        yield {
            "name": name,
            "unit": "ms (p95)",
            "stock": before["p95"],
            "ours": after["p95"],
            "ratio": round(after["p95"] / before["p95"], 2),
            "rows_read": after["rows_read"],
        }


def fill(env, count: int) -> None:
    """Make notifications, ten a message and fifty a person, and a delivery of each."""
    people, messages = count // 50, count // 10
    first = env["res.partner"].create({"name": "Person", "email": "p0@customer.example"})
    env.flush_all()
    cr = env.cr
    cr.execute(
        """SELECT string_agg(quote_ident(column_name), ', ')
             FROM information_schema.columns
            WHERE table_name = 'res_partner'
              AND column_name NOT IN ('id', 'email', 'email_normalized')"""
    )
    (columns,) = cr.fetchone()
    cr.execute(
        f"""INSERT INTO res_partner ({columns}, email, email_normalized)
            SELECT {columns}, 'p' || number || '@customer.example',
                   'p' || number || '@customer.example'
              FROM res_partner, generate_series(1, %s) number WHERE id = %s""",
        [people, first.id],
    )
    cr.execute(
        """INSERT INTO mail_message (model, res_id, date, message_type, subtype_id, body)
           SELECT 'res.partner', %s + number %% %s, now() - number * interval '1 minute',
                  'comment', %s, '<p>Hello</p>'
             FROM generate_series(1, %s) number""",
        [first.id, people, env.ref("mail.mt_comment").id, messages],
    )
    cr.execute(
        """INSERT INTO mail_notification (mail_message_id, res_partner_id, notification_type,
                                          notification_status, is_read, notify_event,
                                          notify_reason)
           SELECT message.id, %s + 1 + (message.id * 10 + number) %% %s, 'email', 'sent', true,
                  'message', 'direct'
             FROM mail_message message, generate_series(1, 10) number
            WHERE message.model = 'res.partner' AND message.res_id >= %s
           ON CONFLICT DO NOTHING""",
        [first.id, people, first.id],
    )
    cr.execute(
        """INSERT INTO notify_delivery (mail_message_id, notification_id, partner_id, email,
                                        res_model, res_id, mail_class, state, code, reply, date)
           SELECT message.id, told.id, told.res_partner_id, person.email_normalized,
                  message.model, message.res_id, 'normal', 'sent', 250, '2.0.0 OK', message.date
             FROM mail_notification told
             JOIN mail_message message ON message.id = told.mail_message_id
             JOIN res_partner person ON person.id = told.res_partner_id"""
    )
    cr.commit()
    cr._cnx.autocommit = True
    for table in ("res_partner", "mail_message", "mail_notification", "notify_delivery"):
        cr.execute(f"VACUUM ANALYZE {table}")
    cr._cnx.autocommit = False


def measure(env, name: str) -> dict:
    """Return the 95th percentile in ms and the rows read for each row shown, None without rows."""
    question, domain = QUESTIONS[name](env, random.Random(19))
    times = []
    for _number in range(ASKED):
        env.invalidate_all()
        times.append(site.seconds(question()))
    p95 = sorted(times)[int(len(times) * 0.95)] * 1000
    return {"p95": round(p95, 2), "rows_read": domain and _rows_read(env, domain)}


def _rows_read(env, domain) -> float:
    """Return how many rows the plan's scans read for each row that it shows."""
    query = env["notify.trail"]._search(domain, limit=PAGE, order=env["notify.trail"]._order)
    plan_of = query.select()
    env.cr.execute("EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) " + plan_of.code, plan_of.params)
    plan = env.cr.fetchone()[0][0]["Plan"]
    return round(_scanned(plan) / max(plan["Actual Rows"], 1), 1)


def _scanned(node: dict) -> float:
    own = 0
    if "Scan" in node["Node Type"] and node["Node Type"] != "Subquery Scan":
        removed = node.get("Rows Removed by Filter", 0)
        own = (node["Actual Rows"] + removed) * node["Actual Loops"]
    return own + sum(_scanned(child) for child in node.get("Plans", ()))
