"""Each addon's ``README.md``, joined from the fragments in its ``readme`` folder.

``python -m machine_room.readme`` writes them; with ``--check`` it only says which are outdated.
"""

from __future__ import annotations

import ast
import sys
from pathlib import Path

from . import paths

#: Fragments in the order of the page, with their headings.
SECTIONS = {
    "DESCRIPTION": "",
    "CONFIGURE": "Configuration",
    "USAGE": "Usage",
    "ROADMAP": "Known gaps",
    "HISTORY": "Changes",
}


def page(addon: Path) -> str:
    """Return the text of an addon's README."""
    manifest = ast.literal_eval((addon / "__manifest__.py").read_text(encoding="utf-8"))
    parts = [f"# {manifest['name']}", f"_{manifest['summary']}._"]
    for fragment, heading in SECTIONS.items():
        path = addon / "readme" / f"{fragment}.md"
        if path.exists():
            parts += [f"## {heading}"] if heading else []
            text = path.read_text(encoding="utf-8").strip()
            parts.append(_deeper(text))
    parts.append(f"License: {manifest['license']}.")
    return "\n\n".join(parts) + "\n"


def _deeper(text: str) -> str:
    """Return a fragment with its headings one level deeper."""
    return "\n".join(f"#{line}" if line.startswith("#") else line for line in text.splitlines())


def main() -> int:
    check = "--check" in sys.argv
    outdated = 0
    for manifest in sorted(paths.ROOT.glob("*/__manifest__.py")):
        target = manifest.parent / "README.md"
        text = page(manifest.parent)
        if target.exists() and target.read_text(encoding="utf-8") == text:
            continue
        outdated += 1
        if check:
            print(
                f"{target.relative_to(paths.ROOT)} is outdated: run python3 -m machine_room.readme"
            )
        else:
            target.write_text(text, encoding="utf-8")
    return outdated if check else 0


if __name__ == "__main__":
    sys.exit(main())
