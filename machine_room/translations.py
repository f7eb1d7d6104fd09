"""Translation files: what a good one looks like, and how a template is merged into it.

Called with names of ``.po`` files (``make lint`` does), it prints what is wrong with them.
"""

from __future__ import annotations

import re
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import polib

from .console import Trouble

#: Headers that would change with every run, or name a machine or a person.
VOLATILE = ("POT-Creation-Date", "PO-Revision-Date", "Project-Id-Version", "Last-Translator")
PLURALS = {
    "de": "nplurals=2; plural=(n != 1);",
    "fr": "nplurals=2; plural=(n > 1);",
    "pl": (
        "nplurals=3; plural=(n==1 ? 0 : n%10>=2 && n%10<=4 && (n%100<10 || n%100>=20) ? 1 : 2);"
    ),
}
#: What a translation must keep, however often and in whatever order.
FIXED = re.compile(
    r"""
    %\(\w+\)[a-zA-Z]        # a named value
    | %[sdrf](?![a-zA-Z])   # a value by position
    | \{\{.*?\}\}           # an expression in a mail template's field
    | \{\w*\}               # a value of str.format
    | \bt-[\w-]+="[^"]*"    # an expression in a template
    | </?[a-zA-Z][\w-]*     # a tag
    """,
    re.VERBOSE,
)


def read(path: Path) -> polib.POFile:
    """Return a parsed file.

    :raise Trouble: if it is no translation file, or a term is in it twice
    """
    try:
        return polib.pofile(str(path), encoding="utf-8", check_for_duplicates=True)
    except (OSError, ValueError, UnicodeDecodeError) as error:
        raise Trouble(f"{path.name} cannot be read: {error}") from error


def template(exported: polib.POFile, addon: str) -> polib.POFile:
    """Return an export without what changes from run to run or from machine to machine."""
    clean = _empty(addon)
    for entry in sorted(exported, key=lambda entry: entry.msgid):
        clean.append(
            polib.POEntry(
                msgid=entry.msgid,
                comment=entry.comment,
                occurrences=sorted(set(entry.occurrences)),
            )
        )
    return clean


def merge(current: polib.POFile | None, pot: polib.POFile, addon: str, language: str):
    """Return the translation file that belongs to a template.

    Terms that are gone are left out, new ones are empty, and those that stayed keep their text,
    their translator's comment and their flags.
    """
    merged = _empty(addon)
    if current is not None:
        kept = {name: text for name, text in current.metadata.items() if name not in VOLATILE}
        merged.metadata.update(kept)
    merged.metadata["Language"] = language
    merged.metadata["Plural-Forms"] = PLURALS.get(language, merged.metadata["Plural-Forms"])
    known = {entry.msgid: entry for entry in current or () if not entry.obsolete}
    for entry in pot:
        old = known.get(entry.msgid)
        merged.append(
            polib.POEntry(
                msgid=entry.msgid,
                msgstr=old.msgstr if old else "",
                comment=entry.comment,
                tcomment=old.tcomment if old else "",
                occurrences=entry.occurrences,
                flags=old.flags if old else [],
            )
        )
    return merged


def _empty(addon: str) -> polib.POFile:
    file = polib.POFile()
    file.header = (
        "Translation of Odoo Server.\n"
        f"This file contains the translation of the following modules:\n\t* {addon}\n"
    )
    file.metadata = {
        "Report-Msgid-Bugs-To": "",
        "Language-Team": "",
        "MIME-Version": "1.0",
        "Content-Type": "text/plain; charset=UTF-8",
        "Content-Transfer-Encoding": "8bit",
        "Plural-Forms": "",
    }
    return file


def faults(file: polib.POFile) -> Iterator[tuple[int, str]]:
    """Yield line and sentence of each term whose translation would show wrong or break."""
    for entry in file:
        if entry.obsolete:
            continue
        if entry.fuzzy:
            yield entry.linenum, f"fuzzy, so Odoo ignores it: {short(entry.msgid)}"
        if entry.msgstr:
            wanted, found = Counter(fixed_parts(entry.msgid)), Counter(fixed_parts(entry.msgstr))
            for text, parts in (("misses", wanted - found), ("adds", found - wanted)):
                if parts:
                    shown = ", ".join(sorted(parts.elements()))
                    yield entry.linenum, f"{text} {shown}: {short(entry.msgid)}"


def fixed_parts(text: str) -> list[str]:
    return FIXED.findall(text.replace("%%", ""))


def missing(file: polib.POFile) -> list[str]:
    """Return the terms without a translation."""
    return [entry.msgid for entry in file if not entry.obsolete and not entry.msgstr]


def short(text: str) -> str:
    flat = " ".join(text.split())
    return repr(flat if len(flat) < 60 else f"{flat[:57]}…")


def main(names: list[str]) -> int:
    code = 0
    for name in names:
        try:
            found = list(faults(read(Path(name))))
        except Trouble as trouble:
            found = [(1, str(trouble))]
        for line, sentence in found:
            print(f"{name}:{line}: {sentence}")
            code = 1
    return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
