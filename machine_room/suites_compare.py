"""What a run of a test suite gave, and how two of them differ. Pure functions, no Odoo."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from itertools import zip_longest
from types import MappingProxyType

#: Outcomes of a test: ``unfinished`` was collected and never ended, because its process did.
PASSED, FAILED, SKIPPED, UNFINISHED = "passed", "failed", "skipped", "unfinished"
#: Outcomes that nobody may call a success.
BAD = (FAILED, UNFINISHED)
#: What differs from run to run in a reason: addresses in memory, ids of records.
ADDRESS = re.compile(r"0x[0-9a-f]+|\d+")


@dataclass
class Test:
    """One test's result.

    :param str reason: why it failed or was skipped
    :param bool browser: it talks HTTP, so the machine's load can make it fail
    :param list queries: one ``[place, login, counted, ceiling]`` for each ``assertQueryCount``
    """

    outcome: str
    seconds: float = 0.0
    reason: str = ""
    browser: bool = False
    queries: list[list] = field(default_factory=list)

    def __post_init__(self) -> None:
        # One finding, one line.
        self.reason = " ".join(self.reason.split())


@dataclass
class SuiteRun:
    """One suite's result on one database.

    :param dict tests: test id → :class:`Test`
    :param int left_out: standard tests that the tags exclude
    :param list troubles: sentences about what belongs to no test
    :param dict shaky: test id → reason of a first failure, for tests that passed when run again
    """

    name: str
    tests: dict[str, Test] = field(default_factory=dict)
    seconds: float = 0.0
    left_out: int = 0
    troubles: list[str] = field(default_factory=list)
    shaky: dict[str, str] = field(default_factory=dict)

    def count(self, *outcomes: str) -> int:
        return sum(test.outcome in outcomes for test in self.tests.values())

    def to_json(self) -> str:
        return json.dumps(asdict(self), indent=1, sort_keys=True)

    @classmethod
    def from_json(cls, text: str) -> SuiteRun:
        values = json.loads(text)
        tests = {name: Test(**test) for name, test in values.pop("tests").items()}
        return cls(tests=tests, **values)

    @classmethod
    def from_lines(cls, name: str, lines: Iterable[str], seconds: float = 0.0) -> SuiteRun:
        """Read the report of :mod:`machine_room.suites_plugin`, without a line that a crash cut."""
        run = cls(name, seconds=seconds)
        collected = False
        for line in lines:
            try:
                values = json.loads(line)
            except ValueError:
                continue
            kind = values.pop("kind")
            if kind == "collected":
                collected = True
                run.left_out = values["left_out"]
                run.tests.update(
                    {test: Test(UNFINISHED, reason="it never ended") for test in values["tests"]}
                )
            elif kind == "test":
                test = values.pop("test")
                run.tests[test] = Test(**values)
            elif kind == "trouble":
                run.troubles.append(values["text"])
            elif kind == "hoot":
                run.troubles += _miscount(run, values)
        if not collected:
            run.troubles.append("the run ended before its tests were collected")
        return run

    def run_again(self, limit: int) -> list[str]:
        """Return the failed tests that deserve a second try.

        They are a browser's, which a busy machine can fail, unless too many to be an accident.
        """
        failed = [name for name, test in self.tests.items() if test.outcome in BAD and test.browser]
        return failed if len(failed) <= limit else []

    def settle(self, again: SuiteRun) -> None:
        """Take over what passed in a second try, and remember that it was one."""
        for name, test in again.tests.items():
            before = self.tests.get(name)
            if before and before.outcome in BAD and test.outcome == PASSED:
                self.shaky[name] = before.reason
                self.tests[name] = test


def _miscount(run: SuiteRun, said: dict[str, int]) -> list[str]:
    """Compare the web client's own totals with the tests that it named."""
    web = [test.outcome for name, test in run.tests.items() if name.startswith("@")]
    named = {outcome: web.count(outcome) for outcome in (PASSED, FAILED)}
    if named == said:
        return []
    text = "the web client counted %s passed and %s failed tests but named %s and %s"
    return [text % (said[PASSED], said[FAILED], named[PASSED], named[FAILED])]


