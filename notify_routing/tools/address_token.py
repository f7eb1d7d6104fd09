"""Return addresses that say, signed, where an answer or a bounce belongs.

A token is one word that fits into the local part of an address and survives what mail programs do
to addresses (upper case, quotes, prefixes of forwarders)::

    r 1 4 1k2f 3m 7w0…        kind · key · length of the first number · numbers · signature

It proves where an answer belongs, never who sent it.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

#: Digits and letters without those that people confuse, nor any that differ only by case.
ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
_VALUE = {sign: value for value, sign in enumerate(ALPHABET)}

#: What a token speaks of: a message and a partner, a message and an address, a delivery.
PARTNER, ADDRESS, BOUNCE = "r", "a", "b"
KINDS = PARTNER + ADDRESS + BOUNCE

#: 65 bits.
SIGNATURE_LENGTH = 13
#: 40 bits of an address.
HASH_LENGTH = 8
#: How many keys there can be at a time: one sign names the key.
KEY_NUMBERS = len(ALPHABET)
#: A number takes 13 signs at most, as many as 64 bits need.
_NUMBER_LENGTH = 13
_SHORTEST = 3 + 1 + SIGNATURE_LENGTH
_LONGEST = 3 + 2 * _NUMBER_LENGTH + SIGNATURE_LENGTH

#: Of the longest token about ids of ten digits, which take 7 signs.
LENGTH = 3 + 7 + HASH_LENGTH + SIGNATURE_LENGTH

#: RFC 5321; and the length from which on Odoo leaves the name out of a Reply-To.
LOCAL_PART_LENGTH = 64
HEADER_LENGTH = 68

_WORD = re.compile(
    rf"(?<![0-9a-z])[{KINDS}][{ALPHABET}]{{{_SHORTEST - 1},{_LONGEST - 1}}}(?![0-9a-z])"
)
#: A plus sign as some programs leave it.
_ESCAPED_PLUS = re.compile(r"(?:=|%)2b", re.IGNORECASE)

State = Literal["none", "valid", "tampered", "expired"]


@dataclass(frozen=True, slots=True)
class Key:
    """What signs.

    :param number: from 0 to 31
    :param until: when tokens of this key stop to be accepted (UTC), ``None`` for the current key
    """

    number: int
    secret: bytes
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Token:
    """What a token says.

    :param kind: :data:`PARTNER`, :data:`ADDRESS` or :data:`BOUNCE`
    :param number: id of the message, or of the delivery
    :param partner_id: 0 for none
    :param address_hash: see :func:`address_hash`
    """

    kind: str
    number: int
    partner_id: int = 0
    address_hash: str = ""


@dataclass(frozen=True, slots=True)
class Reading:
    """What was found.

    :param state: ``none`` (no token), ``valid``, ``tampered``, or ``expired`` (its key is too old,
        or gone)
    :param token: of a valid one
    """

    state: State
    token: Token | None = None


def address_hash(address: str) -> str:
    """Return a short name of an address: the same for each spelling of it, 40 bits."""
    digest = hashlib.sha256(address.strip().casefold().encode(errors="replace")).digest()
    return _encode(int.from_bytes(digest[:5], "big")).rjust(HASH_LENGTH, "0")


def sign(token: Token, key: Key) -> str:
    """Return a token as a word, e.g. ``"r141k2f3m7w0h5t2n8ss4q"``.

    :raise ValueError: for what no token can say
    """
    if token.kind not in KINDS or token.number < 1 or token.partner_id < 0:
        raise ValueError(f"No token can say {token}.")
    first = _encode(token.number)
    second = token.address_hash if token.kind == ADDRESS else _encode(token.partner_id)
    if len(first) > _NUMBER_LENGTH or len(second) > _NUMBER_LENGTH:
        raise ValueError(f"The numbers of {token} are too large.")
    body = f"{token.kind}{ALPHABET[key.number]}{ALPHABET[len(first)]}{first}{second}"
    return body + _signature(body, key.secret)


def read(text: str, keys: Mapping[int, Key], now: datetime, domains: Iterable[str] = ()) -> Reading:
    """Look for a token in an address, whatever was done to it on its way.

    :param text: an address, a header's value, a local part: anything
    :param keys: by number
    :param now: UTC
    :param domains: where our return addresses are. A word that looks like a token and is none is
        ``tampered`` next to one of them, and nothing to us anywhere else
    """
    folded = _ESCAPED_PLUS.sub("+", text).lower()
    readings = [_read_word(match[0], keys, now) for match in _WORD.finditer(folded)]
    for reading in readings:
        if reading.state == "valid":
            return reading
    if not readings or not any(_is_at(domain, folded) for domain in domains):
        return Reading("none")
    return next((reading for reading in readings if reading.state == "tampered"), readings[0])


def _is_at(domain: str, text: str) -> bool:
    """Tell whether an address of a domain is named, as it is or wrapped by a forwarder."""
    pattern = rf"[@=]{re.escape(domain.lower())}(?![0-9a-z-]|\.[0-9a-z])"
    return bool(domain) and bool(re.search(pattern, text))


def _read_word(word: str, keys: Mapping[int, Key], now: datetime) -> Reading:
    body, signature = word[:-SIGNATURE_LENGTH], word[-SIGNATURE_LENGTH:]
    key = keys.get(_VALUE[body[1]])
    if key is None:
        return Reading("expired")
    if not hmac.compare_digest(signature, _signature(body, key.secret)):
        return Reading("tampered")
    if key.until and key.until <= now:
        return Reading("expired")
    return Reading("valid", _parse(body))


def _parse(body: str) -> Token:
    """Return what the body of a token says; its signature is known to be right."""
    split = 3 + _VALUE[body[2]]
    number, second = _decode(body[3:split]), body[split:]
    if body[0] == ADDRESS:
        return Token(ADDRESS, number, address_hash=second)
    return Token(body[0], number, _decode(second))


def _signature(body: str, secret: bytes) -> str:
    digest = hmac.digest(secret, b"notify_routing return address:" + body.encode(), "sha256")
    bits = int.from_bytes(digest, "big") >> (len(digest) * 8 - SIGNATURE_LENGTH * 5)
    return _encode(bits).rjust(SIGNATURE_LENGTH, "0")


def _encode(number: int) -> str:
    """Return a number in our alphabet, ``""`` for 0."""
    signs = []
    while number:
        number, value = divmod(number, len(ALPHABET))
        signs.append(ALPHABET[value])
    return "".join(reversed(signs))


def _decode(signs: str) -> int:
    number = 0
    for sign_ in signs:
        number = number * len(ALPHABET) + _VALUE[sign_]
    return number
