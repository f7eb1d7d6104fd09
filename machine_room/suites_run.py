"""Run one of Odoo's test suites in a database of its own, on the complete registry."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from . import addons, console, databases, debian, paths
from .addons import Addon
from .console import Trouble
from .databases import Postgres
from .suites_compare import BAD, SuiteRun

#: Half the time of Odoo's sale suite, for taxes on down payments, which notify nobody.
LEFT_OUT = "-/sale:TestTaxesDownPaymentSale"
STANDARD = f"standard,{LEFT_OUT}"


@dataclass(frozen=True)
class Suite:
    """A suite of Odoo's own tests, or of another addon's that works beside ours.

    :param module: the addon that holds it
    :param tests: its tests' folder or file under the addons folder
    :param tags: Odoo's test tags
    :param pins: file that pins the addon if it is not Odoo's; it is installed on both sides then
    """

    module: str
    tests: str
    tags: str = STANDARD
    pins: Path | None = None

    @property
    def folder(self) -> Path:
        """The folder of the addons, among them this suite's."""
        return addons.fetched(self.pins) if self.pins else debian.odoo_path() / "odoo/addons"


MODULES = (
    "mail",
    "test_mail",
    "test_mail_full",
    "sales_team",
    "crm",
    "sale_crm",
    "portal",
    "sale",
    "sale_management",
)
WEB = "web"
SUITES = {
    **{module: Suite(module, f"{module}/tests") for module in MODULES},
    # The web client's unit tests of mail, in one browser, with every installed addon's assets.
    WEB: Suite("web", "web/tests/test_js.py", "/web:WebSuite.test_unit_desktop[@mail]"),
    # Addons of others that send, defer and follow the same mail.
    **{
        f"oca_{module}": Suite(module, f"{module}/tests", pins=pins)
        for module, pins in (
            ("mail_tracking", addons.NEIGHBOURS),
            ("mail_post_defer", addons.NEIGHBOURS),
            ("queue_job", addons.OTHERS),
        )
    },
}

#: An administrator's default for new alias domains, as "User-defined Defaults" in the settings
#: makes it: those that tests create give signed return addresses too.
TOKENS_FOR_NEW = """
    INSERT INTO ir_default (field_id, json_value)
    SELECT id, '"plus"' FROM ir_model_fields
     WHERE model = 'mail.alias.domain' AND name = 'notify_return_mode'
    RETURNING id
"""
TOKENS_FOR_OLD = "UPDATE mail_alias_domain SET notify_return_mode = 'plus'"

#: Seconds without any test ending after which a run is taken for dead.
PATIENCE = 900
#: More failures than this in a browser are no accident: they are not run again.
SECOND_TRIES = 20


@dataclass(frozen=True)
class Side:
    """Stock, or Odoo with the addons.

    :param label: ``stock``, ``ours`` or ``tokens``, as it appears in logs and tables
    :param template: database that each suite gets a copy of
    :param addons: folders of addons besides Odoo's own
    """

    label: str
    server: Postgres
    template: str
    addons: tuple[Path, ...] = ()

    @property
    def environment(self) -> dict[str, str]:
        """Variables with which Python finds Odoo, what the addons need, and us."""
        variables = addons.environment(self.addons)
        python_path = os.pathsep.join((variables["PYTHONPATH"], str(paths.ROOT)))
        return variables | {"PYTHONPATH": python_path}

    @property
    def config(self) -> Path:
        return databases.config_file(
            self.server, self.addons, screenshots=paths.CACHE / "screenshots"
        )


def stock_side(server: Postgres) -> Side:
    """Return stock Odoo's side, with the web client's bundles made once for all suites."""
    side = Side("stock", server, "suites_stock")
    server.copy(databases.stock_template(server, databases.SUITE_MODULES), side.template)
    _make_bundles(side)
    return side


def addons_side(
    server: Postgres, chosen: Sequence[Addon], folders: tuple[Path, ...], *, tokens: bool = False
) -> Side:
    """Return the side with the addons installed.

    :param folders: folders where Odoo finds the addons and what they need
    :param tokens: whether all alias domains give signed return addresses
    :raise Trouble: if one of them does not end up installed, or has no signed addresses to give
    """
    side = Side("tokens" if tokens else "ours", server, "suites_ours", folders)
    names = [addon.name for addon in chosen]
    log = "suites-install"
    server.copy(databases.stock_template(server, databases.SUITE_MODULES), side.template)
    addons.install(
        server, side.template, chosen, folders, what=f"Installing {', '.join(names)}", log=log
    )
    rows = server.execute(
        "SELECT name FROM ir_module_module WHERE state = 'installed'", database=side.template
    )
    if failed := [name for name in names if (name,) not in rows]:
        raise Trouble(
            f"{', '.join(failed)} could not be installed; see "
            f"{os.path.relpath(paths.LOGS / f'{log}.log')}."
        )
    if tokens:
        if not server.execute(TOKENS_FOR_NEW, database=side.template):
            raise Trouble("--tokens needs notify_routing, whose setting it switches.")
        server.execute(TOKENS_FOR_OLD, database=side.template)
    _make_bundles(side)
    return side


def _make_bundles(side: Side) -> None:
    console.run(
        [sys.executable, "-m", "machine_room.suites_assets", side.config, side.template],
        what=f"Making the web client's bundles ({side.label})",
        log=f"suites-{side.label}-bundles",
        env=side.environment,
    )


