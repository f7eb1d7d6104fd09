"""Why somebody is told: one short code each. The sentence is in ``mail.notification``."""

from __future__ import annotations

import re
from collections.abc import Container

MENTION = re.compile(
    r'<a[^>]*data-oe-model="res\.partner"[^>]*data-oe-id="(\d+)"'
    r'|<a[^>]*data-oe-id="(\d+)"[^>]*data-oe-model="res\.partner"'
)


def mentioned(body: str | None) -> set[int]:
    """Return the ids of the partners that a message's body mentions with an @."""
    return {int(first or second) for first, second in MENTION.findall(body or "")}


def reason_of(
    partner_id: int | None,
    *,
    direct: Container[int],
    mentions: Container[int],
    is_follower: bool,
) -> str:
    """Return the code of the strongest reason why a recipient that Odoo found is told.

    :param direct: partners to whom the message is addressed
    :param mentions: partners whom its body mentions
    """
    if not partner_id:
        return "address"
    if partner_id in direct:
        return "mention" if partner_id in mentions else "direct"
    return "follower" if is_follower else "other"
