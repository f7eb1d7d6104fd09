"""Whether the mail server that we trust vouches for the sender (RFC 8601).

Anybody can write an ``Authentication-Results`` header. Only those that bear the name of a server of
ours count: such a server takes out the ones that came in with its name.
"""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterator
from email.message import Message
from typing import Literal

import authres

from . import headers

_logger = logging.getLogger(__name__)

Verdict = Literal["pass", "fail", "none"]

_PASSED = ("pass",)
_FAILED = ("fail", "permerror")


def verdict(message: Message, servers: Collection[str], domain: str) -> Verdict:
    """Return whether a message may come from whom its From says.

    DMARC decides; without it an aligned DKIM or SPF pass will do.

    :param servers: names of the servers that we trust, e.g. ``["mx.company.example"]``
    :param str domain: of the address in From
    :return: ``"none"`` if no server of ours says anything about it
    """
    trusted = {server.strip().lower() for server in servers if server.strip()}
    domain = domain.lower()
    dmarc: set[str] = set()
    aligned = False
    for result in _results(message, trusted) if trusted else ():
        value = (result.result or "").lower()
        if result.method == "dmarc":
            dmarc.add(value)
        elif value in _PASSED and _is_aligned(_domain_of(result), domain):
            aligned = True
    if dmarc.intersection(_FAILED):
        return "fail"
    return "pass" if aligned or dmarc.intersection(_PASSED) else "none"


def _results(message: Message, trusted: set[str]) -> Iterator[authres.core.AuthenticationResult]:
    for value in headers.raw_values(message, "Authentication-Results"):
        try:
            header = authres.AuthenticationResultsHeader.parse(f"Authentication-Results: {value}")
        except Exception:  # noqa: BLE001, what a stranger wrote may break anything
            _logger.debug("Authentication-Results that nobody can read: %r", value)
            continue
        if (header.authserv_id or "").lower() in trusted:
            yield from header.results


def _domain_of(result: authres.core.AuthenticationResult) -> str:
    """Return the domain that a DKIM or SPF result vouches for."""
    for prop in result.properties:
        if (prop.type, prop.name) in (("header", "d"), ("header", "i"), ("smtp", "mailfrom")):
            return prop.value.rpartition("@")[2].lower()
    return ""


def _is_aligned(vouched: str, domain: str) -> bool:
    """Relaxed alignment: the same domain, or one below the other."""
    return bool(vouched) and (
        vouched == domain or domain.endswith(f".{vouched}") or vouched.endswith(f".{domain}")
    )
