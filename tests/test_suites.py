"""What ``make odoo-suites`` reads, compares and says; no Odoo is needed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from machine_room import addons, suites
from machine_room.console import Trouble
from machine_room.suites_compare import Expected, SuiteRun, Test, compare, describe, table
from machine_room.suites_tokens import EXPECTED

Test.__test__ = False  # pytest would take it for a class of tests


def run(name: str = "mail", **tests: Test) -> SuiteRun:
    return SuiteRun(name, tests)


def line(**values) -> str:
    return json.dumps(values)


def ended(name: str, outcome: str = "passed", **values) -> str:
    values = {"seconds": 1.0, "reason": "", "browser": False, "queries": [], **values}
    return line(kind="test", test=name, outcome=outcome, **values)


class TestReading:
    def test_a_test_that_never_ended_is_unfinished(self):
        read = SuiteRun.from_lines(
            "mail",
            [line(kind="collected", tests=["a", "b"], left_out=2), ended("a"), '{"kind": "te'],
        )
        assert {name: test.outcome for name, test in read.tests.items()} == {
            "a": "passed",
            "b": "unfinished",
        }
        assert read.left_out == 2
        assert not read.troubles

    def test_a_run_that_collected_nothing_is_in_trouble(self):
        assert SuiteRun.from_lines("mail", []).troubles

    def test_what_belongs_to_no_test_is_kept(self):
        lines = [line(kind="collected", tests=[], left_out=0), line(kind="trouble", text="x")]
        assert SuiteRun.from_lines("mail", lines).troubles == ["x"]

    @pytest.mark.parametrize(("passed", "trouble"), [(1, False), (2, True)])
    def test_web_client_total_must_equal_what_it_named(self, passed, trouble):
        lines = [
            line(kind="collected", tests=["/web:x"], left_out=0),
            ended("@mail/one"),
            line(kind="hoot", passed=passed, failed=0),
            ended("/web:x"),
        ]
        assert bool(SuiteRun.from_lines("web", lines).troubles) == trouble

    def test_survives_being_kept(self):
        read = run(a=Test("failed", 1.5, "why", True, [["x.py:1", "admin", 2, 3]]))
        read.shaky["b"] = "once"
        assert SuiteRun.from_json(read.to_json()) == read


class TestSecondTry:
    def test_only_browser_tests_get_one(self):
        failed = run(
            a=Test("failed", browser=True), b=Test("failed"), c=Test("passed", browser=True)
        )
        assert failed.run_again(5) == ["a"]

    def test_too_many_failures_are_no_accident(self):
        assert run(**{f"t{at}": Test("failed", browser=True) for at in range(6)}).run_again(5) == []

    def test_a_pass_counts_and_is_told(self):
        first = run(a=Test("failed", reason="slow", browser=True), b=Test("failed", browser=True))
        first.settle(run(a=Test("passed"), b=Test("failed")))
        found = compare(run(a=Test("passed"), b=Test("passed")), first)
        assert [text.split()[0] for text in found.failures] == ["b"]
        assert any(
            "a failed once with the addons" in note and "slow" in note for note in found.notes
        )


class TestComparing:
    def test_equal_runs_have_nothing_to_tell(self):
        same = run(a=Test("passed", queries=[["x.py:1", "admin", 2, 3]]), b=Test("skipped"))
        found = compare(same, same)
        assert found.new_failures == 0
        assert found.measured == [1, 2, 2]
        assert [lines for _title, lines in describe(found)] == [[]]

    @pytest.mark.parametrize(
        ("before", "after", "kind"),
        [
            ("passed", "failed", "failures"),
            ("passed", "unfinished", "failures"),
            ("skipped", "failed", "failures"),
            ("passed", "skipped", "skipped"),
            ("failed", "skipped", "skipped"),
            ("passed", None, "missing"),
            ("skipped", None, "missing"),
            (None, "failed", "failures"),
        ],
    )
    def test_new_failures_are_named_and_counted(self, before, after, kind):
        sides = [run(**({"a": Test(outcome)} if outcome else {})) for outcome in (before, after)]
        found = compare(*sides)
        assert [text.split()[0] for text in getattr(found, kind)] == ["a"]
        assert found.new_failures == 1

    @pytest.mark.parametrize(
        ("before", "after"),
        [("failed", "failed"), ("failed", "passed"), ("skipped", "passed"), (None, "passed")],
    )
    def test_other_differences_are_named_only(self, before, after):
        sides = [run(**({"a": Test(outcome)} if outcome else {})) for outcome in (before, after)]
        found = compare(*sides)
        assert found.new_failures == 0
        assert [text.split()[0] for text in found.notes] == ["a"]

    def test_another_reason_than_on_stock_is_told(self):
        stock = run(a=Test("failed", reason="row 47 at 0xbeef"))
        found = compare(stock, run(a=Test("failed", reason="row 48 at 0xcafe")))
        assert "differently" not in found.notes[0]
        found = compare(stock, run(a=Test("failed", reason="no such table")))
        assert "differently (stock: row 47 at 0xbeef): no such table" in found.notes[0]
        assert found.new_failures == 0

    def test_trouble_counts_unless_stock_has_it_too(self):
        stock, ours = run(), run()
        ours.troubles = ["x"]
        assert compare(stock, ours).new_failures == 1
        stock.troubles = ["x"]
        assert compare(stock, ours).new_failures == 0

    def test_failed_class_set_up_shows_in_the_totals(self):
        stock, ours = run(a=Test("passed"), b=Test("passed")), run(a=Test("passed"))
        assert [row.split()[:4] for row in table({"stock": [stock], "ours": [ours]})[1:3]] == [
            ["mail", "stock", "≠", "2"],
            ["mail", "ours", "≠", "1"],
        ]


class TestDeclared:
    """Failures that are right where return addresses are signed."""

    DECLARED = {"a": Expected("token", "it compares sign by sign")}

    def found(self, outcome, reason="", *, before="passed"):
        stock, ours = run(a=Test(before)), run(a=Test(outcome, reason=reason))
        return compare(stock, ours, self.DECLARED)

    def test_as_declared_is_named_and_not_counted(self):
        found = self.found("failed", "a token was there")
        assert (found.new_failures, found.notes) == (0, [])
        assert found.expected == ["a: it compares sign by sign"]
        assert ("Differ as declared", found.expected) in describe(found)

    @pytest.mark.parametrize(
        ("outcome", "reason"),
        [("failed", "something else"), ("passed", ""), ("skipped", ""), ("unfinished", "token")],
    )
    def test_anything_else_than_declared_is_a_failure(self, outcome, reason):
        found = self.found(outcome, reason)
        assert (found.new_failures, found.expected) == (1, [])

    def test_others_are_not_declared(self):
        found = compare(run(b=Test("passed")), run(b=Test("failed", reason="token")), self.DECLARED)
        assert found.new_failures == 1

    @pytest.mark.parametrize(
        ("reason", "declared"),
        [
            (
                "'\"A B\" <catchall.x@my.example>' != 'catchall.x+r02y560y8kjznbn51dba@my.example'",
                1,
            ),
            ("'catchall@my.example' != 'catchall+a02y560y8kjznbn51dba@other.example'", 0),
            ("'catchall@my.example' != 'bounce+r02y560y8kjznbn51dba@my.example'", 0),
            ("'catchall@my.example' != 'catchall@my.example.example'", 0),
        ],
    )
    def test_only_the_same_address_with_a_token_is_declared(self, reason, declared):
        for name, expected in EXPECTED.items():
            ours = run(**{name: Test("failed", reason=f"AssertionError: {reason} : more")})
            found = compare(run(**{name: Test("passed")}), ours, {name: expected})
            assert bool(found.expected) == bool(declared)


class TestQueries:
    def test_within_the_ceiling_is_named_and_not_counted(self):
        found = compare(
            run(a=Test("passed", queries=[["x.py:1", "admin", 25, 30]])),
            run(a=Test("passed", queries=[["x.py:1", "admin", 26, 30]])),
        )
        assert found.queries == ["a: 25 → 26 of 30 for admin at x.py:1"]
        assert found.new_failures == 0
        assert found.measured == [1, 25, 26]

    def test_over_the_ceiling_is_said(self):
        found = compare(
            run(a=Test("passed", queries=[["x.py:1", "admin", 30, 30]])),
            run(a=Test("failed", queries=[["x.py:1", "admin", 31, 30]])),
        )
        assert found.queries[0].endswith("MORE THAN ALLOWED")

    def test_other_places_are_said_once(self):
        found = compare(
            run(a=Test("passed", queries=[["x.py:1", "admin", 1, 9], ["x.py:2", "admin", 1, 9]])),
            run(a=Test("passed", queries=[])),
        )
        assert len(found.queries) == 1
        assert found.measured == [0, 0, 0]


class TestTable:
    def test_sums_suites_and_marks_differences(self):
        stock = [run("mail", a=Test("passed")), run("crm", b=Test("passed"))]
        ours = [run("mail", a=Test("passed")), run("crm", b=Test("failed"))]
        rows = [row.split() for row in table({"stock": stock, "ours": ours})]
        assert rows[1][:3] == ["mail", "stock", "1"]
        assert rows[4][:3] == ["crm", "ours", "≠"]
        assert rows[-1][:4] == ["all", "ours", "≠", "2"]


class TestAddons:
    @pytest.fixture
    def known(self, tmp_path):
        for name, manifest in {
            "base_one": {"depends": ["mail"]},
            "alone": {"depends": ["mail"]},
            "on_top": {"depends": ["base_one"]},
            "glue": {"depends": ["base_one", "queue_job"]},
            "off": {"installable": False},
        }.items():
            (tmp_path / name).mkdir()
            (tmp_path / name / "__manifest__.py").write_text(repr(manifest))
        return addons.own(tmp_path)

    def test_all_are_that_can_be_and_need_no_addon_of_others(self, known):
        chosen = suites.choose(known)
        assert {addon.name for addon in chosen} == {"base_one", "alone", "on_top"}

    def test_named_ones_bring_what_they_need(self, known):
        chosen = suites.choose(known, ["on_top"])
        assert [addon.name for addon in chosen] == ["base_one", "on_top"]

    @pytest.mark.parametrize("name", ["off", "nowhere"])
    def test_a_named_one_that_is_not_there_is_trouble(self, known, name):
        with pytest.raises(Trouble, match=name):
            suites.choose(known, [name])

    def test_none_at_all_is_trouble(self):
        with pytest.raises(Trouble):
            suites.choose([])

    def test_a_change_of_source_ends_going_on(self, known, monkeypatch):
        monkeypatch.setattr(suites, "stock_folder", lambda: Path("kept/stock"))
        before = suites.ours_folder(known)
        assert suites.ours_folder(known) == before
        assert suites.ours_folder(known, tokens=True) != before
        (known[0].folder / "new.py").write_text("")
        assert suites.ours_folder(known) != before


class TestOptions:
    def test_everything_by_default(self):
        assert suites.options([]).suites == list(suites.suites_run.SUITES)

    def test_tokens_are_off_unless_wanted(self):
        assert [suites.options(given).tokens for given in ([], ["--tokens"])] == [False, True]

    def test_without_the_web_client(self):
        assert "web" not in suites.options(["--no-web"]).suites

    def test_suites_of_others_only(self):
        names = ["oca_mail_tracking", "oca_mail_post_defer", "oca_queue_job"]
        assert suites.options(["--oca"]).suites == names

    def test_what_cannot_be_fetched_is_left_out_unless_it_was_asked_for(self, monkeypatch, capsys):
        def no_network(pins):
            raise addons.Unreachable("no network")

        monkeypatch.setattr(addons, "fetched", no_network)
        assert suites.reachable(["mail", "oca_queue_job"], asked=False) == ["mail"]
        assert "oca_queue_job" in capsys.readouterr().out
        with pytest.raises(Trouble, match="no network"):
            suites.reachable(["mail", "oca_queue_job"], asked=True)

    def test_named_suites_only(self):
        assert suites.options(["--suite", "crm", "--suite", "web"]).suites == ["crm", "web"]


class TestReport:
    def test_says_how_many_tests_are_left_out_for_their_time(self):
        stock = [SuiteRun("sale", left_out=15), SuiteRun("web", left_out=98)]
        lines = suites.report({"stock": stock}, None, "stock")
        assert any("TestTaxesDownPaymentSale, 15 tests" in text for text in lines)

    def test_long_lists_are_cut_on_the_terminal_only(self, tmp_path, capsys):
        lines = ["Gone: 50", *(f"  - test {at}" for at in range(50)), "", "the end"]
        suites.show(lines, tmp_path / "report.txt")
        said = capsys.readouterr().out
        assert said.count("  - test") == suites.SHOWN
        assert "the end" in said
        assert (tmp_path / "report.txt").read_text().splitlines() == lines
