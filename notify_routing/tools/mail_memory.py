"""Making many mails that are alike: what was parsed, folded or encoded once is not done again.

Most headers of a batch are the same (From, Reply-To, …), and so are the bodies of one message to
many. The email package parses and folds each header anew, and encodes each body; here the results
are kept for as long as a batch is made.
"""

from __future__ import annotations

import email.policy
import io
import re
import secrets
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime
from email.contentmanager import ContentManager, raw_data_manager
from email.generator import BytesGenerator
from email.headerregistry import (
    Address,
    AddressHeader,
    BaseHeader,
    Group,
    HeaderRegistry,
    MessageIDHeader,
    UnstructuredHeader,
)
from email.message import Message
from email.policy import EmailPolicy
from functools import lru_cache
from types import ModuleType
from typing import Any

#: How many headers, addresses and bodies are kept.
HEADERS, ADDRESSES, BODIES = 2000, 2000, 20
#: Larger bodies are not kept, in octets.
LARGEST = 4_000_000

#: Texts of headers that say what they mean: nothing in them is encoded, folded or trimmed.
_PLAIN = re.compile(r"(?!.*=\?)[!-~](?:[ -~]*[!-~])?")
_PLAIN_ID = re.compile(r"<[\w.+=/-]+@[\w.-]+>", re.ASCII)
_SPEC = r"(\w[\w+-]*(?:\.[\w+-]+)*)@(\w[\w-]*(?:\.[\w-]+)*)"
_PLAIN_ADDRESS = re.compile(rf'(?:(?:(\w+(?: \w+)*)|"(\w+(?: \w+)*)") <{_SPEC}>|{_SPEC})', re.ASCII)
_NOT_QUOTED = bytes({*range(32, 127), *b"\r\n\t"} - {*b"="})
_LINE_END = re.compile(r"\r\n|\r|\n")


class _FoldedOnce:
    """A header that remembers how it is written."""

    def fold(self, *, policy: EmailPolicy) -> str:
        key = policy.linesep, policy.max_line_length, policy.cte_type, policy.utf8
        folds = self.__dict__.setdefault("_folds", {})
        if key not in folds:
            folds[key] = super().fold(policy=policy)
        return folds[key]


class _ParsedLate:
    """A header whose text is only parsed if it has to be folded, where it says what it means."""

    #: As it is written; None: as it reads.
    _source: str | None = None
    _parse_tree: Any = None

    def fold(self, *, policy: EmailPolicy) -> str:
        if self._parse_tree is None:
            source = str(self) if self._source is None else self._source
            line = f"{self.name}: {source}"
            if not policy.max_line_length or len(line) <= policy.max_line_length:
                return line + policy.linesep
            self._parse_tree = self.value_parser(source)
        return super().fold(policy=policy)


class _LateText(_ParsedLate):
    """A header without structure, or with a Message-Id."""

    @classmethod
    def parse(cls, value: Any, kwds: dict[str, Any]) -> None:
        plain = _PLAIN_ID if issubclass(cls, MessageIDHeader) else _PLAIN
        if not isinstance(value, str) or not plain.fullmatch(value):
            return super().parse(value, kwds)
        return kwds.update(decoded=value, parse_tree=None)


