"""Each addon's page in Odoo's apps, ``static/description/index.html``, made of its fragments.

``DESCRIPTION.md`` says what the addon is; ``WINDOW.md`` shows it, section by section. They use a
small part of Markdown: paragraphs, lists, ``##``, pictures, **bold**, _italic_ and ``code``.
"""

from __future__ import annotations

import html
import io
import re
from collections.abc import Iterator
from pathlib import Path

from . import paths

PICTURES = paths.ROOT / "docs" / "pictures"
#: Pixels that a picture is wide at most, and its colours: sharp enough, a third of the octets.
WIDTH, COLOURS = 1100, 128

_PICTURE = re.compile(r"!\[(?P<alt>[^\]]*)\]\((?P<path>[^)]+)\)")
#: What a store allows is plain HTML with the classes of Bootstrap, which it brings itself.
_SECTION = '<section class="container py-4{shade}">\n{content}\n</section>'


def page(addon: Path, manifest: dict) -> str | None:
    """Return an addon's page, None for an addon that shows nothing.

    :param manifest: of the addon
    """
    window = addon / "readme" / "WINDOW.md"
    if not window.exists():
        return None
    title = f'<h1 class="text-center">{html.escape(manifest["name"])}</h1>'
    summary = f'<p class="lead text-center">{html.escape(manifest["summary"])}</p>'
    description = (addon / "readme" / "DESCRIPTION.md").read_text(encoding="utf-8")
    parts = [[title, summary, *_blocks(description)]]
    for block in _blocks(window.read_text(encoding="utf-8")):
        if block.startswith("<h2"):
            parts.append([])
        parts[-1].append(block)
    sections = [
        _SECTION.format(shade=" bg-light" if number % 2 else "", content="\n".join(part))
        for number, part in enumerate(parts)
    ]
    return "\n".join(sections) + "\n"


def _blocks(text: str) -> Iterator[str]:
    """Yield the HTML of each block of a Markdown text."""
    for block in re.split(r"\n{2,}", text.strip()):
        if block.startswith("## "):
            yield f'<h2 class="text-center">{_words(block[3:])}</h2>'
        elif pictures := list(_PICTURE.finditer(block)):
            columns = "\n".join(_column(found, alone=len(pictures) == 1) for found in pictures)
            yield f'<div class="row justify-content-center">\n{columns}\n</div>'
        elif block.startswith("- "):
            items = re.split(r"\n(?=- )", block)
            listed = "\n".join(f"<li>{_words(item[2:])}</li>" for item in items)
            yield f"<ul>\n{listed}\n</ul>"
        else:
            yield f"<p>{_words(block)}</p>"


def _column(picture: re.Match, *, alone: bool) -> str:
    """Return a picture with its words, as wide as the page if it is alone in its row."""
    words = html.escape(picture["alt"])
    name = Path(picture["path"]).name
    return (
        f'<div class="{"col-lg-10" if alone else "col-lg-6"} my-3 text-center">\n'
        f'<img class="img-fluid border rounded shadow-sm" src="{name}" alt="{words}"/>\n'
        f'<p class="text-muted mt-2">{words}</p>\n</div>'
    )


def _words(text: str) -> str:
    """Return the HTML of a line of text."""
    words = html.escape(" ".join(text.split()), quote=False)
    words = re.sub(r"`([^`]+)`", r"<code>\1</code>", words)
    words = re.sub(r"\*\*([^*]+)\*\*", r"<strong>\1</strong>", words)
    return re.sub(r"(?<!\w)_([^_]+)_(?!\w)", r"<em>\1</em>", words)


def pictures(addon: Path) -> Iterator[tuple[Path, bytes]]:
    """Yield each picture of an addon's page as it should be: those of the documents, smaller."""
    from PIL import Image

    window = addon / "readme" / "WINDOW.md"
    found = _PICTURE.finditer(window.read_text(encoding="utf-8")) if window.exists() else ()
    for name in dict.fromkeys(Path(picture["path"]).name for picture in found):
        with Image.open(PICTURES / name) as large:
            width = min(WIDTH, large.width)
            size = (width, round(large.height * width / large.width))
            small = large.convert("RGB").resize(size, Image.Resampling.LANCZOS)
        content = io.BytesIO()
        small.quantize(COLOURS, dither=Image.Dither.NONE).save(content, "png", optimize=True)
        yield addon / "static" / "description" / name, content.getvalue()
