"""Headers of an e-mail, read so that no header, however broken, raises.

Python's header parser raises on some broken headers; what decides about losing a mail or keeping it
must not.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator
from email.header import decode_header, make_header
from email.message import Message
from email.utils import getaddresses

_COMMENT = re.compile(r"\([^()]*\)")


def raw_values(message: Message, *names: str) -> Iterator[str]:
    """Yield the values of headers as they stand in the message, unfolded, not decoded."""
    wanted = {name.lower() for name in names}
    for name, value in message.raw_items():
        if name.lower() in wanted:
            yield re.sub(r"\r?\n[ \t]*", " ", str(value)).strip()


def first(message: Message, name: str) -> str:
    """Return the first value of a header, ``""`` if there is none."""
    return next(raw_values(message, name), "")


def words(message: Message, name: str) -> str:
    """Return the first value of a header in lower case and without comments."""
    return _COMMENT.sub("", first(message, name)).strip().lower()


def readable(value: str) -> str:
    """Decode encoded words as far as they can be decoded, into a text that can be stored."""
    with contextlib.suppress(Exception):  # what a stranger wrote may break anything
        value = str(make_header(decode_header(value)))
    return storable(value)


def storable(text: str) -> str:
    """Return a text without what no database takes: NUL, and octets that are no characters."""
    return text.encode("utf-8", "replace").decode().replace("\x00", "")


def addresses(message: Message, *names: str) -> list[str]:
    """Return the addresses in headers as they were written, without names, each once.

    Their letters' case is kept, and what is inside of quotes is taken out of them.
    """
    found: dict[str, None] = {}
    for value in raw_values(message, *names):
        for _name, address in getaddresses([readable(value)]):
            local, at, domain = address.strip().rpartition("@")
            if at and local and domain:
                local = local.strip('"')
                found[f"{local}@{domain}"] = None
    return list(found)