@dataclass(frozen=True)
class Expected:
    """A failure that is right.

    :param reason: pattern that the failure's reason holds; any other failure is a new one
    :param why: one sentence
    """

    reason: str
    why: str


@dataclass
class Comparison:
    """How a suite with the addons differs from stock. Each list holds one line of text a finding.

    :param list failures: failed or unfinished with the addons, not on stock
    :param list missing: collected on stock only
    :param list skipped: skipped with the addons only
    :param list troubles: what belongs to no test, with the addons only
    :param list expected: failures that were declared beforehand, with the reason
    :param list queries: counts of queries that differ, within their ceilings or not
    :param list measured: how many counts were compared, their sum on stock, their sum now
    :param list notes: differences that hide nothing: tests that now pass or are new, second tries
    """

    failures: list[str] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    skipped: list[str] = field(default_factory=list)
    troubles: list[str] = field(default_factory=list)
    expected: list[str] = field(default_factory=list)
    queries: list[str] = field(default_factory=list)
    measured: list[int] = field(default_factory=lambda: [0, 0, 0])
    notes: list[str] = field(default_factory=list)

    @property
    def new_failures(self) -> int:
        """A test that is gone or skipped proves nothing any more, so it counts like a failure."""
        return len(self.failures) + len(self.missing) + len(self.skipped) + len(self.troubles)

    def add(self, other: Comparison) -> None:
        for name in ("failures", "missing", "skipped", "troubles", "expected", "queries", "notes"):
            getattr(self, name).extend(getattr(other, name))
        self.measured = [
            mine + theirs for mine, theirs in zip(self.measured, other.measured, strict=True)
        ]


def compare(
    stock: SuiteRun, ours: SuiteRun, expected: Mapping[str, Expected] = MappingProxyType({})
) -> Comparison:
    """Return every difference between one suite's run on stock and with the addons.

    :param expected: test id → how it has to fail; one that passes all the same counts as a failure,
        so that the declaration stays true
    """
    found = Comparison()
    found.missing = [
        f"{name} (on stock: {stock.tests[name].outcome})"
        for name in stock.tests
        if name not in ours.tests
    ]
    found.troubles = [
        f"{ours.name}: {text}" for text in ours.troubles if text not in stock.troubles
    ]
    for name, test in ours.tests.items():
        before = stock.tests.get(name)
        if before is None:
            _compare_new(found, name, test)
        else:
            _compare_outcome(found, name, before, test, expected.get(name))
            _compare_queries(found, name, before.queries, test.queries)
    for side, run in (("on stock", stock), ("with the addons", ours)):
        found.notes += [
            f"{name} failed once {side}, passed when run again: {why}"
            for name, why in run.shaky.items()
        ]
    return found


def _compare_new(found: Comparison, name: str, test: Test) -> None:
    if test.outcome in BAD:
        found.failures.append(f"{name} (not on stock): {test.reason}")
    else:
        found.notes.append(f"{name} is collected with the addons only, {test.outcome}")


def _compare_outcome(
    found: Comparison, name: str, before: Test, after: Test, expected: Expected | None
) -> None:
    if expected and before.outcome == PASSED and after.outcome != SKIPPED:
        if after.outcome == PASSED:
            found.failures.append(f"{name} passes, though it is declared to fail: {expected.why}")
            return
        if after.outcome == FAILED and re.search(expected.reason, after.reason):
            found.expected.append(f"{name}: {expected.why}")
            return
    if before.outcome in BAD and after.outcome in BAD:
        other = ADDRESS.sub("", before.reason) != ADDRESS.sub("", after.reason)
        how = f", but differently (stock: {before.reason})" if other else ""
        found.notes.append(f"{name} fails on stock too{how}: {after.reason}")
    elif after.outcome == before.outcome:
        return
    elif after.outcome in BAD:
        found.failures.append(
            f"{name} ({before.outcome} on stock, now {after.outcome}): {after.reason}"
        )
    elif after.outcome == SKIPPED:
        found.skipped.append(f"{name} ({before.outcome} on stock, now skipped): {after.reason}")
    else:
        found.notes.append(
            f"{name} {before.outcome} on stock ({before.reason}), passes with the addons"
        )


