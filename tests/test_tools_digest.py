"""What one mail says of several events, without a database."""

import importlib.util
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from machine_room import paths

# Read as a file of its own: the package around it needs Odoo.
_spec = importlib.util.spec_from_file_location(
    "tools_digest", paths.ROOT / "notify_routing/tools/digest.py"
)
tools = sys.modules[_spec.name] = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(tools)

Entry = tools.Entry
as_text, sections, shorten = tools.as_text, tools.sections, tools.shorten
files_of, without_files = tools.files_of, tools.without_files


def entry(document, text=""):
    return Entry(("a.model", document), "Anna", "Message", "today", text)


def file(number, name="A.pdf"):
    return f'<span data-oe-model="ir.attachment" data-oe-id="{number}">{name}</span>'


@given(st.lists(st.integers(1, 4)))
def test_every_entry_is_shown_or_counted_in_the_order_of_the_documents(documents):
    parts = sections([entry(number, str(place)) for place, number in enumerate(documents)], 3)
    assert [part.document[1] for part in parts] == list(dict.fromkeys(documents))
    assert sum(len(part.entries) + part.hidden for part in parts) == len(documents)
    for part in parts:
        assert len(part.entries) <= 3
        places = [int(each.text) for each in part.entries]
        assert places == sorted(places)


@given(st.text(), st.integers(10, 50))
def test_shorten_keeps_the_beginning(text, longest):
    short = shorten(text, longest)
    assert len(short) <= longest + 2
    assert short == "\n".join(
        line.rstrip() for line in text.splitlines() if line.strip()
    ) or short.endswith("…")


def test_text_has_no_long_lines_but_links():
    one = Entry(
        ("a.model", 1), "Anna", "Won", "today", "word " * 60, (("Stage", "New", "Won"),), "http://x"
    )
    (part,) = sections([one])
    text = as_text("1 news", [part], ["why"])
    assert max(map(len, text.splitlines())) <= tools.WIDTH
    assert "Stage: New -> Won" in text
    assert text.endswith("-- \nwhy\n")


@pytest.mark.parametrize(
    ("body", "gone", "left"),
    [
        (f"<ul><li>Added: {file(1)}</li></ul>", {1}, None),
        (f"<ul><li>Added: {file(1)}</li></ul>", set(), f"<ul><li>Added: {file(1)}</li></ul>"),
        (
            f"<ul><li>Added: {file(1)}, {file(2)}</li></ul>",
            {1},
            f"<ul><li>Added: {file(2)}</li></ul>",
        ),
        (
            f"<ul><li>Added: {file(1)}, {file(2)}</li></ul>",
            {2},
            f"<ul><li>Added: {file(1)}</li></ul>",
        ),
        (
            f"<ul><li>Issued</li><li>Added: {file(1)}</li></ul>",
            {1},
            "<ul><li>Issued</li></ul>",
        ),
        (f"<ul><li>Added: {file(1)}</li><li>Changed: {file(2)}</li></ul>", {1, 2}, None),
    ],
)
def test_files_that_are_gone_drop_out(body, gone, left):
    assert without_files(body, gone) == left


def test_only_files_of_acts_count():
    assert files_of(f"<ul><li>Added: {file(1)}, {file(22)}</li></ul>") == {1, 22}
    assert files_of('<p><a data-oe-model="ir.attachment" data-oe-id="3">x</a></p>') == set()
    assert files_of('<span data-oe-model="ir.attachment" data-oe-id="x">x</span>') == set()
    assert files_of(None) == set()
