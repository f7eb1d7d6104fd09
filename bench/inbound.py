"""Answers that come in over IMAP: stock's loop and the intake, to a mailbox at some distance."""

from __future__ import annotations

import contextlib
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
COUNT = 200
JOB = "mail.ir_cron_mail_gateway_action"
ALONE = "notify_routing.ir_cron_notify_intake"


def run(progress: Callable[[str], None], names: Iterable[str] = NAMES) -> Iterator[dict]:
    """Yield answers a second, from the mailbox to the documents, by one worker.

    :return: e.g. ``{"name": "inbound_20ms", "unit": "answers/s", "stock": 9.8, "ours": 33.0,
        "ratio": 3.37, "two_workers": 50.1, "two_workers_ratio": 5.11, "profile": {"stock":
        {"total": 102.0, "process": 40.1, "processor": 39.0, …}, "ours": {…}}}``; a profile has
        milliseconds an answer, of which ``process`` is what Odoo's ``message_process`` takes.
        ``two_workers`` is what an Odoo has for scheduled actions if nobody says otherwise; stock's
        gateway uses one of them however many there are.
    """
    with site.postgres() as (server, templates):
        for name in names:
            rates, profiles = {}, {}
            for side, template in templates.items():
                for workers in (1, 2) if side == "ours" else (1,):
                    label = f"{name}, {side}, workers: {workers}"
                    rates[side, workers] = site.median(
                        _rate(server, template, CASES[name], workers, progress, label)
                        for _time in range(site.TIMES)
                    )
                profiles[side] = _profile(server, template, CASES[name])
            stock, ours, two = rates.values()
            yield {
                "name": name,
                "unit": "answers/s",
                "stock": round(stock, 1),
                "ours": round(ours, 1),
                "ratio": round(ours / stock, 2),
                "two_workers": round(two, 1),
                "two_workers_ratio": round(two / stock, 2),
                "profile": profiles,
            }


@contextlib.contextmanager
def _mailbox(server, template, round_trip) -> Iterator[tuple]:
    """Give a database with a mailbox at some distance: ``(database, environment, world)``."""
    with (
        site.copy_of(server, template) as database,
        MailWorld() as world,
        DelayLine(world.dovecot.host, world.dovecot.port, round_trip) as line,
        site.environment(database) as env,
    ):
        site.set_up(env)
        env["ir.config_parameter"].set_param("mail.gateway.loop.threshold", str(10 * COUNT))
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
        yield database, env, world


def _rate(server, template, round_trip, workers, progress, label) -> float:
    """Return the answers a second of so many workers, each a process as in an Odoo."""
    with _mailbox(server, template, round_trip) as (database, env, world):
        documents, answers = _answers(env)
        with site.workers(server, database, "machine_room.intake_worker", workers):
            started = time.monotonic()
            _deliver(world, answers)
            while (arrived := _arrived(env, documents)) < COUNT:
                if time.monotonic() - started > 600:
                    raise AssertionError(f"{label}: {arrived} of {COUNT} answers arrived")
                time.sleep(0.05)
            rate = COUNT / (time.monotonic() - started)
    progress(f"{label}: {rate:.1f} answers/s")
    return rate


def _profile(server, template, round_trip) -> dict[str, float]:
    """Return where the time of an answer goes, by a worker in this process: it is slower here."""
    with _mailbox(server, template, round_trip) as (_database, env, world):
        documents, answers = _answers(env)
        _deliver(world, answers)
        with site.profile(env) as sums:
            started = time.monotonic()
            # A worker runs the scheduled action until nothing is left.
            for _round in range(100):
                env.ref(JOB).method_direct_trigger()
                if later := env.ref(ALONE, raise_if_not_found=False):
                    later.method_direct_trigger()
                if _arrived(env, documents) == COUNT:
                    break
            seconds = time.monotonic() - started
        if (arrived := _arrived(env, documents)) != COUNT:
            raise AssertionError(f"Profile: {arrived} of {COUNT} answers arrived")
        return {"total": round(seconds / COUNT * 1000, 2), **site.shares(sums, COUNT)}


def _arrived(env, documents) -> int:
    env.cr.commit()
    env.invalidate_all()
    domain = [("model", "=", documents._name), ("res_id", "in", documents.ids)]
    return env["mail.message"].search_count([*domain, ("message_type", "=", "email")])


def _answers(env) -> tuple:
    """Return documents, and an answer to a message of each."""
    partners, answers = site.people(env, COUNT), []
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
        answers.append(answer.as_bytes())
    env.cr.commit()
    return partners, answers


def _deliver(world, answers) -> None:
    for answer in answers:
        world.maildirs.file("odoo", answer)
