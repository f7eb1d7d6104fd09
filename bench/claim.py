"""Taking mails from a long queue: what a claim costs, and what the worker's memory does."""

from __future__ import annotations

import resource
from collections.abc import Callable, Iterable, Iterator

from . import site
from .sink import sink

CASES = {"claim_1k": 1_000, "claim_100k": 100_000}
NAMES = (*CASES, "memory_100k")
CLAIMS = 15
#: Mails that are sent from the long queue to see memory grow, or not.
SENT = 3_000


def run(progress: Callable[[str], None], names: Iterable[str] = NAMES) -> Iterator[dict]:
    """Yield milliseconds a claim; stock's figure is its search for a batch of its own."""
    with site.postgres() as (server, templates):
        for name in names:
            if name in CASES:
                yield _claim(server, templates, name, progress)
        if "memory_100k" in names:
            yield _memory(server, templates["ours"], progress)


def _claim(server, templates, name, progress) -> dict:
    with (
        site.copy_of(server, templates["ours"]) as database,
        site.environment(database) as env,
    ):
        _queue(env, CASES[name])
        Mail = env["mail.mail"]
        stock = site.median(
            site.seconds(lambda: Mail.search([("state", "=", "outgoing")], limit=1000).ids)
            for _number in range(CLAIMS)
        )
        ours = site.median(site.seconds(env["notify.delivery"]._claim) for _number in range(CLAIMS))
        progress(f"{name}: {ours * 1000:.1f} ms")
    return {
        "name": name,
        "unit": "ms",
        "stock": round(stock * 1000, 2),
        "ours": round(ours * 1000, 2),
        "ratio": round(ours / stock, 2),
    }


def _memory(server, template, progress) -> dict:
    """Send a part of a long queue, and return the largest size of this process, in MB."""
    with (
        site.copy_of(server, template) as database,
        sink() as relay,
        site.environment(database) as env,
    ):
        site.set_up(env, port=relay.port)
        _queue(env, CASES["claim_100k"])
        while relay.taken() < SENT:
            env.ref("mail.ir_cron_mail_scheduler_action").method_direct_trigger()
            progress(f"memory_100k: {relay.taken()} sent")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {"name": "memory_100k", "unit": "MB", "stock": None, "ours": round(peak), "ratio": None}


def _queue(env, count: int) -> None:
    env.cr.execute(
        """
          WITH message AS (
               INSERT INTO mail_message (message_type, body, subject, message_id, email_from, date)
               SELECT 'email_outgoing', 'x', 'Subject ' || number,
                      '<' || number || '@bench.example>', 'a@company.example', now()
                 FROM generate_series(1, %s) number
            RETURNING id)
        INSERT INTO mail_mail (mail_message_id, state, email_to, body_html, auto_delete,
                               notify_priority)
        SELECT id, 'outgoing', 'p' || id || '@customer.example', %s, true, 1
          FROM message
        """,
        [count, site.BODY],
    )
    env.cr.commit()
    env.cr.execute("ANALYZE mail_mail, mail_message")
    env.cr.commit()
