"""A session as Odoo and other addons know it, that takes letters instead of sending them."""

from __future__ import annotations

import copy
import smtplib
from collections.abc import Sequence
from email.message import Message

from .mail_memory import Flattener
from .reply_class import Reply
from .smtp_session import Letter


class Handover:
    """Behaves as smtplib's session where a mail is given to it, and keeps what it is given.

    :param from_filter: as Odoo puts it on its sessions, like the next one
    :param features: what the server offers: ``{"pipelining": "", "size": "1000"}``
    """

    def __init__(self, smtp_from: str, from_filter: str | None, features: dict[str, str]) -> None:
        self.smtp_from = smtp_from
        self.from_filter = from_filter
        self.esmtp_features = features
        self.does_esmtp = True
        self.letters: list[Letter] = []
        self._flattener = Flattener()

    def take(self) -> list[Letter]:
        """Return what was given since the last time."""
        taken, self.letters = self.letters, []
        return taken

    def has_extn(self, name: str) -> bool:
        return name.lower() in self.esmtp_features

    def send_message(
        self,
        msg: Message,
        from_addr: str | None = None,
        to_addrs: str | Sequence[str] | None = None,
        mail_options: Sequence[str] = (),
        rcpt_options: Sequence[str] = (),
    ) -> dict:
        """Take a message; what the server says of it comes later.

        :raise smtplib.SMTPNotSupportedError: an address is not ASCII and the server knows no other
        """
        if from_addr is None or to_addrs is None:
            raise ValueError("The envelope must be given.")
        recipients = [to_addrs] if isinstance(to_addrs, str) else list(to_addrs)
        policy = msg.policy
        if not "".join([from_addr, *recipients]).isascii():
            if not self.has_extn("smtputf8"):
                raise smtplib.SMTPNotSupportedError(
                    "One or more source or delivery addresses require internationalized email "
                    "support, but the server does not advertise the required SMTPUTF8 capability"
                )
            policy = policy.clone(utf8=True)
            mail_options = (*mail_options, "SMTPUTF8", "BODY=8BITMIME")
        if msg["Bcc"] or msg["Resent-Bcc"]:
            msg = copy.copy(msg)
            del msg["Bcc"]
            del msg["Resent-Bcc"]
        octets = self._flattener.flatten(msg, policy.clone(linesep="\r\n"))
        return self.sendmail(from_addr, recipients, octets, mail_options)

    def sendmail(
        self,
        from_addr: str,
        to_addrs: str | Sequence[str],
        msg: bytes | str,
        mail_options: Sequence[str] = (),
        rcpt_options: Sequence[str] = (),
    ) -> dict:
        recipients = [to_addrs] if isinstance(to_addrs, str) else list(to_addrs)
        data = msg.encode("ascii") if isinstance(msg, str) else msg
        self.letters.append(Letter(from_addr, recipients, data, tuple(mail_options)))
        return {}

    def noop(self) -> tuple[int, bytes]:
        return 250, b"Ok"

    def ehlo_or_helo_if_needed(self) -> None:
        """Nothing is needed: the real sessions are greeted already."""

    def quit(self) -> tuple[int, bytes]:
        return 221, b"Bye"

    def close(self) -> None:
        """The real sessions end with their pool."""


class Refusal(Handover):
    """A session that says again what a server has said of a letter: for those who only ask then."""

    def __init__(self, letter: Letter, reply: Reply) -> None:
        super().__init__(letter.sender, None, {"smtputf8": ""})
        self._reply = reply

    def sendmail(self, *_arguments: object, **_options: object) -> dict:
        """Take nothing.

        :raise smtplib.SMTPException: always
        """
        if self._reply.code:
            raise smtplib.SMTPResponseException(self._reply.code, self._reply.text.encode())
        raise smtplib.SMTPException(self._reply.text)
