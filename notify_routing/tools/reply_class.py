"""What an SMTP server's answer means for a mail, and when to try again.

Codes after RFC 5321, enhanced status codes after RFC 3463.
"""

from __future__ import annotations

import random
import re
import smtplib
import ssl
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

#: ``sent``: taken. ``later``: this mail again, later. ``slow``: so, and the server wants less.
#: ``never``: this mail cannot be delivered. ``server``: trouble of the server, whatever the mail.
#: ``doubt``: nobody can say whether the server has it.
Kind = Literal["sent", "later", "slow", "never", "server", "doubt"]

_ENHANCED = re.compile(r"\s*([245]\.\d{1,3}\.\d{1,3})\b")
#: Authentication needed or refused, encryption needed: RFC 4954 and 3207.
_AUTHENTICATION = {454, 530, 534, 535, 538}
#: Too much at once: 421 closes the line, 452 is out of storage or recipients (RFC 5321, 4.2.3).
_SLOW = {421, 452}
_SLOW_ENHANCED = {"4.3.2", "4.4.5", "4.7.28"}
#: Enhanced codes about the recipient's address, and about the sender's.
_BAD_RECIPIENT = {"5.1.0", "5.1.1", "5.1.2", "5.1.3", "5.1.6", "5.1.10", "5.2.1"}
_BAD_SENDER = {"5.1.7", "5.1.8", "5.7.27"}

FIRST_PAUSE = timedelta(minutes=1)
LONGEST_PAUSE = timedelta(hours=2)


@dataclass(frozen=True)
class Reply:
    """An answer, or what stands for one.

    :param int code: 0 if there was none
    :param str enhanced: e.g. ``"4.7.1"``, or empty
    :param str text: the server's words, or the error's
    """

    kind: Kind
    code: int = 0
    enhanced: str = ""
    text: str = ""

    @property
    def failure_type(self) -> str:
        """Odoo's word for the failure, see ``mail.notification.failure_type``."""
        if self.enhanced in _BAD_RECIPIENT:
            return "mail_email_invalid"
        if self.enhanced in _BAD_SENDER:
            return "mail_from_invalid"
        return "mail_smtp" if not self.code or self.kind == "server" else "unknown"

    def __str__(self) -> str:
        return f"{self.code} {self.text}" if self.code else self.text


def of_answer(code: int, text: bytes | str) -> Reply:
    """Class an answer to MAIL, RCPT, DATA or the final dot."""
    words = text.decode("utf-8", "replace") if isinstance(text, bytes) else text
    found = _ENHANCED.match(words)
    enhanced = found[1] if found else ""
    return Reply(_kind(code, enhanced), code, enhanced, words)


def _kind(code: int, enhanced: str) -> Kind:
    if 200 <= code < 400:
        return "sent"
    if code in _AUTHENTICATION:
        return "server"
    if code in _SLOW or enhanced in _SLOW_ENHANCED:
        return "slow"
    return "never" if 500 <= code < 600 else "later"


def of_connection(error: BaseException) -> Reply:
    """Class what went wrong before any mail was spoken of: all of it is the server's trouble."""
    if isinstance(error, smtplib.SMTPResponseException):
        answer = of_answer(error.smtp_code, error.smtp_error)
        return Reply("server", answer.code, answer.enhanced, answer.text)
    if isinstance(error, ssl.SSLError):
        return Reply("server", text=f"TLS: {error}")
    return Reply("server", text=str(error) or type(error).__name__)


def of_exception(error: BaseException) -> Reply | None:
    """Class the error of a mail that smtplib sent, looking behind those that wrap it.

    :return: None if no server had a part in it
    """
    seen: BaseException | None = error
    while seen is not None:
        if isinstance(seen, smtplib.SMTPRecipientsRefused):
            return of_answer(*next(iter(seen.recipients.values())))
        if isinstance(seen, smtplib.SMTPAuthenticationError):
            return of_connection(seen)
        if isinstance(seen, smtplib.SMTPResponseException):
            return of_answer(seen.smtp_code, seen.smtp_error)
        if isinstance(seen, smtplib.SMTPNotSupportedError):
            return Reply("never", text=str(seen))
        if isinstance(seen, (smtplib.SMTPException, OSError)):
            return of_connection(seen)
        seen = seen.__cause__ or seen.__context__
    return None


def next_attempt(
    attempts: int, now: datetime, since: datetime, limit: timedelta, chance: float | None = None
) -> datetime | None:
    """Return when to try again: pauses double, with a fifth of chance to spread the load.

    :param attempts: how many there were, at least 1
    :param since: when the mail was taken from the queue
    :param limit: how old it may become
    :param chance: between 0 and 1; drawn if not given
    :return: None if it would be too old by then
    """
    pause = min(FIRST_PAUSE * 2 ** min(attempts - 1, 12), LONGEST_PAUSE)
    draw = random.random() if chance is None else chance
    moment = now + pause * (0.9 + 0.2 * draw)
    return moment if moment - since <= limit else None
