"""Which policy fixes the sender of a mail, and a name that can carry nothing but a name."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

#: Of mails: what people write, alerts of the system, templates with invitations and passwords.
KINDS = ("person", "alert", "template")
#: What a pattern of a name may hold.
PLACEHOLDERS = ("author", "company", "responsible", "document")
#: Longer names are cut: the header stays within what relays take.
NAME_LENGTH = 80

_PLACEHOLDER = re.compile(r"%\((\w+)\)s")
#: Control signs, and all that some program takes for the end of a line.
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u200b-\u200f\u202a-\u202e\u2066-\u2069]+")


@dataclass(frozen=True, slots=True)
class Policy:
    """Who appears as the sender of which mails; what is empty is no condition.

    :param company_id: of the document
    :param model: document type
    :param kind: ``person``, ``alert`` or ``template``
    :param via_server_id: only mail that leaves through this server
    :param mode: ``person``, ``responsible``, ``fixed`` or ``on_address``
    :param pattern: of the name, e.g. ``"%(author)s via %(company)s"``
    :param address: for ``fixed`` and ``on_address``, and where a relay refuses another From
    :param reply_mode: ``odoo``, ``author`` or ``fixed``
    :param envelope: ``bounce`` or ``from``
    :param server_id: through which server the mail leaves
    """

    id: int
    sequence: int = 10
    company_id: int | None = None
    model: str | None = None
    kind: str | None = None
    via_server_id: int | None = None
    mode: str = "person"
    pattern: str = ""
    address: str = ""
    reply_mode: str = "odoo"
    reply_to: str = ""
    envelope: str = "bounce"
    server_id: int | None = None


def choose(
    policies: Iterable[Policy],
    company_id: int | None,
    model: str | None,
    kind: str,
    server_id: int | None = None,
) -> Policy | None:
    """Return the most specific policy: document type counts most, then kind, company, server."""
    fitting = [
        policy
        for policy in policies
        if policy.company_id in (None, company_id)
        and policy.model in (None, model)
        and policy.kind in (None, kind)
        and policy.via_server_id in (None, server_id)
    ]
    return min(fitting, key=_order, default=None)


def _order(policy: Policy) -> tuple:
    conditions = (policy.model, policy.kind, policy.company_id, policy.via_server_id)
    return (*(condition is None for condition in conditions), policy.sequence, policy.id)


def clean_name(text: str) -> str:
    """Return a name that no header can be smuggled in with, e.g. through a contact's name."""
    # An encoded word inside of a name would be decoded by the reader's program.
    name = _CONTROL.sub(" ", text.encode(errors="replace").decode()).replace("=?", "=")
    return " ".join(name.split())[:NAME_LENGTH].strip()


def fill(pattern: str, values: Mapping[str, str]) -> str:
    """Return the name that a pattern makes, e.g. ``"Anna via Company"``.

    What is unknown leaves no gap: ``"%(author)s via %(company)s"`` without author is the company.
    """
    if any(name in PLACEHOLDERS and not values.get(name) for name in placeholders(pattern)):
        return clean_name(values.get("company") or "")
    return clean_name(_PLACEHOLDER.sub(lambda match: values.get(match[1]) or "", pattern))


def placeholders(pattern: str) -> list[str]:
    """Return the names of a pattern's placeholders, in their order."""
    return _PLACEHOLDER.findall(pattern)


def unknown(pattern: str) -> list[str]:
    """Return what a pattern holds and cannot be filled in."""
    rest = _PLACEHOLDER.sub("", pattern)
    return [name for name in placeholders(pattern) if name not in PLACEHOLDERS] + (
        ["%("] if "%(" in rest else []
    )
