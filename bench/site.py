"""Databases to measure on: stock Odoo and the addon, on the same PostgreSQL with fsync on."""

from __future__ import annotations

import contextlib
import os
import statistics
import subprocess
import sys
import time
import uuid
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from machine_room import databases, demo, paths, tests

FOLDER = "postgres-bench"
BODY = "<p>Hello,</p>" + "<p>Some words of a mail that says what it has to say.</p>" * 20
#: How often each figure is taken; the median counts.
TIMES = 3


@contextlib.contextmanager
def postgres() -> Iterator[tuple[databases.Postgres, dict[str, str]]]:
    """Give a server and its templates: ``{"stock": …, "ours": …}``."""
    with databases.postgres(databases.SAFE, FOLDER) as server:
        templates = {
            "stock": databases.stock_template(server),
            "ours": tests.addon_template(server, bundles=False),
        }
        demo.configure(server)
        yield server, templates


@contextlib.contextmanager
def copy_of(server: databases.Postgres, template: str) -> Iterator[str]:
    """Give a copy of a database for the time of the block."""
    name = f"bench_{uuid.uuid4().hex[:8]}"
    server.copy(template, name)
    try:
        yield name
    finally:
        server.drop(name)


@contextlib.contextmanager
def environment(database: str) -> Iterator[Any]:
    """Give an environment of a database; what is to stay must be committed."""
    import odoo
    from odoo.modules.registry import Registry

    try:
        with contextlib.closing(Registry(database).cursor()) as cursor:
            yield odoo.api.Environment(cursor, odoo.api.SUPERUSER_ID, {})
            cursor.rollback()
    finally:
        Registry.delete(database)
        odoo.sql_db.close_db(database)


#: Seconds that workers get to start.
START = 15


@contextlib.contextmanager
def workers(server: databases.Postgres, database: str, module: str, count: int) -> Iterator[None]:
    """Have workers at work for the time of the block, once they have started.

    :param module: what each runs in a process of its own, e.g. ``machine_room.queue_worker``
    """
    config = databases.config_file(server, log_level="error")
    environment = {**os.environ, "NOTIFY_CONFIG": str(config)}
    command = [sys.executable, "-m", module, database]
    with contextlib.ExitStack() as stack:
        for _number in range(count):
            worker = subprocess.Popen(command, env=environment, cwd=paths.ROOT)
            stack.callback(worker.wait)
            stack.callback(worker.kill)
        time.sleep(START)
        yield


def set_up(env, host: str = "127.0.0.1", port: int = 1) -> None:
    """Give a database a mail server and an alias domain, and let mail wait for the queue."""
    env["ir.mail_server"].create(
        {
            "name": "Bench",
            "smtp_host": host,
            "smtp_port": port,
            "smtp_encryption": "none",
            "from_filter": "company.example",
        }
    )
    domain = env["mail.alias.domain"].create(
        {
            "name": "company.example",
            "catchall_alias": "catchall",
            "bounce_alias": "bounce",
            "default_from": "notifications",
        }
    )
    env["res.company"].search([]).alias_domain_id = domain
    env["ir.config_parameter"].set_param("mail.mail.force.send.limit", "0")


def people(env, count: int):
    return env["res.partner"].create(
        [
            {"name": f"Person {number}", "email": f"p{number}@customer.example"}
            for number in range(count)
        ]
    )


def seconds(work: Callable[[], Any]) -> float:
    started = time.monotonic()
    work()
    return time.monotonic() - started


def median(values: Iterable[float]) -> float:
    return statistics.median(values)


@contextlib.contextmanager
def profile(env) -> Iterator[dict[str, float]]:
    """Sum up where the main thread's time goes: ``{"build": s, "database": s, "queries": n}``."""
    import odoo

    sums: dict[str, float] = defaultdict(float)
    places = [
        (type(env["mail.mail"]), "_prepare_outgoing_list", "build"),
        (type(env["ir.mail_server"]), "_build_email__", "build"),
        (type(env["ir.mail_server"]), "send_email", "hand_over"),
        (type(env["mail.thread"]), "message_process", "process"),
        (odoo.sql_db.Cursor, "execute", "database"),
        (odoo.sql_db.Cursor, "commit", "commit"),
    ]
    with contextlib.ExitStack() as stack:
        for owner, name, key in places:
            origin = getattr(owner, name)

            def timed(*args, origin=origin, key=key, **kwargs):
                started = time.monotonic()
                try:
                    return origin(*args, **kwargs)
                finally:
                    sums[key] += time.monotonic() - started
                    if key == "database":
                        sums["queries"] += 1

            own = name in vars(owner)
            setattr(owner, name, timed)
            stack.callback(setattr if own else _remove, owner, name, origin)
        processor = time.process_time()
        yield sums
        sums["processor"] = time.process_time() - processor


def middle(runs: Iterable[Any], key: Callable[[Any], float]) -> Any:
    """Return the run whose figure is the median."""
    ranked = sorted(runs, key=key)
    return ranked[len(ranked) // 2]


def shares(sums: dict[str, float], count: int) -> dict[str, float]:
    """Return a profile by piece: milliseconds, and the number of queries."""
    return {
        key: round(value / count * (1 if key == "queries" else 1000), 2)
        for key, value in sums.items()
    }


def _remove(owner, name, _origin) -> None:
    delattr(owner, name)
