"""pytest plugin: run the tests that Odoo's own loader would run, and write one JSON line for each.

It rides on ``pytest-odoo``, which runs every test on the complete registry but collects imported
and inherited classes again and knows no tags; here Odoo's own loader and tag selector have the
last word.

The lines (see :meth:`machine_room.suites_compare.SuiteRun.from_lines` for the reader):

``{"kind": "collected", "tests": [id…], "left_out": 12}``
    once; ``left_out`` counts standard tests that the tags exclude
``{"kind": "start", "test": id}``
    a test begins; whoever waits knows which one hangs
``{"kind": "test", "test": id, "outcome": "passed", "seconds": 0.1, "reason": "", "browser": false,
"queries": [["test_mail/tests/test_x.py:12", "admin", 25, 30]]}``
    a test is over; each entry of ``queries`` is one ``assertQueryCount``: place, login, counted,
    ceiling
``{"kind": "hoot", "passed": 1217, "failed": 0}``
    what the web client's test runner says that it ran
``{"kind": "trouble", "text": "…"}``
    something that belongs to no test, e.g. a file that cannot be imported
"""

from __future__ import annotations

import json
import logging
import re
import sys
import time
from pathlib import Path

import pytest
from _pytest.subtests import SubtestReport

from odoo.tests import common, loader
from odoo.tests.tag_selector import TagsSelector

#: Longest reason that is kept; the whole text is in the log.
REASON_LENGTH = 400
#: Hoot quotes a name with whichever quote it does not contain.
HOOT_TEST = re.compile(
    r"^\[HOOT\] Test (?P<quote>[\"'`])(?P<name>.*)(?P=quote) "
    r"(?P<outcome>passed|failed)\b(?P<rest>.*)",
    re.DOTALL,
)
#: Odoo takes whoever leaves ``assertQueryCount`` for the test; that is :class:`QueryCount`.
OUR_FRAME = re.compile(r"in __exit__ at \S*suites_plugin\.py:\d+")
HOOT_TIME = re.compile(r"time: ([\d.]+)")
HOOT_TOTAL = re.compile(
    r"^\[HOOT\] (?:Passed (?P<passed>\d+)|Failed (?P<failed>\d+) tests \((?P<rest>\d+) passed)"
)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--suites-report", help="file that gets one JSON line a test")
    parser.addoption("--suites-module", help="addon whose tests run")
    parser.addoption("--suites-tags", help="Odoo's test tags")
    parser.addoption("--suites-only", help="file with one test id a line: run no others")


def pytest_configure(config: pytest.Config) -> None:
    if config.getoption("--suites-report"):
        config.pluginmanager.register(Reporter(config), "suites-reporter")


def test_id(test_class: type, method: str) -> str:
    """Return a test's id as ``--test-tags`` takes it: ``/mail/tests/test_x.py:TestX.test_y``."""
    file = test_class.__module__.removeprefix("odoo.addons.").replace(".", "/")
    return f"/{file}.py:{test_class.__name__}.{method}"


def clock() -> float:
    """Return seconds that pass also where a test has stopped Python's clocks with freezegun."""
    return time.clock_gettime(time.CLOCK_MONOTONIC)


def shorten(text: str) -> str:
    return text if len(text) <= REASON_LENGTH else f"{text[:REASON_LENGTH]}…"


