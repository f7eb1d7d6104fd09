"""Sending the queue: stock's loop and the courier, to a server at different distances."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from . import site
from .sink import sink

#: Name → (seconds of a round trip, mails for stock, mails for us, one message to all).
CASES = {
    "drain_0ms": (0, 300, 1000, False),
    "drain_20ms": (0.02, 200, 1000, False),
    "drain_100ms": (0.1, 50, 1000, False),
    "drain_same_body_1000": (0.02, 1000, 1000, True),
}
NAMES = tuple(CASES)
JOB = "mail.ir_cron_mail_scheduler_action"


def run(progress: Callable[[str], None], names: Iterable[str] = NAMES) -> Iterator[dict]:
    """Yield mails a second: ``{"name": "drain_20ms", "unit": "mails/s", "stock": 10.2, …}``."""
    with site.postgres() as (server, templates):
        for name in names:
            round_trip, stock_count, our_count, same = CASES[name]
            figures = {
                "stock": measure(
                    server, templates["stock"], round_trip, stock_count, same, progress, name
                ),
                "ours": measure(
                    server, templates["ours"], round_trip, our_count, same, progress, name
                ),
            }
            stock, ours = figures["stock"]["rate"], figures["ours"]["rate"]
            yield {
                "name": name,
                "unit": "mails/s",
                "stock": round(stock, 1),
                "ours": round(ours, 1),
                "ratio": round(ours / stock, 2),
                "profile": {side: figure["profile"] for side, figure in figures.items()},
            }


def measure(server, template, round_trip, count, same, progress, name) -> dict:
    """Return the median rate, and milliseconds a mail by where they went."""
    with site.copy_of(server, template) as filled:
        with site.environment(filled) as env:
            site.set_up(env)
            fill(env, count, same)
            env.cr.commit()
        runs = []
        for number in range(site.TIMES):
            with (
                site.copy_of(server, filled) as database,
                sink(round_trip) as relay,
                site.environment(database) as env,
            ):
                env["ir.mail_server"].search([]).smtp_port = relay.port
                env.cr.commit()
                with site.profile(env) as sums:
                    seconds = site.seconds(env.ref(JOB).method_direct_trigger)
                taken = relay.taken()
            if taken != count:
                raise AssertionError(f"{name}: {taken} of {count} mails arrived")
            runs.append((count / seconds, sums))
            progress(f"{name}, {template[:5]}, run {number + 1}: {count / seconds:.1f} mails/s")
    rate, sums = site.middle(runs, key=lambda run: run[0])
    profile = {"total": round(1000 / rate, 2), **site.shares(sums, count)}
    return {"rate": rate, "profile": profile}


def fill(env, count: int, same: bool) -> None:
    """Queue mails: one message to all, or one message to each."""
    partners = site.people(env, count)
    values = {"message_type": "comment", "subtype_xmlid": "mail.mt_comment"}
    if same:
        document = env["res.partner"].create({"name": "Document"})
        document.message_subscribe(partners.ids)
        document.message_post(body=site.BODY, **values)
    else:
        for partner in partners:
            partner.message_post(
                body=f"<p>Dear {partner.name}</p>{site.BODY}", partner_ids=partner.ids, **values
            )
