"""The checks that every text file passes, whatever its language: ``make lint`` calls it with names.

It only reports, unless ``--fix`` is given, so that a check never changes what it checks.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

from . import paths

#: Larger files make every clone slow for ever; a recording or a data set belongs elsewhere.
LARGEST = 500 * 1024
#: What is kept as a program wrote it: raw messages with their own line ends, translations.
RAW = {".eml", ".mbox", ".patch", ".diff", ".svg"}
#: Links and pictures of documents and pages, and what is no text of theirs.
LINK = {
    ".md": re.compile(r"\]\(<?([^)\s>]+)"),
    ".html": re.compile(r"\b(?:src|href)=\"([^\"]+)\""),
}
CODE = re.compile(r"^```.*?^```|`[^`\n]+`", re.MULTILINE | re.DOTALL)
CONFLICT = re.compile(rb"^(<{7} |>{7} |\|{7} )", re.MULTILINE)


def is_text(content: bytes) -> bool:
    return b"\0" not in content[:8192]


def cleaned(content: bytes) -> bytes:
    """Return the text with LF ends, no white space before them, and one of them at the end."""
    lines = content.replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n")
    body = b"\n".join(line.rstrip(b" \t") for line in lines).rstrip(b"\n")
    return body + b"\n" if body else b""


def findings(path: Path, content: bytes) -> Iterator[tuple[int, str]]:
    """Yield line number (0 for the whole file) and sentence of each finding in a file."""
    if len(content) > LARGEST:
        yield 0, f"is {len(content) // 1024} KB; {LARGEST // 1024} KB are allowed"
    if not is_text(content):
        return
    for match in CONFLICT.finditer(content):
        yield content.count(b"\n", 0, match.start()) + 1, "a merge conflict is left"
    if f"{paths.ROOT}/".encode() in content:
        yield 0, "names the folder of this checkout, which is elsewhere on other machines"
    if path.suffix in RAW:
        return
    if b"\r" in content:
        yield 0, "has line ends other than LF"
    for number, line in enumerate(content.splitlines(), start=1):
        if line != line.rstrip(b" \t"):
            yield number, "white space at the end of the line"
    if content and not content.endswith(b"\n"):
        yield 0, "has no line end at the end"
    elif content.endswith(b"\n\n"):
        yield 0, "has empty lines at the end"


def broken_links(path: Path, content: bytes) -> Iterator[tuple[int, str]]:
    """Yield line and sentence of each relative link or picture in a document that leads nowhere."""
    link = LINK.get(path.suffix)
    if not link:
        return
    text = content.decode("utf-8", "replace")
    # Blanked, not cut out: the lines keep their numbers.
    text = CODE.sub(lambda code: re.sub(r"[^\n]", " ", code[0]), text)
    for found in link.finditer(text):
        target = found[1].partition("#")[0]
        if target and not re.match(r"[a-z]+:|/", target) and not (path.parent / target).exists():
            yield text.count("\n", 0, found.start()) + 1, f"leads nowhere: {target}"


def fix(path: Path) -> None:
    content = path.read_bytes()
    if path.suffix not in RAW and is_text(content) and cleaned(content) != content:
        path.write_bytes(cleaned(content))


def check(names: Iterable[str]) -> int:
    """Print the findings in the named files and return the exit code."""
    code = 0
    for path in map(Path, names):
        if path.is_symlink() or not path.is_file():
            continue
        content = path.read_bytes()
        for line, sentence in (*findings(path, content), *broken_links(path, content)):
            print(f"{path}:{line}: {sentence}" if line else f"{path}: {sentence}")
            code = 1
    return code


def main(arguments: list[str]) -> int:
    names = [argument for argument in arguments if argument != "--fix"]
    if "--fix" in arguments:
        for name in names:
            fix(Path(name))
        return 0
    return check(names)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
