"""``make test``: all tests in one pytest run, on a fresh database with the addon installed.

Transaction, HTTP and browser tests run on that database through pytest-odoo; tests of the mail
world make copies of the database for themselves, since real mail needs real commits.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys

from . import console, databases, paths

ADDONS = ("notify_routing", "notify_routing_correspondence")


def main() -> int:
    parser = argparse.ArgumentParser(prog="make test", description=__doc__)
    parser.add_argument(
        "--keep", metavar="NAME", help="test in a database of this name and keep it"
    )
    parser.add_argument(
        "--no-bundles",
        action="store_true",
        help="do not make the web client's bundles first: quicker for tests without a browser",
    )
    options, pytest_arguments = parser.parse_known_args()
    with databases.postgres() as server:
        return run(server, pytest_arguments, options.keep, bundles=not options.no_bundles)


def run(
    server: databases.Postgres,
    pytest_arguments: list[str],
    keep: str | None = None,
    bundles: bool = True,
) -> int:
    """Run pytest on a fresh database with the addon and return its exit code.

    :param keep: name of a database to test in and to keep
    :param bundles: whether browsers will ask for the web client's bundles
    """
    template = addon_template(server, bundles)
    name = keep or f"test_{os.getpid()}"
    server.copy(template, name)
    try:
        return run_pytest(server, name, template, pytest_arguments)
    finally:
        if not keep:
            server.drop(name)


def addon_template(server: databases.Postgres, bundles: bool = True) -> str:
    """Return the name of a database with the addon as it is now, made when the addon changes.

    :param bundles: make the web client's bundles as well
    """
    stock = databases.stock_template(server)
    name = f"addon_{paths.fingerprint(stock, *_sources())}"
    plain = f"{name}_plain"
    if not bundles and not server.exists(name):
        name = plain
    if not server.exists(name):
        outdated = server.execute(
            "SELECT datname FROM pg_database WHERE datname ~ '^addon_[0-9a-f]+(_plain)?$'"
            " ORDER BY oid DESC OFFSET 12"
        )
        for (old,) in outdated:
            server.drop(old)
        scratch = f"{name}_making_{os.getpid()}"
        if name != plain and server.exists(plain):
            server.copy(plain, scratch)
        else:
            server.copy(stock, scratch)
            databases.install(server, scratch, ADDONS, what=f"Installing {', '.join(ADDONS)}")
        if bundles:
            _make_bundles(server, scratch)
        server.rename(scratch, name)
    return name


def _make_bundles(server: databases.Postgres, database: str) -> None:
    """Make the web client's bundles once: each class of browser tests would make them again, in a
    transaction that is rolled back."""
    config = databases.config_file(server)
    console.run(
        [sys.executable, "-m", "machine_room.suites_assets", config, database],
        what="Making the web client's bundles",
        log="bundles",
    )


def _sources():
    """Return the files whose change needs a new database."""
    kinds = {".py", ".xml", ".csv", ".sql", ".po", ".pot", ".js", ".scss"}
    for addon in ADDONS:
        for path in sorted((paths.ROOT / addon).rglob("*")):
            if path.suffix in kinds and "tests" not in path.parts:
                yield path


def run_pytest(
    server: databases.Postgres, database: str, template: str, arguments: list[str]
) -> int:
    """Run pytest on a database and return its exit code.

    :param template: database that tests copy when they need one of their own
    """
    config = databases.config_file(server)
    environment = dict(
        os.environ,
        NOTIFY_TEMPLATE=template,
        NOTIFY_CONFIG=str(config),
        COVERAGE_FILE=str(paths.CACHE / "coverage"),
    )
    command = [
        sys.executable,
        "-m",
        "pytest",
        f"--odoo-database={database}",
        f"--odoo-config={config}",
    ]
    command += ["--odoo-http", *arguments]
    if not any(argument.startswith(("--cov", "--no-cov")) for argument in arguments):
        command += ["--cov=notify_routing", "--cov-report=term:skip-covered"]
    console.step("Running the tests")
    return subprocess.call(command, env=environment, cwd=paths.ROOT)


if __name__ == "__main__":
    console.main(main)
