"""``make odoo-suites``: Odoo's own test suites, on stock and with the addons, and every difference.

Stock's result is kept per Odoo version and requirements, suite by suite, so an interrupted or
later run only does what is missing. With the addons every suite runs each time; only what an
*interrupted* run of the very same source had finished is taken over.
"""

from __future__ import annotations

import argparse
import contextlib
import fcntl
import os
import shutil
import signal
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from . import addons, console, databases, debian, paths, suites_run
from .addons import Addon
from .console import Trouble
from .suites_compare import BAD, Comparison, SuiteRun, compare, describe, table
from .suites_tokens import EXPECTED

FOLDER = paths.CACHE / "odoo-suites"
#: Changes when stored results can no longer be compared with new ones.
FORMAT = 1
#: Findings of one kind on the terminal; the report has them all.
SHOWN = 40


def options(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="odoo-suites", description=__doc__.splitlines()[0])
    parser.add_argument(
        "--suite", action="append", choices=suites_run.SUITES, help="only this one (repeatable)"
    )
    parser.add_argument(
        "--oca", action="store_true", help="only the suites of OCA's addons that work beside ours"
    )
    parser.add_argument("--no-web", action="store_true", help="without the web client's unit tests")
    parser.add_argument(
        "--stock-only", action="store_true", help="only fill the cache of stock's results"
    )
    parser.add_argument(
        "--fresh", action="store_true", help="run stock again although its result is kept"
    )
    parser.add_argument(
        "--tokens",
        action="store_true",
        help="with signed return addresses on every alias domain, those of the tests too",
    )
    parser.add_argument(
        "--addons", help="install these, separated by commas (default: all in the checkout)"
    )
    parser.add_argument(
        "--addons-path",
        action="append",
        type=Path,
        default=[],
        help="take addons from this folder instead",
    )
    given = parser.parse_args(arguments)
    given.suites = given.suite or [
        name
        for name, suite in suites_run.SUITES.items()
        if not (given.no_web and name == suites_run.WEB) and not (given.oca and not suite.pins)
    ]
    given.folders = tuple(folder.resolve() for folder in given.addons_path) or (paths.ROOT,)
    return given


def reachable(names: Sequence[str], *, asked: bool) -> list[str]:
    """Return the suites without those whose addon cannot be fetched.

    :param asked: the suites were asked for by name, so that none may be missing
    :raise Unreachable: if one is
    """
    found = []
    for name in names:
        pins = suites_run.SUITES[name].pins
        try:
            if pins:
                addons.fetched(pins)
            found.append(name)
        except addons.Unreachable as error:
            if asked:
                raise
            console.say(f"   left out: {name}, since its addon cannot be fetched ({error})")
    return found


# ------------------------------------------------------------
# WHICH ADDONS
# ------------------------------------------------------------


def choose(known: Sequence[Addon], wanted: Sequence[str] = ()) -> list[Addon]:
    """Return the addons to install: the named ones and what of ours they need; or else all that
    need no addons of others, with which one of Odoo's own tests may fail."""
    by_name = {addon.name: addon for addon in known}
    if unknown := [name for name in wanted if name not in by_name]:
        raise Trouble(
            f"There is no installable addon {', '.join(unknown)}; there are: "
            f"{', '.join(by_name) or 'none'}."
        )
    if not known:
        raise Trouble("There is no addon to install; --stock-only runs stock alone.")
    named = [by_name[name] for name in wanted] or addons.independent(known)
    return list(dict.fromkeys(link for addon in named for link in addons.closure(addon, known)))


def addons_of(given: argparse.Namespace) -> tuple[list[Addon], tuple[Path, ...]]:
    """Return the addons to install and the folders where Odoo finds them and what they need."""
    known = [addon for folder in given.folders for addon in addons.own(folder)]
    chosen = choose(known, given.addons.split(",") if given.addons else ())
    others = addons.others(chosen)
    return chosen, (*given.folders, *([others] if others else []))


# ------------------------------------------------------------
# KEPT RESULTS
# ------------------------------------------------------------


def stock_folder() -> Path:
    return (
        FOLDER
        / paths.fingerprint(databases.odoo_version(), databases.SUITE_MODULES, FORMAT)
        / "stock"
    )


def ours_folder(chosen: Sequence[Addon], *, tokens: bool = False) -> Path:
    """Return where an interrupted run keeps its results: another name for every other source."""
    files = [
        file
        for addon in chosen
        for file in sorted(addon.folder.rglob("*"))
        if file.is_file() and "__pycache__" not in file.parts
    ]
    source = paths.fingerprint(addons.OTHERS, *map(str, files), *files)
    return stock_folder().with_name(f"ours-{source}{'-tokens' * tokens}")


def kept(folder: Path, name: str) -> SuiteRun | None:
    path = _file(folder, name)
    return SuiteRun.from_json(path.read_text(encoding="utf-8")) if path.exists() else None


def keep(folder: Path, run: SuiteRun) -> None:
    console.write_atomically(_file(folder, run.name), run.to_json())


def _file(folder: Path, name: str) -> Path:
    """Return where a suite's result is kept; another file for other versions of its addon."""
    pins = suites_run.SUITES[name].pins if name in suites_run.SUITES else None
    version = f"-{paths.fingerprint(pins)}" if pins else ""
    return folder / f"{name}{version}.json"


