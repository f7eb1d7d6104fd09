"""What one mail says of several events: grouped by document, oldest first, short, and as text."""

from __future__ import annotations

import textwrap
from collections.abc import Container, Iterable, Sequence
from dataclasses import dataclass, field

from lxml import etree, html

#: So many of a document's events are told in full, the latest ones.
SHOWN = 10
#: Characters of a message that are told; the rest is behind its link.
LONGEST = 600
WIDTH = 76


@dataclass(frozen=True, slots=True)
class Entry:
    """One event.

    :param document: what it happened on, e.g. ``("sale.order", 7)``
    :param who: the author's name
    :param what: the kind of event in words, e.g. ``"Announced change: Won"``
    :param when: the moment in words
    :param text: the message as plain text
    :param changes: ``(field, before, after)``, in words
    :param url: of the message
    """

    document: tuple[str, int]
    who: str
    what: str
    when: str
    text: str = ""
    changes: tuple[tuple[str, str, str], ...] = ()
    url: str = ""


@dataclass(frozen=True, slots=True)
class Section:
    """What happened on one document.

    :param hidden: how many earlier events are not told in full
    """

    document: tuple[str, int]
    entries: Sequence[Entry]
    hidden: int = 0
    title: str = ""
    kind: str = ""
    url: str = ""
    earlier: str = field(default="")


def sections(entries: Iterable[Entry], shown: int = SHOWN) -> list[Section]:
    """Group events by document, in the order in which each document's first one happened.

    :param entries: oldest first
    """
    by_document: dict[tuple[str, int], list[Entry]] = {}
    for entry in entries:
        by_document.setdefault(entry.document, []).append(entry)
    return [
        Section(document, own[-shown:], max(len(own) - shown, 0))
        for document, own in by_document.items()
    ]


def shorten(text: str, longest: int = LONGEST) -> str:
    """Return a text without empty lines and without what is too long for a digest."""
    lines = [line.rstrip() for line in text.splitlines() if line.strip()]
    joined = "\n".join(lines)
    if len(joined) <= longest:
        return joined
    cut = joined[:longest]
    # Not in the middle of a word, if there is another place.
    return (cut[: cut.rfind(" ")] if " " in cut[longest // 2 :] else cut).rstrip() + " …"


def as_text(head: str, parts: Iterable[Section], foot: Iterable[str]) -> str:
    """Return the digest as plain text, for mail programs and people that want no HTML."""
    lines = [head, ""]
    for part in parts:
        title = f"{part.title} ({part.kind})" if part.kind else part.title
        lines += [title, "=" * min(len(title), WIDTH)]
        if part.url:
            lines.append(part.url)
        lines.append("")
        if part.hidden:
            lines += [f"  ({part.earlier})", ""]
        for entry in part.entries:
            lines.append(f"* {entry.when}, {entry.who}: {entry.what}")
            lines += [f"    {name}: {old} -> {new}" for name, old, new in entry.changes]
            for line in entry.text.splitlines():
                lines += textwrap.wrap(
                    line,
                    WIDTH,
                    initial_indent="    ",
                    subsequent_indent="    ",
                    break_long_words=False,
                    break_on_hyphens=False,
                )
            if entry.url:
                lines.append(f"    {entry.url}")
            lines.append("")
    return "\n".join([*lines, "-- ", *foot]) + "\n"


# ------------------------------------------------------------
# FILES
# ------------------------------------------------------------

FILE = "ir.attachment"


def files_of(body: str | None) -> set[int]:
    """Return the ids of the files that a message about an act names."""
    if FILE not in (body or ""):
        return set()
    return {int(node.get("data-oe-id")) for node in _file_nodes(_parse(body))}


def without_files(body: str, gone: Container[int]) -> str | None:
    """Return a message without the files that are gone; None if it then tells of nothing.

    :param body: a list of what happened; each file stands in an element of its own
    """
    root = _parse(body)
    for node in _file_nodes(root):
        if int(node.get("data-oe-id")) in gone:
            item = next(node.iterancestors("li"), None)
            _drop(node)
            if item is not None and not list(_file_nodes(item)):
                _drop(item)
    if next(root.iter("li"), None) is None and not root.text_content().strip():
        return None
    return "".join(etree.tostring(child, encoding="unicode") for child in root)


def _parse(body: str) -> html.HtmlElement:
    return html.fragment_fromstring(body, create_parent="div")


def _file_nodes(root: html.HtmlElement) -> list[html.HtmlElement]:
    return [
        node
        for node in root.iter("span")
        if node.get("data-oe-model") == FILE and (node.get("data-oe-id") or "").isdigit()
    ]


def _drop(node: html.HtmlElement) -> None:
    """Remove an element and what divides it from the next one."""
    parent = node.getparent()
    if node.tag == "span" and node.getprevious() is not None and not (node.tail or "").strip():
        # The last of several: the comma before it goes.
        node.getprevious().tail = ""
    node.tail = None
    parent.remove(node)
