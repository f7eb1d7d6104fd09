"""Answers that come in over IMAP: stock's loop and the intake, to a mailbox at some distance."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from email.message import EmailMessage
from email.utils import make_msgid

from machine_room.mailworld import MailWorld
from machine_room.mailworld.delay_line import DelayLine

from . import site

#: Name → seconds of a round trip.
CASES = {"inbound_0ms": 0.0, "inbound_20ms": 0.02}
NAMES = tuple(CASES)
COUNT = 100
JOB = "mail.ir_cron_mail_gateway_action"
ALONE = "notify_routing.ir_cron_notify_intake"


def run(progress: Callable[[str], None], names: Iterable[str] = NAMES) -> Iterator[dict]:
    """Yield answers a second, from the mailbox to the documents, one worker at a time.

    :return: e.g. ``{"name": "inbound_20ms", "unit": "answers/s", "stock": 9.8, "ours": 33.0,
        "ratio": 3.37, "profile": {"stock": {"total": 102.0, "process": 40.1, "processor": 39.0,
        …}, "ours": {…}}}``; a profile has milliseconds an answer, of which ``process`` is what
        Odoo's ``message_process`` takes
    """
    with site.postgres() as (server, templates):
        for name in names:
            figures = {
                side: site.middle(
                    (
                        _run(server, template, CASES[name], progress, f"{name}, {side}")
                        for _time in range(site.TIMES)
                    ),
                    key=lambda profile: profile["total"],
                )
                for side, template in templates.items()
            }
            stock, ours = (1000 / figures[side]["total"] for side in ("stock", "ours"))
            yield {
                "name": name,
                "unit": "answers/s",
                "stock": round(stock, 1),
                "ours": round(ours, 1),
                "ratio": round(ours / stock, 2),
                "profile": figures,
            }


def _run(server, template, round_trip, progress, label) -> dict:
    """Return the profile of an answer: ``{"total": milliseconds, …}``."""
    with (
        site.copy_of(server, template) as database,
        MailWorld() as world,
        DelayLine(world.dovecot.host, world.dovecot.port, round_trip) as line,
        site.environment(database) as env,
    ):
        site.set_up(env)
        env["ir.config_parameter"].set_param("mail.gateway.loop.threshold", str(10 * COUNT))
        documents = _answers(env, world.maildirs)
        env["fetchmail.server"].create(
            {
                "name": "Bench",
                "server_type": "imap",
                "server": line.host,
                "port": line.port,
                "user": "odoo",
                "password": world.dovecot.password,
                "state": "done",
            }
        )
        env.cr.commit()
        with site.profile(env) as sums:
            started = time.monotonic()
            # A worker runs the scheduled action until nothing is left.
            for _round in range(100):
                env.ref(JOB).method_direct_trigger()
                if later := env.ref(ALONE, raise_if_not_found=False):
                    later.method_direct_trigger()
                env.cr.commit()
                env.invalidate_all()
                if _arrived(env, documents) == COUNT:
                    break
            seconds = time.monotonic() - started
        arrived = _arrived(env, documents)
        if arrived != COUNT:
            raise AssertionError(f"{label}: {arrived} of {COUNT} answers arrived")
        progress(f"{label}: {COUNT / seconds:.1f} answers/s")
        return {"total": round(seconds / COUNT * 1000, 2), **site.shares(sums, COUNT)}


def _arrived(env, documents) -> int:
    domain = [("model", "=", documents._name), ("res_id", "in", documents.ids)]
    return env["mail.message"].search_count([*domain, ("message_type", "=", "email")])


def _answers(env, maildirs):
    """Put one answer to a message of each of some documents into the mailbox."""
    partners = site.people(env, COUNT)
    for partner in partners:
        message = partner.message_post(body=site.BODY, subtype_xmlid="mail.mt_comment")
        answer = EmailMessage()
        answer["From"] = partner.email_formatted
        answer["To"] = "catchall@company.example"
        answer["Subject"] = f"Re: {partner.name}"
        answer["Message-ID"] = make_msgid(domain="customer.example")
        answer["In-Reply-To"] = answer["References"] = message.message_id
        answer.set_content("Thank you, that is what I wanted to know.\n" * 10)
        answer.add_alternative(f"{site.BODY}<blockquote>{site.BODY}</blockquote>", subtype="html")
        maildirs.file("odoo", answer.as_bytes())
    return partners
