"""What a courier knows of the mails that it has under way."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from ...tools import reply_class
from ...tools.reply_class import Reply


class Outcome(NamedTuple):
    """What became of one address.

    :param state: of ``notify.delivery``
    :param next: when it is tried again
    """

    state: str
    reply: Reply
    next: datetime | None = None


@dataclass
class Row:
    """The part of a ``notify.delivery`` that threads need, read beforehand."""

    id: int
    attempts: int
    since: datetime


@dataclass
class Item:
    """One message on the line: to one person, or to all that a mail's To and Cc name.

    :param partner: ``res.partner`` record or False, as Odoo's hooks give it
    :param email_to: formatted addresses
    :param rows: normalized address → its row, for those that still have to be sent
    """

    parcel: Parcel
    partner: Any
    email_to: list[str]
    rows: dict[str, Row] = field(default_factory=dict)
    outcomes: dict[str, Outcome] = field(default_factory=dict)

    def settle_rest(self, outcome: Outcome, addresses=None) -> list[tuple[int, Outcome]]:
        """Give addresses that have no outcome this one, all of them unless some are named.

        :return: ``[(row_id, outcome)]``
        """
        rest = [
            address
            for address in self.rows
            if address not in self.outcomes and (addresses is None or address in addresses)
        ]
        self.outcomes.update(dict.fromkeys(rest, outcome))
        return [(self.rows[address].id, outcome) for address in rest]


@dataclass
class Parcel:
    """A mail under way.

    :param server_id: of the server that the mail asks for, if it does
    :param int open: how many of its letters have no answer yet
    :param failure: Odoo's type and words of what is wrong with the mail itself
    """

    mail_id: int
    server_id: int | bool = False
    items: list[Item] = field(default_factory=list)
    open: int = 0
    failure: tuple[str, str] | None = None

    @property
    def outcomes(self) -> list[Outcome]:
        return [outcome for item in self.items for outcome in item.outcomes.values()]

    @property
    def next(self) -> datetime | None:
        """Return when the mail is tried again for those whom it did not reach."""
        return min((outcome.next for outcome in self.outcomes if outcome.next), default=None)


@dataclass(frozen=True)
class Policy:
    """How long to try.

    :param limit: age at which a mail is given up
    :param hold_doubt: leave to a person what is in doubt
    :param doubt_pause: after which what is in doubt is sent again
    """

    limit: timedelta
    hold_doubt: bool
    doubt_pause: timedelta = timedelta(minutes=10)

    def judge(self, reply: Reply, row: Row, now: datetime) -> Outcome:
        """Say what an answer means for an address."""
        if reply.kind == "sent":
            return Outcome("sent", reply)
        if reply.kind == "never":
            return Outcome("failed", reply)
        if reply.kind == "doubt":
            return Outcome("doubt", reply, None if self.hold_doubt else now + self.doubt_pause)
        moment = reply_class.next_attempt(row.attempts, now, row.since, self.limit)
        return Outcome("retrying" if moment else "failed", reply, moment)