def _compare_queries(found: Comparison, name: str, before: list[list], after: list[list]) -> None:
    """Compare count by count: the same source counts at the same places in the same order."""
    changes = []
    for stock, ours in zip_longest(before, after):
        if stock is None or ours is None or stock[:2] != ours[:2]:
            changes.append(
                f"counted {len(before)} times on stock, {len(after)} times now, or elsewhere"
            )
            break
        place, login, count, ceiling = ours
        found.measured = [
            found.measured[0] + 1,
            found.measured[1] + stock[2],
            found.measured[2] + count,
        ]
        if count != stock[2]:
            over = ", MORE THAN ALLOWED" if count > ceiling else ""
            changes.append(f"{stock[2]} → {count} of {ceiling} for {login} at {place}{over}")
    found.queries += [f"{name}: {change}" for change in changes]


# ------------------------------------------------------------
# WORDS
# ------------------------------------------------------------

COLUMNS = ("tests", PASSED, FAILED, SKIPPED, UNFINISHED, "queries", "seconds")


def totals(run: SuiteRun) -> tuple[int, ...]:
    """Return a suite's figures in the order of :data:`COLUMNS`; ``queries`` is a sum."""
    counted = sum(query[2] for test in run.tests.values() for query in test.queries)
    outcomes = (run.count(outcome) for outcome in (PASSED, FAILED, SKIPPED, UNFINISHED))
    return (len(run.tests), *outcomes, counted, round(run.seconds))


def table(runs: dict[str, list[SuiteRun]]) -> list[str]:
    """Return the lines of a table of totals.

    :param dict runs: side → its suites; a suite whose figures differ between sides is marked with ≠
    """
    figures = {(run.name, side): totals(run) for side, suites in runs.items() for run in suites}
    names = list(dict.fromkeys(name for name, _side in figures))
    rows = [("suite", "", *COLUMNS)]
    for name in [*names, "all"]:
        sides = {}
        for side in runs:
            mine = [
                values
                for (suite, where), values in figures.items()
                if where == side and name in (suite, "all")
            ]
            sides[side] = tuple(map(sum, zip(*mine, strict=True)))
        # The last column is time, which always differs.
        differs = len({values[:-1] for values in sides.values() if values}) > 1
        rows += [
            (name, f"{side}{' ≠' * differs}", *map(str, values))
            for side, values in sides.items()
            if values
        ]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return [
        "  ".join(_align(cell, widths[at], left=at < 2) for at, cell in enumerate(row))
        for row in rows
    ]


def _align(cell: str, width: int, *, left: bool) -> str:
    return cell.ljust(width) if left else cell.rjust(width)


def describe(found: Comparison) -> list[tuple[str, list[str]]]:
    """Return (title, findings) for everything that there is to say, the grave things first."""
    compared, before, after = found.measured
    sections = [
        ("Fail with the addons and not on stock", found.failures),
        ("Gone: collected on stock only", found.missing),
        ("Skipped with the addons only", found.skipped),
        ("Trouble that belongs to no test", found.troubles),
        ("Differ as declared", found.expected),
        (
            "Count of queries changed (not counted as a failure unless it is over the ceiling)",
            found.queries,
        ),
        ("To know", found.notes),
    ]
    said = [(title, lines) for title, lines in sections if lines]
    if compared:
        said.append(
            (f"Counts of queries compared: {compared}, {before} queries on stock, {after} now", [])
        )
    return said
