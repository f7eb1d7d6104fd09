"""Parse each header of an incoming message once, however often it is asked for.

Python's policy for e-mail parses a header anew each time; on the way through Odoo's gateway that is
every header five times over, and a tenth of all the work.
"""

from __future__ import annotations

from email.message import Message
from email.policy import SMTP, EmailPolicy
from functools import lru_cache
from typing import Any

#: Headers that are remembered, of all messages together.
SIZE = 256

_parse = lru_cache(SIZE)(SMTP.header_fetch_parse)


class _Remembering(EmailPolicy):
    """As Python's policy ``SMTP``. What it gives out cannot be changed, so it can be shared."""

    def header_fetch_parse(self, name: str, value: Any) -> Any:
        return value if hasattr(value, "name") else _parse(name, value)


_POLICY = _Remembering(linesep=SMTP.linesep)


def remember(message: Message) -> None:
    """Have the headers of a message, and of its parts, parsed once."""
    for part in message.walk():
        if part.policy is SMTP:
            part.policy = _POLICY
