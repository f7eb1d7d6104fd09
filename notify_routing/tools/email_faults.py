"""What is wrong with an e-mail address, as far as one can tell without asking anybody."""

from __future__ import annotations

import re
from typing import Literal

import idna

Fault = Literal["missing", "no_at", "blank", "local", "domain", "no_dot", "reserved", "syntax"]

#: RFC 5322's dot-atom, with the letters of other scripts that RFC 6531 adds.
_LOCAL = re.compile(r"[\w!#$%&'*+/=?^`{|}~-]+(\.[\w!#$%&'*+/=?^`{|}~-]+)*")
_QUOTED = re.compile(r'"([^"\\]|\\.)+"')
#: Names that never lead anywhere (RFC 2606, RFC 6761).
_RESERVED = (".invalid", ".localhost", ".local")
#: What stands between the separators, which a quoted name may hold as well.
_ENTRY = re.compile(r'(?:"(?:[^"\\]|\\.)*"|[^,;\n])+')


def fault_of(text: str | None) -> tuple[Fault, str] | None:
    """Return what is wrong and the part that is meant, or None if nothing is.

    A field may hold several addresses; the first bad one counts. Names are left aside::

        fault_of("Anna <anna@company.example>")   None
        fault_of("anna@company")                  ("no_dot", "anna@company")
        fault_of("")                              ("missing", "")
    """
    if not (text or "").strip():
        return ("missing", "")
    for address in _addresses(text):
        fault = _fault(address)
        if fault:
            return (fault, address)
    return None


def _addresses(text: str) -> list[str]:
    """Return the addresses of a field without the names beside them.

    The library's parser mends or drops what it cannot read, and just that is what is looked for.
    """
    parts = (part.strip() for part in _ENTRY.findall(text))
    return [
        part.rpartition("<")[2][:-1] if part.endswith(">") and "<" in part else part
        for part in parts
        if part
    ]


def _fault(address: str) -> Fault | None:
    local, at, domain = address.rpartition("@")
    if not at:
        return "no_at"
    if re.search(r"\s", address) and not local.startswith('"'):
        return "blank"
    if len(local) > 64 or not (_LOCAL.fullmatch(local) or _QUOTED.fullmatch(local)):
        return "local"
    try:
        name = idna.encode(domain, uts46=True).decode().lower()
    except (idna.IDNAError, UnicodeError):
        return "domain"
    if len(name) > 253 or domain.endswith("."):
        return "domain"
    if "." not in name:
        return "no_dot"
    if name.rpartition(".")[2].isdigit():
        return "domain"
    return "reserved" if name.endswith(_RESERVED) else None
