"""Make an e-mail readable that names what nobody knows, before it is parsed for good.

What is wrong is put right in memory only; the raw message stays as it came.
"""

from __future__ import annotations

import codecs
from email.message import EmailMessage

from . import headers

#: What stock Odoo reads of a message; a value that Python cannot parse is read as plain text.
_READ = (
    *("Message-Id", "X-Odoo-Message-Id", "In-Reply-To", "References", "Subject", "Date"),
    *("From", "To", "Cc", "Delivered-To", "Resent-To", "Resent-Cc", "Return-Path"),
)


def repair(message: EmailMessage) -> list[str]:
    """Put right unknown charsets, and headers that cannot be parsed.

    :return: what was put right, in words for a log, e.g. ``["charset x-klingon"]``
    """
    return [*_headers(message), *_charsets(message)]


def _headers(message: EmailMessage) -> list[str]:
    broken = []
    for name in _READ:
        try:
            for value in message.get_all(name, []):
                str(value)
        except Exception:  # noqa: BLE001, Python's parser has many ways to give up
            values = [headers.readable(value) for value in headers.raw_values(message, name)]
            plain = ", ".join(values).encode("ascii", "replace").decode()
            del message[name]
            try:
                message[name] = plain
                str(message[name])
            except Exception:  # noqa: BLE001
                del message[name]
            broken.append(f"header {name}")
    return broken


def _charsets(message: EmailMessage) -> list[str]:
    broken = []
    for part in message.walk():
        if part.get_content_maintype() != "text":
            continue
        charset = part.get_param("charset")
        if charset is None or _is_known(charset):
            continue
        content = part.get_payload(decode=True) or b""
        # An empty one can only be taken away.
        part.del_param("charset")
        part.set_param("charset", _guess(content))
        broken.append(f"charset {charset}")
    return broken


def _is_known(charset: object) -> bool:
    try:
        return bool(charset) and codecs.lookup(str(charset))._is_text_encoding
    except (LookupError, ValueError):
        return False


def _guess(content: bytes) -> str:
    try:
        content.decode("utf-8")
    except UnicodeDecodeError:
        # It gives every octet a letter, and is what most mail of that kind was written in.
        return "iso-8859-1"
    return "utf-8"
