"""The documents say what the code does, where a program can tell."""

from __future__ import annotations

import re

from machine_room import paths


def test_every_setting_stands_in_the_table_of_the_integrators_manual():
    used = set()
    for path in (paths.ROOT / "notify_routing").rglob("*.py"):
        if "tests" not in path.parts:
            text = path.read_text(encoding="utf-8")
            used |= set(
                re.findall(
                    r"(?:config_parameter=|get_param\(|parameter\()\s*\"notify_routing\.(\w+)", text
                )
            )
    manual = (paths.ROOT / "docs/integrator.md").read_text(encoding="utf-8")
    table = manual[manual.index("## Settings") :]
    listed = set(re.findall(r"\| `(\w+)` +\|", table[: table.index("\n## ", 1)]))
    assert used and used - listed == set()
