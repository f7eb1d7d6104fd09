"""Each addon's ``README.md`` and page in Odoo's apps, made of what is in its ``readme`` folder.

``python -m machine_room.readme`` writes them; with ``--check`` it only says which are outdated.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

from . import paths, shop_window

#: Fragments in the order of the page, with their headings.
SECTIONS = {
    "DESCRIPTION": "",
    "CONFIGURE": "Configuration",
    "USAGE": "Usage",
    "ROADMAP": "Known gaps",
    "HISTORY": "Changes",
}


def page(addon: Path, manifest: dict) -> str:
    """Return the text of an addon's README."""
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


def pages(addon: Path) -> Iterator[tuple[Path, bytes]]:
    """Yield each generated file of an addon and what it should be."""
    manifest = ast.literal_eval((addon / "__manifest__.py").read_text(encoding="utf-8"))
    yield addon / "README.md", page(addon, manifest).encode()
    window = shop_window.page(addon, manifest)
    if window:
        yield addon / "static" / "description" / "index.html", window.encode()
        yield from shop_window.pictures(addon)


def main() -> int:
    check = "--check" in sys.argv
    outdated = 0
    manifests = sorted(paths.ROOT.glob("*/__manifest__.py"))
    for target, content in (each for manifest in manifests for each in pages(manifest.parent)):
        if target.exists() and target.read_bytes() == content:
            continue
        outdated += 1
        if check:
            print(
                f"{target.relative_to(paths.ROOT)} is outdated: run python3 -m machine_room.readme"
            )
        else:
            target.write_bytes(content)
    return outdated if check else 0


if __name__ == "__main__":
    sys.exit(main())
