"""The checks that every text file passes, and their repair."""

from __future__ import annotations

from pathlib import Path

import pytest

from machine_room import lint_text, paths


@pytest.mark.parametrize(
    ("content", "line", "said"),
    [
        (b"a \nb\n", 1, "white space at the end"),
        (b"a\r\nb\r\n", 0, "other than LF"),
        (b"a", 0, "no line end"),
        (b"a\n\n", 0, "empty lines at the end"),
        (b"a\n<<<<<<< HEAD\n", 2, "merge conflict"),
        (b"a\n>>>>>>> topic\n", 2, "merge conflict"),
        (f"at {paths.ROOT}/tests\n".encode(), 0, "folder of this checkout"),
        (b"x\n" * lint_text.LARGEST, 0, "KB are allowed"),
    ],
)
def test_a_fault_is_found(content, line, said):
    ((found_line, sentence),) = lint_text.findings(Path("a.py"), content)
    assert (found_line, said in sentence) == (line, True)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.py", b""),
        ("a.py", b"a\nb\n"),
        ("README.rst", b"Title\n=======\n"),
        ("a.png", b"\x89PNG\r\n\0 \n\n"),
        ("bounce.eml", b"Subject: x \r\n\r\n"),
    ],
)
def test_a_good_file_is_left_in_peace(name, content):
    assert list(lint_text.findings(Path(name), content)) == []


def test_a_repair_leaves_nothing_to_find(tmp_path):
    path = tmp_path / "a.py"
    path.write_bytes(b"a \t\r\n\r\nb\n\n\n")
    assert lint_text.check([str(path)]) == 1
    assert lint_text.main(["--fix", str(path)]) == 0
    assert path.read_bytes() == b"a\n\nb\n"
    assert lint_text.check([str(path)]) == 0


def test_a_repair_does_not_touch_raw_messages(tmp_path):
    path = tmp_path / "bounce.eml"
    path.write_bytes(b"Subject: x \r\n\r\n")
    lint_text.fix(path)
    assert path.read_bytes() == b"Subject: x \r\n\r\n"


@pytest.mark.parametrize(
    ("name", "text", "line"),
    [
        ("a.md", "[there](b.md) ![](c.png)\n[gone](d.md#x)\n", 2),
        ("a.md", "```\n[x](gone)\n```\n`[x](gone)` [web](https://a.example) [here](#a)\n", None),
        ("a.md", "![](gone.png)\n", 1),
        ("a.html", '<img src="c.png"/>\n<img src="gone.png"/>\n', 2),
        ("a.py", "[x](gone)\n", None),
    ],
)
def test_a_link_that_leads_nowhere_is_found(tmp_path, name, text, line):
    for there in ("b.md", "c.png"):
        (tmp_path / there).touch()
    found = [number for number, _said in lint_text.broken_links(tmp_path / name, text.encode())]
    assert found == ([line] if line else [])
