"""``make test``: all tests in one pytest run, on a fresh database with the addon installed.

Transaction, HTTP and browser tests run on that database through pytest-odoo; tests of the mail
world make copies of the database for themselves, since real mail needs real commits. A run of all
tests is shared by some workers, see :mod:`machine_room.parallel_plugin`. ``ARGS=--cov`` says which
lines of the addon they reach, and takes twice as long.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from . import addons, console, databases, parallel_plugin, paths

ADDONS = ("notify_routing", "notify_routing_correspondence")
#: An addon that changes how the others work: its tests, and those with addons of others beside it,
#: run on a database of their own.
GLUE = "notify_routing_queue_job"
GLUE_TESTS = (f"{GLUE}/tests", "tests/test_world_queue_job.py", "tests/test_world_neighbours.py")
#: Exit code of a pytest that found no test to run.
NO_TESTS = 5
#: More workers would wait for the one that has the browser.
MOST_WORKERS = 4
#: pytest's options that choose some tests, or that talk to a person.
ALONE = ("-k", "-m", "-s", "--lf", "--last-failed", "--sw", "--stepwise", "--pdb")


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
    parser.add_argument(
        "-n",
        "--workers",
        type=int,
        metavar="N",
        help="how many processes share the tests (default: for all tests one a core, "
        f"{MOST_WORKERS} at most; for some tests one)",
    )
    options, pytest_arguments = parser.parse_known_args()
    flags, ours, glue = split(pytest_arguments)
    every = not ours and not glue
    bundles = not options.no_bundles
    workers = options.workers
    if workers is None:
        workers = cores() if every and not options.keep and not alone(flags) else 1
    codes = []
    with databases.postgres() as server:
        if glue or every:
            with _making_bundles(server) if every and bundles else contextlib.nullcontext():
                codes.append(run_glue(server, [*flags, *(glue or GLUE_TESTS)]))
        if ours or every:
            codes.append(run(server, [*flags, *ours], options.keep, bundles, workers))
    # What was asked for, with -k, may be in one of them only.
    return max((code for code in codes if code != NO_TESTS), default=NO_TESTS)


def cores() -> int:
    """Return how many workers share a run of all tests on this machine."""
    return min(len(os.sched_getaffinity(0)), MOST_WORKERS)


def alone(flags: list[str]) -> bool:
    """Say whether pytest's options ask for what one process does: each worker has to load Odoo."""
    return any(flag.startswith(ALONE) for flag in flags)


def split(arguments: list[str]) -> tuple[list[str], list[str], list[str]]:
    """Return pytest's options, the tests among its arguments, and those of the glue."""
    named = [text for text in arguments if (paths.ROOT / text.split("::")[0]).exists()]
    glue = [text for text in named if text.startswith(GLUE_TESTS)]
    return (
        [text for text in arguments if text not in named],
        [text for text in named if text not in glue],
        glue,
    )


def run(
    server: databases.Postgres,
    pytest_arguments: list[str],
    keep: str | None = None,
    bundles: bool = True,
    workers: int = 1,
) -> int:
    """Run pytest on a fresh database with the addon and return its exit code.

    :param keep: name of a database to test in and to keep
    :param bundles: whether browsers will ask for the web client's bundles
    :param workers: how many processes share the tests, each on a database of its own
    """
    ignored = [f"--ignore={path}" for path in GLUE_TESTS]
    template = addon_template(server, bundles)
    return _run_on_copy(server, template, [*ignored, *pytest_arguments], keep, workers)


def _neighbours() -> list[Path]:
    """Return the folder of addons that tests have beside ours, if it can be fetched."""
    try:
        return [addons.fetched(addons.NEIGHBOURS)]
    except addons.Unreachable:
        return []


