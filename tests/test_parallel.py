"""How the tests are shared by workers: in which order, and what stays together."""

from types import SimpleNamespace

import pytest

from machine_room import parallel_plugin, paths
from machine_room import tests as machine_room_tests

OURS = paths.ROOT / "notify_routing" / "tests"
WORLD = paths.ROOT / "tests"


@pytest.mark.parametrize(
    ("path", "browser"),
    [
        (OURS / "test_bell_tours.py", True),
        (OURS / "test_simulate.py", True),
        (WORLD / "test_portal.py", True),
        (OURS / "test_bell.py", False),
    ],
)
def test_files_whose_tests_start_a_browser_are_known(path, browser):
    assert parallel_plugin.needs_browser(path) == browser


def test_what_takes_long_starts_first():
    tools, bell, tours, cost = (
        WORLD / "test_tools_digest.py",
        OURS / "test_bell.py",
        OURS / "test_bell_tours.py",
        WORLD / "test_world_cost.py",
    )
    assert parallel_plugin.in_order([tools, bell, tours, cost]) == [tours, cost, bell, tools]


def test_one_worker_has_all_browsers_and_a_file_is_never_torn():
    scheduling = object.__new__(parallel_plugin.Scheduling)
    scheduling.config = SimpleNamespace(rootpath=paths.ROOT)
    tests = [
        "notify_routing/tests/test_bell_tours.py::TestBellTours::test_bell",
        "tests/test_portal.py::test_a_portal_user",
        "notify_routing/tests/test_bell.py::TestBell::test_levels",
        "notify_routing/tests/test_bell.py::TestOther::test_levels[a::b]",
    ]
    assert [scheduling._split_scope(test) for test in tests] == [
        "browser",
        "browser",
        "notify_routing/tests/test_bell.py",
        "notify_routing/tests/test_bell.py",
    ]


@pytest.mark.parametrize("flags", [["-k", "bell"], ["-kbell"], ["--lf"], ["-x", "--pdb"], ["-s"]])
def test_one_process_runs_a_choice_of_tests_and_talks_to_a_person(flags):
    assert machine_room_tests.alone(flags)


@pytest.mark.parametrize("flags", [[], ["-q", "--no-cov"], ["-x"], ["--junitxml=a.xml"]])
def test_workers_share_all_others(flags):
    assert not machine_room_tests.alone(flags)
