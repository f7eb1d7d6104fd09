"""What a relay remembers of each SMTP transaction."""

from __future__ import annotations

import email
import email.policy
from dataclasses import dataclass, field
from datetime import datetime, timezone
from email.message import EmailMessage
from typing import Literal, NamedTuple

#: Moments at which a relay decides. ``DATA`` is the answer to that command, ``BODY`` lies between
#: it and the final dot, ``END`` is the answer to the final dot.
Stage = Literal["CONNECT", "EHLO", "AUTH", "MAIL", "RCPT", "DATA", "BODY", "END"]


class Recipient(NamedTuple):
    """One RCPT and its answer.

    :param str text: enhanced code and words, without the code
    """

    address: str
    code: int
    text: str

    @property
    def accepted(self) -> bool:
        return self.code < 400


@dataclass
class Transaction:
    """One MAIL command and what became of it.

    :param str id: the queue name that the answer shows
    :param str mail_from: envelope sender, ``""`` for the null sender
    :param int connection: number of the connection, from 1
    :param bool tls: the connection was encrypted
    :param str user: login, if there was one
    :param str stage: the last stage that was reached, ``""`` until MAIL is answered
    :param list rcpt_tos: every RCPT with its answer
    :param bytes message: header and body as they came, lines ending in CRLF
    :param int code: the answer that settled it; None while open, or if the connection ended before
    :param list filed: names of the mailboxes that got a copy, one for each accepted recipient
    """

    id: str
    mail_from: str
    connection: int
    tls: bool
    user: str | None
    time: datetime = field(default_factory=lambda: datetime.now(timezone.utc))
    stage: Stage | Literal[""] = ""
    rcpt_tos: list[Recipient] = field(default_factory=list)
    message: bytes = field(default=b"", repr=False)
    code: int | None = None
    text: str = ""
    filed: list[str] = field(default_factory=list)

    @property
    def accepted(self) -> bool:
        return self.code is not None and self.code < 400

    @property
    def refused(self) -> bool:
        return self.code is not None and self.code >= 400

    @property
    def recipients(self) -> list[str]:
        """Addresses whose RCPT was accepted."""
        return [recipient.address for recipient in self.rcpt_tos if recipient.accepted]

    @property
    def email(self) -> EmailMessage:
        """The message, parsed: ``transaction.email["Subject"]``."""
        return email.message_from_bytes(self.message, policy=email.policy.default)

    def settle(self, code: int, text: str) -> None:
        self.code, self.text = code, text
