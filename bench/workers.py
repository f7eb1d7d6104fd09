"""Four workers that send one queue together: four processes, as on one host or on several."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator

from . import drain, site
from .sink import sink

NAMES = ("drain_4_workers",)
MAILS = 2000


def run(progress: Callable[[str], None], names: Iterable[str] = NAMES) -> Iterator[dict]:
    """Yield mails a second of four workers; stock has only ever one, whose figure it shows."""
    with site.postgres() as (server, templates):
        stock = drain.measure(server, templates["stock"], 0, 300, False, progress, NAMES[0])
        with site.copy_of(server, templates["ours"]) as filled:
            with site.environment(filled) as env:
                site.set_up(env)
                drain.fill(env, MAILS, False)
                env.cr.commit()
            (one, one_busy), (four, four_busy) = (
                _rate(server, filled, count, progress) for count in (1, 4)
            )
        yield {
            "name": NAMES[0],
            "unit": "mails/s",
            "stock": round(stock["rate"], 1),
            "ours": round(four, 1),
            "ratio": round(four / stock["rate"], 2),
            "one_worker": round(one, 1),
            "to_one_worker": round(four / one, 2),
            # With one worker that leaves a tenth of the processors idle, four gain a tenth.
            "processors_busy": {"one_worker": round(one_busy, 2), "four": round(four_busy, 2)},
        }


def _rate(server, filled, count, progress) -> tuple[float, float]:
    """Let so many workers run that all begin when the queue falls due.

    :return: mails a second, and the share of all processors' time that was used: by the workers,
        PostgreSQL, the mail server, and whatever else runs on the machine
    """
    with site.copy_of(server, filled) as database, sink() as relay:
        server.execute("UPDATE mail_mail SET scheduled_date = '2100-01-01'", database=database)
        server.execute(f"UPDATE ir_mail_server SET smtp_port = {relay.port}", database=database)
        with site.workers(server, database, "machine_room.queue_worker", count):
            server.execute("UPDATE mail_mail SET scheduled_date = NULL", database=database)
            started, (busy, total) = time.monotonic(), _processors()
            while (taken := relay.taken()) < MAILS:
                if time.monotonic() - started > 600:
                    raise AssertionError(f"{taken} of {MAILS} mails arrived")
                time.sleep(0.05)
            rate = MAILS / (time.monotonic() - started)
            now_busy, now_total = _processors()
        if relay.taken() != MAILS:
            raise AssertionError("A mail was sent twice")
    share = (now_busy - busy) / (now_total - total)
    progress(f"drain_4_workers, {count} at work: {rate:.1f} mails/s, processors {share:.0%} busy")
    return rate, share


def _processors() -> tuple[int, int]:
    """Return the ticks that all processors were busy, and all ticks, since the machine started."""
    with open("/proc/stat", encoding="ascii") as file:
        user, nice, system, idle, waiting, *rest = map(int, file.readline().split()[1:9])
    busy = user + nice + system + sum(rest)
    return busy, busy + idle + waiting
