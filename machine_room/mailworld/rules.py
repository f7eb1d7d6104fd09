"""How a relay is told to misbehave.

Each rule says what to do, at which stage, and for whom::

    Refuse("451 4.3.2 try again", at="RCPT", recipient="*@slow.example", times=1)
    Drop(at="END", sender="bounce@company.example")
    Delay(0.2, at="MAIL")
    Rewrite(message_id="replace", references="strip", in_reply_to="strip")

Patterns are shell globs, compared without case.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from email.utils import getaddresses, make_msgid
from fnmatch import fnmatchcase
from typing import Literal, get_args

from .journal import Stage, Transaction

#: What each criterion needs to know is there from its stage on.
_ENVELOPE_STAGES = ("MAIL", "RCPT", "DATA", "BODY", "END")

Change = Literal["strip", "replace"]


@dataclass
class Verdict:
    """What all matching rules together ask for.

    :param float delay: seconds to wait before the answer
    :param str answer: refusal, or None to go on
    :param bool drop: hang up instead of answering
    :param bool filed: with ``drop`` at the end: the message is kept although nobody is told
    :param int size: with ``drop`` in the body: octets to read before
    """

    delay: float = 0
    answer: str | None = None
    drop: bool = False
    filed: bool = True
    size: int = 1
    rewrites: list[Rewrite] = field(default_factory=list)

    @property
    def final(self) -> bool:
        return self.drop or self.answer is not None


@dataclass(kw_only=True)
class Rule:
    """When a rule applies.

    :param str at: the stage
    :param str sender: pattern of the envelope sender (``""`` is the null sender)
    :param str recipient: pattern of a recipient; from DATA on, one accepted recipient is enough
    :param tuple header: name and pattern of a header's value, only at END
    :param int times: apply to so many matches, then let pass; None is always
    :param int after: let so many matches pass first
    """

    at: Stage = "END"
    sender: str = "*"
    recipient: str = "*"
    header: tuple[str, str] | None = None
    times: int | None = None
    after: int = 0
    #: Matches so far, those that were let pass included.
    hits: int = field(default=0, init=False)

    def __post_init__(self) -> None:
        if self.at not in get_args(Stage):
            raise ValueError(
                f"There is no stage {self.at!r}; there are: {', '.join(get_args(Stage))}."
            )
        if self.header and self.at != "END":
            raise ValueError("Headers are known at END only.")
        if self.recipient != "*" and self.at not in _ENVELOPE_STAGES[1:]:
            raise ValueError(f"No recipient is known at {self.at}.")
        if self.sender != "*" and self.at not in _ENVELOPE_STAGES:
            raise ValueError(f"No sender is known at {self.at}.")

    def matches(self, stage: Stage, transaction: Transaction | None, recipient: str | None) -> bool:
        """Say whether the rule is meant.

        :param recipient: the address in question at RCPT, else None
        """
        if stage != self.at:
            return False
        if transaction is None:
            return True
        recipients = transaction.recipients if recipient is None else [recipient]
        return (
            _like(transaction.mail_from, self.sender)
            and (
                self.recipient == "*"
                or any(_like(address, self.recipient) for address in recipients)
            )
            and (
                self.header is None
                or _like(str(transaction.email.get(self.header[0], "")), self.header[1])
            )
        )

    def counts(self) -> bool:
        """Count a match and say whether this one is to be acted on."""
        self.hits += 1
        return self.hits > self.after and (
            self.times is None or self.hits <= self.after + self.times
        )

    def apply(self, verdict: Verdict) -> None:
        raise NotImplementedError


@dataclass
class Refuse(Rule):
    """Answer with a 4xx or 5xx; after a 421 the connection is closed, as RFC 5321 has it.

    :param str answer: the whole reply, e.g. ``"550 5.1.1 no such user"``
    """

    answer: str

    def __post_init__(self) -> None:
        super().__post_init__()
        if not re.match(r"[45]\d\d \S", self.answer):
            raise ValueError(
                f"{self.answer!r} is no refusal: it needs a 4xx or 5xx code and a text."
            )
        if self.at == "BODY":
            raise ValueError("Nothing can be answered in mid-body: use DATA or END.")

    def apply(self, verdict: Verdict) -> None:
        verdict.answer = self.answer


@dataclass
class ForeignFrom(Rule):
    """Refuse mail whose From is outside the domains that were validated with this relay.

    :param domains: e.g. ``["company.example"]``
    :param bool envelope: look at the envelope sender, at MAIL; the null sender passes
    :param bool header: look at the header From, at the end
    """

    domains: Iterable[str]
    envelope: bool = True
    in_header: bool = True
    answer: str = "550 5.7.1 sender domain is not validated here"

    def matches(self, stage: Stage, transaction: Transaction | None, recipient: str | None) -> bool:
        if stage == "MAIL" and self.envelope and transaction.mail_from:
            return self._foreign([transaction.mail_from])
        if stage == "END" and self.in_header:
            values = transaction.email.get_all("From", [])
            return self._foreign([address for _name, address in getaddresses(map(str, values))])
        return False

    def _foreign(self, addresses: list[str]) -> bool:
        known = {domain.lower() for domain in self.domains}
        return any(address.rpartition("@")[2].lower() not in known for address in addresses)

    def apply(self, verdict: Verdict) -> None:
        verdict.answer = self.answer


@dataclass
class Delay(Rule):
    """Wait before answering; at END after filing, so that an impatient client is in doubt."""

    seconds: float

    def apply(self, verdict: Verdict) -> None:
        verdict.delay += self.seconds


@dataclass
class Drop(Rule):
    """Hang up without an answer; at CONNECT even without a greeting.

    :param bool filed: at END: whether the message was kept all the same
    :param int size: at BODY: octets to read before
    """

    filed: bool = True
    size: int = 1

    def apply(self, verdict: Verdict) -> None:
        verdict.drop, verdict.filed, verdict.size = True, self.filed, self.size


@dataclass
class Rewrite(Rule):
    """Change headers of what is filed, as some relays do; the journal keeps what came.

    :param message_id: ``strip`` it, or ``replace`` it by an id of the relay; so for the next two
    :param str from_address: new value of From
    :param str reply_to: new value of Reply-To, or ``"strip"``
    """

    message_id: Change | None = None
    references: Change | None = None
    in_reply_to: Change | None = None
    from_address: str | None = None
    reply_to: str | None = None

    def apply(self, verdict: Verdict) -> None:
        verdict.rewrites.append(self)

    def rewrite(self, message: bytes) -> bytes:
        """Return the message with its headers changed and every other octet as it was."""
        head, separator, body = message.partition(b"\r\n\r\n")
        head += b"\r\n"
        for name, change in (
            ("Message-Id", self.message_id),
            ("References", self.references),
            ("In-Reply-To", self.in_reply_to),
            ("From", self.from_address),
            ("Reply-To", self.reply_to),
        ):
            if change == "replace":
                change = make_msgid(domain="relay.example")
            if change:
                line = "" if change == "strip" else f"{name}: {change}\r\n"
                pattern = rf"^{name}:.*\r\n(?:[ \t].*\r\n)*".encode()
                head = re.sub(
                    pattern, lambda _match, line=line: line.encode(), head, flags=re.I | re.M
                )
        return head[:-2] + separator + body


def _like(value: str, pattern: str) -> bool:
    return fnmatchcase(value.lower(), pattern.lower())
