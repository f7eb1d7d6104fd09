"""Plugin for pytest: some workers of pytest-xdist share a run, each on a database of its own.

pytest-odoo would copy the database with PostgreSQL's client programs, and let all workers write in
one file store, also for the databases that tests of the mail world make. So the copies are made
before (:func:`machine_room.tests.run`), and each worker is told that its copy is the database.
"""

from __future__ import annotations

import functools
import os
import re
from collections.abc import Iterable
from pathlib import Path

import pytest
from xdist.scheduler import LoadScopeScheduling

BROWSER = re.compile(r"\b(start_tour|browser_js)\(")


def databases_of(name: str, count: int) -> list[str]:
    """Return the names of the workers' databases in a run whose own is ``name``."""
    return [f"{name}_gw{number}" for number in range(count)]


def options(count: int) -> list[str]:
    """Return pytest's arguments for a run that so many workers share."""
    return [
        *("-p", __name__),
        f"--numprocesses={count}",
        "--no-loadscope-reorder",
        # Another worker would have no database, and what kills one is to be seen.
        "--max-worker-restart=0",
    ]


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_cmdline_main(config):
    """Name a worker's database before pytest-odoo reads the option."""
    if hasattr(config, "workerinput"):
        config.option.odoo_database += f"_{config.workerinput['workerid']}"
        os.environ.pop("PYTEST_XDIST_WORKER")
    return (yield)


@functools.cache
def needs_browser(path: Path) -> bool:
    """Say whether tests in a file start a browser."""
    return bool(BROWSER.search(path.read_text(encoding="utf-8")))


def in_order(paths: Iterable[Path]) -> list[Path]:
    """Sort files of tests: first what takes long, so that all workers end at about the same time.

    ``[tours, mail world, others, tools]``
    """
    return sorted(
        paths,
        key=lambda path: (
            not needs_browser(path),
            not path.name.startswith("test_world_"),
            path.name.startswith("test_tools_"),
        ),
    )


def pytest_collection_modifyitems(items) -> None:
    place = {path: at for at, path in enumerate(in_order(dict.fromkeys(i.path for i in items)))}
    items.sort(key=lambda item: place[item.path])


class Scheduling(LoadScopeScheduling):
    """Files are shared out whole, for what their tests share. All those that need a browser go to
    one worker: two browsers beside each other would be too slow for their tours."""

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.split("::", maxsplit=1)[0]
        return "browser" if needs_browser(self.config.rootpath / file) else file


def pytest_xdist_make_scheduler(config, log):
    return Scheduling(config, log)