@contextlib.contextmanager
def alone() -> Iterator[None]:
    """Hold the lock that keeps a second run from dropping this one's databases."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    with (FOLDER / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise Trouble(
                "Another odoo-suites is running with this cache; wait for it to end."
            ) from error
        yield


# ------------------------------------------------------------
# RUNS
# ------------------------------------------------------------


def run_missing(folder: Path, names: Sequence[str], make_side) -> list[SuiteRun]:
    """Return the suites' results, running those that the folder does not hold.

    :param make_side: gives the :class:`suites_run.Side`; called without arguments, if at all
    """
    runs, side = [], None
    try:
        for name in names:
            run = kept(folder, name)
            if run is None:
                side = side or make_side()
                run = suites_run.run(side, name)
                keep(folder, run)
            runs.append(run)
    finally:
        if side:
            side.server.drop(side.template)
    return runs


def run_stock(server: databases.Postgres, given: argparse.Namespace) -> list[SuiteRun]:
    """Return stock's results.

    :raise Trouble: if a run broke down, for nothing can be compared with half a result
    """
    folder = stock_folder()
    for name in given.suites if given.fresh else ():
        _file(folder, name).unlink(missing_ok=True)
    held = [name for name in given.suites if kept(folder, name)]
    if held:
        console.step(f"Stock's results are kept for {', '.join(held)} (--fresh runs them again)")
    runs = run_missing(folder, given.suites, lambda: suites_run.stock_side(server))
    broken = [f"{run.name}: {trouble}" for run in runs for trouble in run.troubles]
    if broken:
        for run in runs:
            if run.troubles:
                _file(folder, run.name).unlink(missing_ok=True)
        raise Trouble(f"Stock Odoo's own suites do not run here: {'; '.join(broken)}.")
    return runs


def run_ours(
    server: databases.Postgres,
    given: argparse.Namespace,
    chosen: list[Addon],
    folders: tuple[Path, ...],
) -> list[SuiteRun]:
    names, folder = given.suites, ours_folder(chosen, tokens=given.tokens)
    for other in folder.parent.glob("ours-*"):
        if other != folder:
            shutil.rmtree(other)
    if held := [name for name in names if kept(folder, name)]:
        console.step(
            f"Going on after an interrupted run of the same source; it finished {', '.join(held)}"
        )
    runs = run_missing(
        folder,
        names,
        lambda: suites_run.addons_side(server, chosen, folders, tokens=given.tokens),
    )
    shutil.rmtree(folder, ignore_errors=True)
    return runs


# ------------------------------------------------------------
# REPORT
# ------------------------------------------------------------


def report(runs: dict[str, list[SuiteRun]], found: Comparison | None, what: str) -> list[str]:
    """Return the lines of the whole report."""
    lines = [what, "", *table(runs), ""]
    suites = next(iter(runs.values()))
    # Of the web client's suite only one test is wanted; the others are not left out for their time.
    left_out = sum(run.left_out for run in suites if run.name != suites_run.WEB)
    if left_out:
        lines += [
            f"Left out on both sides for their time: {suites_run.LEFT_OUT[1:]}, {left_out} tests.",
            "",
        ]
    if found is None:
        for run in suites:
            lines += [
                f"{name} fails: {test.reason}"
                for name, test in run.tests.items()
                if test.outcome in BAD
            ]
            lines += [
                f"{name} failed once, passed when run again: {why}"
                for name, why in run.shaky.items()
            ]
        return lines
    for title, findings in describe(found):
        lines += [
            title + (f": {len(findings)}" if findings else ""),
            *(f"  - {text}" for text in findings),
            "",
        ]
    return lines


def show(lines: list[str], file: Path) -> None:
    """Print a report, with long lists cut short, and write all of it to a file."""
    console.write_atomically(file, "\n".join(lines) + "\n")
    items = 0
    for line in lines:
        items = items + 1 if line.startswith("  - ") else 0
        if items <= SHOWN:
            console.say(line)
        elif items == SHOWN + 1:
            console.say(f"  … more in {os.path.relpath(file)}")
    console.say(f"The whole report: {os.path.relpath(file)}")


def interrupt(number, frame) -> None:
    raise KeyboardInterrupt


def main() -> int:
    given = options(sys.argv[1:])
    # Whoever ends us, e.g. a CI job's time limit, ends the running tests and their browser too.
    signal.signal(signal.SIGTERM, interrupt)
    if not debian.find("chromium"):
        raise Trouble(
            "Chromium is missing, so the browser tests would be skipped; run make odoo-suites."
        )
    given.suites = reachable(given.suites, asked=bool(given.suite or given.oca))
    chosen, folders = ([], ()) if given.stock_only else addons_of(given)
    file = paths.LOGS / "odoo-suites-report.txt"
    with alone(), databases.postgres() as server:
        stock = run_stock(server, given)
        if given.stock_only:
            show(report({"stock": stock}, None, "Odoo's own suites on stock"), file)
            console.say("odoo-suites: stock only, nothing compared")
            return 0
        ours = run_ours(server, given, chosen, folders)
    what = f"Odoo's own suites with {', '.join(addon.name for addon in chosen)}"
    if given.tokens:
        what += ", signed return addresses on"
    found = Comparison()
    for before, after in zip(stock, ours, strict=True):
        found.add(compare(before, after, EXPECTED if given.tokens else {}))
    show(
        report({"stock": stock, "ours": ours}, found, what),
        file,
    )
    console.say(f"odoo-suites: new failures {found.new_failures}")
    return 1 if found.new_failures else 0


if __name__ == "__main__":
    console.main(main)