def _run_on_copy(
    server: databases.Postgres,
    template: str,
    pytest_arguments: list[str],
    keep: str | None = None,
    workers: int = 1,
    folders: tuple[Path, ...] = (paths.ROOT,),
) -> int:
    """Run pytest on a fresh copy of a database.

    :param workers: how many processes share the tests, each on a copy of its own
    :param folders: folders of addons besides Odoo's own
    """
    name = keep or f"test_{os.getpid()}"
    copies = [name]
    if workers > 1:
        copies = parallel_plugin.databases_of(name, workers)
        pytest_arguments = [*parallel_plugin.options(workers), *pytest_arguments]
    try:
        for copy in copies:
            server.copy(template, copy)
        return run_pytest(server, name, template, pytest_arguments, folders)
    finally:
        if not keep:
            for copy in copies:
                server.drop(copy)


def run_glue(server: databases.Postgres, pytest_arguments: list[str]) -> int:
    """Run the tests of the addon that goes with addons of others, if these can be fetched."""
    own, others = addons.usable(addons.own())
    glue = next((addon for addon in own if addon.name == GLUE), None)
    if glue is None or others is None:
        return 0
    folders = (paths.ROOT, others, *_neighbours())
    base = addon_template(server, bundles=False)
    template = f"addon_{paths.fingerprint(base, addons.OTHERS, *_sources(GLUE))}_glue"
    if not server.exists(template):
        scratch = f"{template}_making_{os.getpid()}"
        server.copy(base, scratch)
        addons.install(
            server, scratch, [glue], folders, what=f"Installing {GLUE}", log="glue-install"
        )
        server.rename(scratch, template)
    return _run_on_copy(server, template, pytest_arguments, folders=folders)


def addon_template(server: databases.Postgres, bundles: bool = True, *, quiet: bool = False) -> str:
    """Return the name of a database with the addon as it is now, made when the addon changes.

    :param bundles: make the web client's bundles as well
    :param quiet: say only that they are being made
    """
    stock = databases.stock_template(server)
    name = f"addon_{paths.fingerprint(stock, *_sources(*ADDONS))}"
    plain = f"{name}_plain"
    if not bundles and not server.exists(name):
        name = plain
    if not server.exists(name):
        outdated = server.execute(
            "SELECT datname FROM pg_database WHERE datname ~ '^addon_[0-9a-f]+(_plain|_glue)?$'"
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
            _make_bundles(server, scratch, quiet)
        server.rename(scratch, name)
    return name


@contextlib.contextmanager
def _making_bundles(server: databases.Postgres):
    """Make the web client's bundles while the block does something else that needs the addon."""
    addon_template(server, bundles=False)
    with ThreadPoolExecutor(1) as beside:
        made = beside.submit(addon_template, server, quiet=True)
        yield
        made.result()


def _make_bundles(server: databases.Postgres, database: str, quiet: bool) -> None:
    """Make the web client's bundles once: each class of browser tests would make them again, in a
    transaction that is rolled back."""
    config = databases.config_file(server)
    console.run(
        [sys.executable, "-m", "machine_room.suites_assets", config, database],
        what="Making the web client's bundles",
        log="bundles",
        quiet=quiet,
    )


def _sources(*names: str):
    """Return the files of addons whose change needs a new database."""
    kinds = {".py", ".xml", ".csv", ".sql", ".po", ".pot", ".js", ".scss"}
    for addon in names:
        for path in sorted((paths.ROOT / addon).rglob("*")):
            if path.suffix in kinds and "tests" not in path.parts:
                yield path


def run_pytest(
    server: databases.Postgres,
    database: str,
    template: str,
    arguments: list[str],
    folders: tuple[Path, ...],
) -> int:
    """Run pytest on a database and return its exit code.

    :param template: database that tests copy when they need one of their own
    :param folders: folders of addons besides Odoo's own
    """
    config = databases.config_file(server, folders)
    python_path = addons.environment(folders)["PYTHONPATH"]
    environment = dict(
        os.environ,
        PYTHONPATH=os.pathsep.join((python_path, str(paths.ROOT))),
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
    command += ["--odoo-http", *(argument for argument in arguments if argument != "--cov")]
    if "--cov" in arguments:
        covered = ADDONS[0] if len(folders) == 1 else GLUE
        command += [f"--cov={covered}", "--cov-report=term:skip-covered"]
    console.step("Running the tests")
    return subprocess.call(command, env=environment, cwd=paths.ROOT)


if __name__ == "__main__":
    console.main(main)