class Reporter:
    """Selects the tests and writes the report of one pytest run."""

    def __init__(self, config: pytest.Config) -> None:
        self.module: str = config.getoption("--suites-module")
        self.tags: str = config.getoption("--suites-tags")
        only = config.getoption("--suites-only")
        self.only = set(Path(only).read_text(encoding="utf-8").splitlines()) if only else None
        self.out = open(config.getoption("--suites-report"), "a", encoding="utf-8", buffering=1)  # noqa: SIM115
        self.queries: list[list] = []
        self.failures: list[str] = []
        self.skip: str | None = None
        self.started = 0.0
        self.place = ""
        self.hoot = HootReader(self)

    def write(self, kind: str, **values) -> None:
        self.out.write(json.dumps({"kind": kind, **values}) + "\n")

    # ------------------------------------------------------------
    # WHICH TESTS
    # ------------------------------------------------------------

    def selection(self) -> tuple[dict[str, list], int]:
        """Return what Odoo would run, id → test parameters, and how many the tags leave out."""
        wanted, standard = TagsSelector(self.tags), TagsSelector("standard")
        chosen, left_out = {}, 0
        for test_module in loader.get_test_modules(self.module):
            if not test_module.__name__.startswith(f"odoo.addons.{self.module}.tests."):
                continue  # pytest is not pointed at upgrade scripts
            for case in loader.get_module_test_cases(test_module):
                if wanted.check(case):
                    chosen[test_id(type(case), case._testMethodName)] = case._test_params
                elif wanted.exclude:
                    left_out += standard.check(case)
        return chosen, left_out

    def pytest_collection_modifyitems(
        self, config: pytest.Config, items: list[pytest.Item]
    ) -> None:
        chosen, left_out = self.selection()
        names = None
        if self.only is not None:
            # What is no Python test is one of the web client's; its carrier has to run for it.
            names = sorted(name for name in self.only if name.startswith("@"))
            chosen = {name: params for name, params in chosen.items() if names or name in self.only}
        kept: dict[str, pytest.Item] = {}
        for item in items:
            test_class = getattr(item, "cls", None)
            if test_class is None or test_class.__module__ != item.module.__name__:
                continue  # imported from another file, which runs it itself
            name = test_id(test_class, item.name)
            if name in chosen and name not in kept:
                kept[name] = item
                test_class._test_params = chosen[name]
                if names:
                    test_class.get_hoot_filters = hoot_filter(names)
        config.hook.pytest_deselected(items=[item for item in items if item not in kept.values()])
        items[:] = kept.values()
        if missed := sorted(chosen.keys() - kept.keys()):
            self.write(
                "trouble", text=f"pytest did not find what Odoo would run: {', '.join(missed)}"
            )
        self.write("collected", tests=list(kept), left_out=left_out)

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.failed:
            last = report.longreprtext.strip().splitlines()[-1:]
            self.write(
                "trouble", text=shorten(f"{report.nodeid} cannot be imported: {' '.join(last)}")
            )

    # ------------------------------------------------------------
    # WHAT HAPPENED
    # ------------------------------------------------------------

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item):
        name = test_id(item.cls, item.name)
        self.queries, self.failures, self.skip, self.started = [], [], None, clock()
        self.write("start", test=name)
        try:
            return (yield)
        finally:
            self._write_test(name, browser=issubclass(item.cls, common.HttpCase))

    def _write_test(self, name: str, *, browser: bool) -> None:
        outcome, reason = "passed", ""
        if self.failures and self.hoot.failed:
            reason = "its failures are named one by one"
        elif self.failures:
            outcome, reason = "failed", self.failures[0]
        elif self.skip is not None:
            outcome, reason = "skipped", self.skip
        self.write(
            "test",
            test=name,
            outcome=outcome,
            seconds=round(clock() - self.started, 3),
            reason=reason,
            browser=browser,
            queries=self.queries,
        )

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed:
            # unittest's setUp and tearDown belong to the call, so these phases are the class's.
            where = {"setup": "setUpClass: ", "teardown": "tearDownClass: "}.get(report.when, "")
            crash = getattr(report.longrepr, "reprcrash", None)
            text = crash.message if crash else report.longreprtext
            self.failures.append(where + shorten(OUR_FRAME.sub(f"at {self.place}", text.strip())))
        elif (
            report.skipped
            and not isinstance(report, SubtestReport)
            and not hasattr(report, "wasxfail")
        ):
            longrepr = report.longrepr
            self.skip = str(longrepr[2] if isinstance(longrepr, tuple) else longrepr).removeprefix(
                "Skipped: "
            )

    def pytest_sessionstart(self) -> None:
        """Count queries and listen to the browser from now on."""
        common.BaseCase.assertQueryCount = measured(common.BaseCase.assertQueryCount, self)
        logger = logging.getLogger("odoo.addons.web.tests.test_js")
        logger.setLevel(logging.INFO)
        logger.addHandler(self.hoot)


def measured(original, reporter: Reporter):
    """Return ``assertQueryCount`` that also notes what it counts.

    It is an upper bound: a test can pass with more queries than on stock as long as it had slack.
    """

    def assertQueryCount(self, default=0, flush=True, **counters):
        caller = sys._getframe(1)
        file = caller.f_code.co_filename.replace("\\", "/").rsplit("/addons/", 1)[-1]
        manager = original(self, default, flush, **counters)
        return QueryCount(self, manager, f"{file}:{caller.f_lineno}", (default, counters), reporter)

    return assertQueryCount


class QueryCount:
    """One ``with self.assertQueryCount(…)``, noted in the reporter when it is left normally."""

    def __init__(
        self, case, manager, place: str, ceilings: tuple[int, dict], reporter: Reporter
    ) -> None:
        self.case, self.manager, self.place, self.reporter = case, manager, place, reporter
        self.default, self.counters = ceilings

    def __enter__(self):
        # Before the count begins, for this may be a query.
        self.login = self.case.env.user.login if self.case.warm else ""
        entered = self.manager.__enter__()
        self.before = self.case.cr.sql_log_count
        return entered

    def __exit__(self, *exception):
        self.reporter.place = self.place
        result = self.manager.__exit__(*exception)
        if self.case.warm and exception[0] is None:
            counted = self.case.cr.sql_log_count - self.before
            ceiling = self.counters.get(self.login, self.default)
            self.reporter.queries.append([self.place, self.login, counted, ceiling])
        return result


class HootReader(logging.Handler):
    """Turns what the web client's test runner prints in the console into lines of the report."""

    def __init__(self, reporter: Reporter) -> None:
        super().__init__(logging.INFO)
        self.reporter = reporter
        self.seen: dict[str, int] = {}
        self.failed = 0

    def emit(self, record: logging.LogRecord) -> None:
        message = record.getMessage()
        if found := HOOT_TEST.match(message):
            self._test(found)
        elif found := HOOT_TOTAL.match(message):
            passed = int(found["passed"] or found["rest"])
            self.reporter.write("hoot", passed=passed, failed=int(found["failed"] or 0))

    def _test(self, found: re.Match) -> None:
        name = found["name"]
        self.seen[name] = self.seen.get(name, 0) + 1
        if self.seen[name] > 1:
            name = f"{name} #{self.seen[name]}"
        failed = found["outcome"] == "failed"
        self.failed += failed
        took = HOOT_TIME.search(found["rest"])
        self.reporter.write(
            "test",
            test=name,
            outcome=found["outcome"],
            seconds=float(took[1]) / 1000 if took else 0.0,
            reason=shorten(" ".join(found["rest"].lstrip(":").split())) if failed else "",
            browser=True,
            queries=[],
        )


def hoot_filter(names: list[str]):
    """Return ``get_hoot_filters`` for exactly these tests of the web client."""

    def get_hoot_filters(self) -> str:
        return "".join(f"&id={self._generate_hash(name)}" for name in names)

    return get_hoot_filters