class _LateAddresses(_ParsedLate):
    """A header with addresses."""

    @classmethod
    def parse(cls, value: Any, kwds: dict[str, Any]) -> None:
        texts = value.split(", ") if isinstance(value, str) else value
        if not isinstance(texts, list) or not texts:
            return super().parse(value, kwds)
        # Odoo leaves a comma at the end of To where it has nobody to add.
        named = texts[:-1] if texts is not value and not texts[-1] else texts
        found = [isinstance(text, str) and _PLAIN_ADDRESS.fullmatch(text) for text in named]
        if not found or not all(found):
            return super().parse(value, kwds)
        if isinstance(value, str):
            people = [
                Address(plain or quoted or "", user or bare or "", domain or bare_domain or "")
                for plain, quoted, user, domain, bare, bare_domain in (
                    match.groups() for match in found
                )
            ]
            kwds["source"] = value
        else:
            people = value
        kwds["groups"] = [Group(None, [person]) for person in people]
        return kwds.update(decoded=", ".join(map(str, people)), parse_tree=None)

    def init(self, *args: Any, source: str | None = None, **kwargs: Any) -> None:
        self._source = source
        return super().init(*args, **kwargs)


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
        late = ()
        if issubclass(special, UnstructuredHeader | MessageIDHeader):
            late = (_LateText,)
        elif issubclass(special, AddressHeader):
            late = (_LateAddresses,)
        return type("_" + special.__name__, (_FoldedOnce, *late, special, BaseHeader), {})

    def __call__(self, name: str, value: Any) -> BaseHeader:
        if type(value) is str:
            return self._remember(name, value)
        if type(value) is datetime:
            # A date in a header has no fractions of a second.
            return self._remember(name, value.replace(microsecond=0))
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
            if isinstance(obj, str) and "cte" not in kwargs and _is_base64(obj, msg.policy):
                kwargs = {**kwargs, "cte": "base64"}
            raw_data_manager.set_content(msg, obj, *args, **kwargs)
            written = _written(msg)
            if written is not None:
                _keep(self._kept, key, (list(msg.raw_items()), written))
            return
        headers, payload = self._kept[key]
        for name, value in headers:
            msg.set_raw(name, value)
        msg.set_payload(payload)


def _keep(kept: dict, key: Any, value: Any) -> None:
    """Keep one more body, and forget the oldest instead."""
    while len(kept) >= BODIES:
        del kept[next(iter(kept))]
    kept[key] = value


def _is_base64(text: str, policy: EmailPolicy) -> bool:
    """Tell whether the email package is going to choose base64 for a text, where that is plain.

    It writes ten lines as quoted-printable to find out. Here what that takes at least is counted.
    """
    lines = text.encode(errors="surrogateescape").splitlines()
    if max(map(len, lines), default=0) <= policy.max_line_length:
        return False
    sample = b"\r\n".join(lines[:10]) + b"\r\n"
    quoted = len(sample) + 2 * len(sample.translate(None, _NOT_QUOTED))
    return quoted > (len(sample) + 2) // 3 * 4 + 1


class _Place:
    """Where Odoo finds what remembers: who uses it, and what was there before."""

    lock = threading.Lock()
    users = 0
    policy: EmailPolicy
    functions: dict[str, Callable]


def _split_with_memory(split: Callable[[str], list[tuple[str, str]]]) -> Callable:
    """Return ``email_split_tuples`` that remembers."""
    remember = lru_cache(ADDRESSES)(split)
    return lambda text: list(remember(text))


def _parse_with_memory(parse: Callable[..., list[tuple[str, str]]]) -> Callable:
    """Return ``getaddresses`` that remembers, and knows what is plain without parsing it."""

    @lru_cache(ADDRESSES)
    def remember(texts: tuple[str, ...]) -> list[tuple[str, str]]:
        match = _PLAIN_ADDRESS.fullmatch(texts[0]) if len(texts) == 1 else None
        if not match:
            return parse(list(texts))
        plain, quoted, user, domain, bare, bare_domain = match.groups()
        return [(plain or quoted or "", f"{user or bare}@{domain or bare_domain}")]

    def getaddresses(texts: Iterable[Any], *args: Any, **kwargs: Any) -> list[tuple[str, str]]:
        if args or kwargs:
            return parse(texts, *args, **kwargs)
        return list(remember(tuple(map(str, texts))))

    return getaddresses


_FUNCTIONS = {"email_split_tuples": _split_with_memory, "getaddresses": _parse_with_memory}


@contextmanager
def remembering(mail_tools: ModuleType) -> Iterator[None]:
    """Let ``email.policy.SMTP``, which Odoo makes its mails with, remember for the block.

    Mails of other threads gain from it as well; what they look like does not change.

    :param mail_tools: Odoo's module of functions on addresses, all of which split them first
    """
    with _Place.lock:
        _Place.users += 1
        if _Place.users == 1:
            _Place.policy = email.policy.SMTP
            _Place.functions = {name: getattr(mail_tools, name) for name in _FUNCTIONS}
            email.policy.SMTP = _Place.policy.clone(
                header_factory=_Headers(), content_manager=_Contents()
            )
            for name, with_memory in _FUNCTIONS.items():
                setattr(mail_tools, name, with_memory(_Place.functions[name]))
    try:
        yield
    finally:
        with _Place.lock:
            _Place.users -= 1
            if not _Place.users:
                email.policy.SMTP = _Place.policy
                for name, function in _Place.functions.items():
                    setattr(mail_tools, name, function)


