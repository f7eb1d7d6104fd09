"""The page of an addon in Odoo's apps."""

from __future__ import annotations

import re

import pytest
from lxml import html

from machine_room import paths, shop_window

MANIFEST = {"name": "Sample & Co", "summary": "Does things"}


@pytest.fixture
def addon(tmp_path):
    readme = tmp_path / "readme"
    readme.mkdir()
    (readme / "DESCRIPTION.md").write_text(
        "It *is* <b>, and\nsays `a_b_c`.\n\n- **One**\n  thing\n- _two_\n"
    )
    (readme / "WINDOW.md").write_text("## Shown\n\n![One](x/one.png)\n![Two](x/two.png)\n\nText.\n")
    return tmp_path


def test_a_page_is_made_of_the_fragments(addon):
    page = html.fromstring(f"<div>{shop_window.page(addon, MANIFEST)}</div>")
    assert [title.text for title in page.iter("h1", "h2")] == ["Sample & Co", "Shown"]
    assert [item.text_content() for item in page.iter("li")] == ["One thing", "two"]
    assert page.find(".//p[code]").text_content() == "It *is* <b>, and says a_b_c."
    assert [picture.get("src") for picture in page.iter("img")] == ["one.png", "two.png"]


def test_an_addon_without_a_window_has_no_page(addon):
    (addon / "readme" / "WINDOW.md").unlink()
    assert shop_window.page(addon, MANIFEST) is None


@pytest.mark.parametrize("name", ["notify_routing", "notify_routing_correspondence"])
def test_a_page_needs_nothing_from_elsewhere(name):
    page = paths.ROOT / name / "static/description/index.html"
    assert not re.search(r"<script|<link|<style|https?:", page.read_text(encoding="utf-8"))
