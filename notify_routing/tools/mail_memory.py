"""Making many mails that are alike: what was parsed, folded or encoded once is not done again.

Most headers of a batch are the same (From, Reply-To, …), and so are the bodies of one message to
many. The email package parses and folds each header anew, and encodes each body; here the results
are kept for as long as a batch is made.
"""

from __future__ import annotations

import email.policy
import io
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from email.contentmanager import ContentManager, raw_data_manager
from email.generator import BytesGenerator
from email.headerregistry import BaseHeader, HeaderRegistry
from email.message import Message
from email.policy import EmailPolicy
from functools import lru_cache
from typing import Any

#: How many headers, and how many bodies, are kept.
HEADERS, BODIES = 2000, 20
#: Larger bodies are not kept, in octets.
LARGEST = 4_000_000


class _FoldedOnce:
    """A header that remembers how it is written."""

    def fold(self, *, policy: EmailPolicy) -> str:
        key = policy.linesep, policy.max_line_length, policy.cte_type, policy.utf8
        folds = self.__dict__.setdefault("_folds", {})
        if key not in folds:
            folds[key] = super().fold(policy=policy)
        return folds[key]


class _Headers(HeaderRegistry):
    """Makes headers, and gives the same one for the same name and value."""

    def __init__(self) -> None:
        super().__init__()
        self._class_of = lru_cache(200)(self._make_class)
        self._remember = lru_cache(HEADERS)(super().__call__)

    def __getitem__(self, name: str) -> type:
        return self._class_of(name.lower())

    def _make_class(self, name: str) -> type:
        special = self.registry.get(name, self.default_class)
        return type("_" + special.__name__, (_FoldedOnce, special, BaseHeader), {})

    def __call__(self, name: str, value: Any) -> BaseHeader:
        if type(value) is str:
            return self._remember(name, value)
        return super().__call__(name, value)


class _Contents(ContentManager):
    """Encodes texts and files, and copies what it has encoded already."""

    def __init__(self) -> None:
        super().__init__()
        self._kept: dict[Any, tuple[list[tuple[str, Any]], Any]] = {}

    def get_content(self, msg: Message, *args: Any, **kwargs: Any) -> Any:
        return raw_data_manager.get_content(msg, *args, **kwargs)

    def set_content(self, msg: Message, obj: Any, *args: Any, **kwargs: Any) -> None:
        if type(obj) not in (str, bytes) or msg.keys() or len(obj) > LARGEST:
            raw_data_manager.set_content(msg, obj, *args, **kwargs)
            return
        key = obj, args, tuple(sorted(kwargs.items()))
        if key not in self._kept:
            raw_data_manager.set_content(msg, obj, *args, **kwargs)
            while len(self._kept) >= BODIES:
                del self._kept[next(iter(self._kept))]
            self._kept[key] = list(msg.raw_items()), msg.get_payload()
            return
        headers, payload = self._kept[key]
        for name, value in headers:
            msg.set_raw(name, value)
        msg.set_payload(payload)


class _Place:
    """Where the policy is changed: who uses the changed one, and the plain one meanwhile."""

    lock = threading.Lock()
    users = 0
    plain: EmailPolicy


@contextmanager
def remembering() -> Iterator[None]:
    """Let ``email.policy.SMTP``, which Odoo makes its mails with, remember for the block.

    Mails of other threads gain from it as well; what they look like does not change.
    """
    with _Place.lock:
        _Place.users += 1
        if _Place.users == 1:
            _Place.plain = email.policy.SMTP
            email.policy.SMTP = _Place.plain.clone(
                header_factory=_Headers(), content_manager=_Contents()
            )
    try:
        yield
    finally:
        with _Place.lock:
            _Place.users -= 1
            if not _Place.users:
                email.policy.SMTP = _Place.plain


class Flattener:
    """Writes messages as octets; a body that was written before is copied."""

    def __init__(self) -> None:
        self._bodies: dict[Any, tuple[str | None, bytes]] = {}

    def flatten(self, msg: Message, policy: EmailPolicy) -> bytes:
        """Return a message as it goes over the line.

        :param policy: as for ``BytesGenerator``, with CRLF at the end of lines
        """
        key = policy.utf8, _shape(msg)
        if key not in self._bodies:
            octets = self._write(msg, policy)
            _head, separator, body = octets.partition(b"\r\n\r\n")
            if separator and len(body) <= LARGEST:
                while len(self._bodies) >= BODIES:
                    del self._bodies[next(iter(self._bodies))]
                self._bodies[key] = msg.get_boundary(), body
            return octets
        boundary, body = self._bodies[key]
        if boundary:
            msg.set_boundary(boundary)
        head = b"".join(policy.fold_binary(name, value) for name, value in msg.raw_items())
        return head + b"\r\n" + body

    def _write(self, msg: Message, policy: EmailPolicy) -> bytes:
        with io.BytesIO() as octets:
            BytesGenerator(octets, policy=policy).flatten(msg, linesep="\r\n")
            return octets.getvalue()


def _shape(msg: Message) -> tuple:
    """Return what decides how the body of a message is written: its parts, with their headers."""
    payload = msg.get_payload()
    if not isinstance(payload, list):
        return msg.get("Content-Transfer-Encoding"), payload
    return tuple((tuple(part.raw_items()), _shape(part)) for part in payload)