def run(side: Side, name: str) -> SuiteRun:
    """Run a suite and, where a browser test failed, that test a second time."""
    result = _run_once(side, name, log=f"suites-{side.label}-{name}")
    if again := result.run_again(SECOND_TRIES):
        console.say(f"   {len(again)} browser tests failed, which load alone can do: once more")
        result.settle(_run_once(side, name, log=f"suites-{side.label}-{name}-again", only=again))
    return result


def _run_once(side: Side, name: str, *, log: str, only: Sequence[str] = ()) -> SuiteRun:
    console.step(f"{name} ({side.label})")
    database = f"{side.template}_run"
    suite = SUITES[name]
    side.server.copy(side.template, database)
    paths.LOGS.mkdir(parents=True, exist_ok=True)
    log_file = paths.LOGS / f"{log}.log"
    started = time.monotonic()
    try:
        if suite.pins:
            side = _beside(side, suite, database)
        # A short path, for Chromium puts sockets there.
        with tempfile.TemporaryDirectory(prefix="suites-") as scratch:
            report = Path(scratch, "report.jsonl")
            report.touch()
            command = _command(side, name, database, report)
            if only:
                chosen = Path(scratch, "only.txt")
                chosen.write_text("\n".join(only), encoding="utf-8")
                command += ["--suites-only", str(chosen)]
            ending = _watch(command, side.environment, log_file, report, name)
            result = SuiteRun.from_lines(name, report.read_text(encoding="utf-8").splitlines())
    finally:
        side.server.drop(database)
    result.seconds = time.monotonic() - started
    if ending:
        result.troubles.append(f"{ending}; see {os.path.relpath(log_file)}")
    console.done(f"{len(result.tests)} tests, {result.count(*BAD)} failed", started)
    return result


def _beside(side: Side, suite: Suite, database: str) -> Side:
    """Install the suite's addon in a database, with what comes by itself where it is installed.

    :return: the side, for which that addon is there
    """
    side = replace(side, addons=(*side.addons, suite.folder))
    addons.install(
        side.server,
        database,
        [Addon(suite.folder / suite.module)],
        side.addons,
        what=f"Installing {suite.module} ({side.label})",
        log=f"suites-{side.label}-install-{suite.module}",
    )
    return side


def _command(side: Side, name: str, database: str, report: Path) -> list[str]:
    suite = SUITES[name]
    return [
        *(sys.executable, "-m", "pytest", str(suite.folder / suite.tests)),
        # No settings of this project, of its parent folders or of other plugins.
        *("-c", os.devnull, "--rootdir", str(report.parent), "-p", "no:cacheprovider"),
        *("-p", "pytest_odoo", "-p", "machine_room.suites_plugin"),
        *("--continue-on-collection-errors", "--tb=short", "-q", "-rfEs"),
        *(
            "--odoo-config",
            str(side.config),
            "--odoo-database",
            database,
            "--odoo-http",
            "--odoo-log-level",
            "info",
        ),
        *(
            "--suites-report",
            str(report),
            "--suites-module",
            suite.module,
            "--suites-tags",
            suite.tags,
        ),
    ]


def _watch(
    command: list[str], environment: dict[str, str], log_file: Path, report: Path, name: str
) -> str:
    """Run pytest and show how far it is.

    :return: a sentence about an ending that is no ordinary one, else an empty text
    """
    scratch = str(report.parent)
    variables = {key: text for key, text in environment.items() if not key.startswith("PYTEST_")}
    variables |= {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "TMPDIR": scratch}
    with log_file.open("w", encoding="utf-8") as out:
        # Its own session, so that the browser can be ended with it.
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
            env=variables,
            cwd=scratch,
            start_new_session=True,
        )
        try:
            silent = _follow(process, report, name)
        finally:
            _end(process)
    if silent:
        return f"no test ended for {PATIENCE} s, so the run was stopped"
    # 0: all passed; 1: some failed, which the report says.
    return (
        "" if process.returncode in (0, 1) else f"pytest ended with exit code {process.returncode}"
    )


def _follow(process: subprocess.Popen, report: Path, name: str) -> bool:
    """Wait for the process with a sign of life now and then; return whether patience ran out."""
    started = spoken = alive = time.monotonic()
    size = 0
    while True:
        try:
            process.wait(1)
            return False
        except subprocess.TimeoutExpired:
            now = time.monotonic()
        if report.stat().st_size != size:
            size, alive = report.stat().st_size, now
        if now - alive > PATIENCE:
            return True
        if now - spoken > console.HEARTBEAT:
            spoken = now
            console.say(f"   … {now - started:.0f} s: {_progress(name, report)}")


def _progress(name: str, report: Path) -> str:
    far = SuiteRun.from_lines(name, report.read_text(encoding="utf-8").splitlines())
    over = len(far.tests) - far.count("unfinished")
    failed = far.count("failed")
    of = "" if name == WEB else f" of {len(far.tests)}"
    return f"{over}{of} tests, {failed} failed" if far.tests else "starting"


def _end(process: subprocess.Popen) -> None:
    """End what is left of the process's session: the browser too, when the tests died first."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(process.pid, number)
        except ProcessLookupError:
            break
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            continue
    process.wait()