class Flattener:
    """Writes messages as octets; a body that was written before is copied."""

    def __init__(self) -> None:
        self._bodies: dict[Any, bytes] = {}
        #: Nobody can have it in a text who has not seen a mail of this flattener.
        self._boundary = f"-{secrets.token_hex(16)}=="

    def flatten(self, msg: Message, policy: EmailPolicy) -> bytes:
        """Return a message as it goes over the line.

        :param policy: as for ``BytesGenerator``, with CRLF at the end of lines
        """
        key = policy.utf8, _shape(msg)
        body = self._bodies.get(key)
        if body is not None:
            self._bound(msg)
        else:
            body = self._body(msg, policy)
            if body is None:
                with io.BytesIO() as octets:
                    BytesGenerator(octets, policy=policy).flatten(msg, linesep="\r\n")
                    return octets.getvalue()
            if len(body) <= LARGEST:
                _keep(self._bodies, key, body)
        return self._head(msg, policy) + body

    def _head(self, msg: Message, policy: EmailPolicy) -> bytes:
        lines = [policy.fold_binary(name, value) for name, value in msg.raw_items()]
        return b"".join(lines) + b"\r\n"

    def _bound(self, msg: Message, level: int = 0) -> bytes:
        """Give a message of several parts the boundary of its level, and return it."""
        if not msg.is_multipart():
            return b""
        boundary = f"==={level}{self._boundary}"
        msg.set_boundary(boundary)
        return boundary.encode()

    def _body(self, msg: Message, policy: EmailPolicy, level: int = 0) -> bytes | None:
        """Write texts and files, alone or side by side.

        :return: None for what is left to ``BytesGenerator``: messages in messages, what is signed,
            and octets that are no text of a mail
        """
        payload, kind = msg.get_payload(), msg.get_content_maintype()
        if kind != "multipart":
            return _octets(msg, policy) if kind != "message" else None
        foreign = msg.get_boundary() or msg.preamble is not None or msg.epilogue is not None
        if foreign or not msg.is_multipart() or msg.get_content_subtype() == "signed":
            return None
        parts = [self._body(part, policy, level + 1) for part in payload]
        if None in parts:
            return None
        mark = b"--" + self._bound(msg, level)
        written = [
            self._head(part, policy) + body for part, body in zip(payload, parts, strict=True)
        ]
        inside = (b"\r\n" + mark + b"\r\n").join(written)
        return mark + b"\r\n" + inside + b"\r\n" + mark + b"--\r\n"


def _octets(msg: Message, policy: EmailPolicy) -> bytes | None:
    text = _written(msg)
    if text is None or (policy.cte_type == "7bit" and not text.isascii()):
        return None
    return _LINE_END.sub("\r\n", text).encode("ascii", "surrogateescape")


def _written(msg: Message) -> str | None:
    """Return the text of a part as it is written: octets that are not ASCII as surrogates.

    ``get_payload`` returns them as the characters that they mean.

    :return: None if that cannot be told
    """
    text = msg.get_payload()
    if not isinstance(text, str) or "\ufffd" in text:
        return None
    try:
        octets = text.encode("ascii" if text.isascii() else msg.get_content_charset("ascii"))
    except (LookupError, UnicodeEncodeError):
        return None
    return octets.decode("ascii", "surrogateescape")


def _shape(msg: Message) -> tuple:
    """Return what decides how the body of a message is written: its parts, with their headers."""
    payload = msg.get_payload()
    if not isinstance(payload, list):
        return msg.get("Content-Transfer-Encoding"), payload
    return tuple((tuple(part.raw_items()), _shape(part)) for part in payload)
