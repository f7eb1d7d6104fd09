"""``make conformance``: one line a behaviour, from the tests whose names carry its id.

``test_o4_three_users`` speaks for O4, ``test_o1_o5_…`` for both. A behaviour passed when at least
one test bears its id and all of them passed; a skipped test proves nothing.
"""

from __future__ import annotations

import re
import sys
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path
from xml.etree import ElementTree

from . import console, databases, paths, tests

#: How many behaviours each source document describes.
COUNTS = {"P": 7, "A": 8, "N": 14, "O": 22, "K": 6}
BEHAVIOURS = [
    f"{letter}{number}" for letter, count in COUNTS.items() for number in range(1, count + 1)
]
NAME = re.compile(r"^test_((?:[panok]\d+_)+)")


def behaviours_of(test_name: str) -> list[str]:
    """Return the ids that a test's name carries: ``["O1", "O5"]`` for ``test_o1_o5_followers``."""
    match = NAME.match(test_name)
    ids = match[1].upper().strip("_").split("_") if match else []
    return [name for name in ids if name in BEHAVIOURS]


class Selection:
    """Plugin for pytest: run only the tests that carry the id of a behaviour."""

    def pytest_collection_modifyitems(self, config, items) -> None:
        kept = [item for item in items if behaviours_of(item.originalname or item.name)]
        config.hook.pytest_deselected(items=[item for item in items if item not in kept])
        items[:] = kept


def report(results: Iterable[tuple[str, bool]]) -> tuple[list[str], int]:
    """Return the lines to print and the number of behaviours that passed.

    :param results: name of each test, and whether it passed
    """
    tests_of: dict[str, dict[str, bool]] = defaultdict(dict)
    for name, passed in results:
        for behaviour in behaviours_of(name):
            name = name.partition("[")[0]
            tests_of[behaviour][name] = tests_of[behaviour].get(name, True) and passed
    lines, count = [], 0
    for behaviour in BEHAVIOURS:
        own = tests_of[behaviour]
        state = "missing" if not own else "passed" if all(own.values()) else "failed"
        count += state == "passed"
        lines.append(" ".join([behaviour, state, *sorted(own)]))
    lines.append(f"conformance: {count}/{len(BEHAVIOURS)}")
    return lines, count


def read_results(path: Path) -> Iterable[tuple[str, bool]]:
    """Yield the tests of a JUnit file, as pytest writes it."""
    for case in ElementTree.parse(path).iter("testcase"):
        bad = any(case.find(tag) is not None for tag in ("failure", "error", "skipped"))
        yield case.get("name", ""), not bad


def main() -> int:
    result = paths.CACHE / "conformance.xml"
    result.unlink(missing_ok=True)
    arguments = ["-p", "machine_room.conformance_plugin", f"--junitxml={result}", "-q"]
    with databases.postgres() as server:
        tests.run(server, [*arguments, *sys.argv[1:]], workers=1 if sys.argv[1:] else tests.cores())
    if not result.exists():
        raise console.Trouble("The tests did not run to their end; see above.")
    lines, count = report(read_results(result))
    console.say()
    for line in lines:
        console.say(line)
    return 0 if count == len(BEHAVIOURS) else 1


if __name__ == "__main__":
    console.main(main)
