"""What is known of an incoming message while it goes through the doors of Odoo's gateway."""

from __future__ import annotations

from email.message import Message
from functools import cached_property
from typing import Any

from . import auto_answer, delivery_notice, headers

#: Where the address stands to which a message was really delivered, the surest first.
RECIPIENTS = (
    "Delivered-To",
    "X-Original-To",
    "X-Delivered-To",
    "Envelope-To",
    "X-Envelope-To",
    "X-Forwarded-To",
    "To",
    "Cc",
    "Resent-To",
    "Resent-Cc",
)


class Incoming:
    """One message on its way in. It is compared by identity, so that it can travel in a context.

    :ivar intake: row in which it is stored, if it is
    :ivar outcome: what became of it
    :ivar mail_message_id: id of the message that was posted
    """

    def __init__(self, intake: Any = None) -> None:
        self.intake = intake
        self.message: Message | None = None
        self.outcome: str = ""
        self.mail_message_id: int = 0
        #: The mail that a notice is about, and what it says of it.
        self.delivery: Any = None
        self.report: delivery_notice.Report | None = None
        #: How the message is marked: ``automatic``, ``other_address`` or nothing.
        self.received: str = ""
        #: What its return address says, filled in by the doors; None until it was looked for.
        self.token: dict | None = None
        #: Name of the alias that it was sent to and that cannot take it.
        self.broken_alias: str = ""
        #: Which of its addresses are aliases of ours, as far as that was looked up.
        self.is_ours: dict[str, bool] = {}
        #: The document that takes it because its own was removed.
        self.fallback: Any = None

    @cached_property
    def notice(self) -> delivery_notice.Notice | None:
        return delivery_notice.read(self.message) if self.message else None

    @cached_property
    def kind(self) -> auto_answer.Kind:
        return auto_answer.kind(self.message) if self.message else "person"

    @cached_property
    def answered(self) -> list[str]:
        """Ids of the messages that this one answers."""
        return auto_answer.answers(self.message) if self.message else []

    @cached_property
    def recipients(self) -> list[str]:
        """Addresses that it was sent to."""
        return headers.addresses(self.message, *RECIPIENTS) if self.message else []

    @cached_property
    def all_addresses(self) -> list[str]:
        """Addresses in its head, in lower case."""
        return [address.lower() for address in (self.sender, *self.recipients) if address]

    @cached_property
    def sender(self) -> str:
        """The address in From, ``""`` if there is none."""
        found = headers.addresses(self.message, "From") if self.message else []
        return found[0].lower() if found else ""

    @cached_property
    def enclosed(self) -> list[str]:
        """Addresses that a mail which was sent on in one piece asked to be answered to."""
        for part in self.message.walk() if self.message else ():
            payload = part.get_payload()
            if part.get_content_type() == "message/rfc822" and isinstance(payload, list):
                return headers.addresses(payload[0], "Reply-To") if payload else []
        return []

    @cached_property
    def is_from_daemon(self) -> bool:
        return self.message is not None and delivery_notice.is_from_daemon(self.message)

    @property
    def is_program(self) -> bool:
        """Nothing may be sent in answer."""
        return self.kind != "person"

    @property
    def is_automatic(self) -> bool:
        """A program wrote it in answer to a mail of ours."""
        to_us = bool(self.token) and self.token["state"] == "valid"
        return self.kind == "answer" or (self.kind == "generated" and to_us)

    def wrote(self, message_id: str) -> bool:
        """Tell whether a message in Odoo is the one that came in."""
        return bool(self.message) and headers.first(self.message, "Message-Id") == message_id
