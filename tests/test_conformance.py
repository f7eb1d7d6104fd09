"""How test names become lines of ``make conformance``."""

from machine_room.conformance import BEHAVIOURS, behaviours_of, report


def test_there_are_57_behaviours():
    assert len(BEHAVIOURS) == 57


def test_a_name_carries_one_id_or_several():
    assert behaviours_of("test_p2_matrix_28_cells") == ["P2"]
    assert behaviours_of("test_o1_o5_followers") == ["O1", "O5"]
    assert behaviours_of("test_o99_unknown") == []
    assert behaviours_of("test_other") == []


def test_a_behaviour_passes_only_if_all_of_its_tests_do():
    lines, count = report(
        [("test_p1_a", True), ("test_p2_a", True), ("test_p2_b[x]", True), ("test_p2_b[y]", False)]
    )
    assert lines[0] == "P1 passed test_p1_a"
    assert lines[1] == "P2 failed test_p2_a test_p2_b"
    assert lines[2] == "P3 missing"
    assert lines[-1] == "conformance: 1/57"
    assert count == 1
