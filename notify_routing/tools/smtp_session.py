"""One pipelined SMTP session (RFC 2920) on a connection that smtplib opened.

The commands of an envelope travel together, and those of the next one with the body before it: one
round trip a mail instead of four. Where the server does not offer it, each command waits for its
answer.
"""

from __future__ import annotations

import re
import smtplib
import socket
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from . import reply_class
from .reply_class import Reply

_LINE_START_DOT = re.compile(rb"^\.", re.M)


@dataclass
class Letter:
    """What goes over the line.

    :param recipients: envelope recipients
    :param bytes data: header and body, lines ending in CRLF
    :param options: of MAIL, e.g. ``("BODY=8BITMIME",)``
    :param owner: whatever its sender knows it by
    """

    sender: str
    recipients: list[str]
    data: bytes
    options: tuple[str, ...] = ()
    owner: Any = None
    #: Answer for each recipient, complete once the letter is done.
    replies: dict[str, Reply] = field(default_factory=dict)
    #: Its body left, or was about to: from then on the server may have it.
    handed_over: bool = False
    #: How often a line was lost under it before that.
    lost: int = 0

    def settle(self, reply: Reply) -> None:
        """Give all recipients that have none yet the same answer."""
        for recipient in self.recipients:
            self.replies.setdefault(recipient, reply)


class LineLost(Exception):
    """The connection is gone. ``unsent`` are letters that the server cannot have."""

    def __init__(self, reply: Reply, unsent: list[Letter]) -> None:
        super().__init__(reply.text)
        self.reply = reply
        self.unsent = unsent


class SmtpSession:
    """A session.

    :param connection: opened, greeted and authenticated
    :param before_body: called with a letter before its body leaves; may wait
    """

    def __init__(
        self,
        connection: smtplib.SMTP,
        before_body: Callable[[Letter], None] = lambda letter: None,
    ) -> None:
        self.connection = connection
        self.pipelining = connection.has_extn("pipelining")
        self.before_body = before_body
        # Else the end of what is written waits until the server has acknowledged its beginning:
        # a round trip more for each mail.
        connection.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def send(
        self,
        letter: Letter,
        next_letter: Callable[[], Letter | None],
        done: Callable[[Letter], None],
    ) -> None:
        """Send a letter, and those that wait behind it without a pause.

        :param next_letter: returns the next one if there is one already
        :param done: called with each letter once all its recipients have an answer
        :raise LineLost: the session is of no more use
        """
        current: Letter | None = letter
        following: Letter | None = None
        try:
            self._write(self._envelope(letter))
            while current:
                if self._read_envelope(current):
                    self.before_body(current)
                    current.handed_over = True
                    following = next_letter()
                    self._write(_stuffed(current.data) + self._envelope(following))
                    current.settle(self._answer())
                else:
                    following = next_letter()
                    self._write(b"RSET\r\n" + self._envelope(following))
                    self._answer()
                settled, current, following = current, following, None
                done(settled)
        except (OSError, smtplib.SMTPException) as error:
            reply = reply_class.of_exception(error)
            unsent = [lost for lost in (current, following) if lost]
            if current and current.handed_over:
                unsent.remove(current)
                answered = isinstance(error, smtplib.SMTPResponseException)
                current.settle(reply if answered else Reply("doubt", text=reply.text))
                done(current)
            raise LineLost(reply, unsent) from error

    # ------------------------------------------------------------
    # ENVELOPE
    # ------------------------------------------------------------

    def _envelope(self, letter: Letter | None) -> bytes:
        """Return the commands of an envelope to send ahead: none if the server does not let us."""
        if not letter or not self.pipelining:
            return b""
        return "".join(f"{command}\r\n" for command in self._commands(letter)).encode()

    def _commands(self, letter: Letter) -> list[str]:
        options = [option for option in letter.options if self._is_offered(option)]
        if self.connection.has_extn("size"):
            options.append(f"SIZE={len(letter.data)}")
        mail = " ".join([f"MAIL FROM:{smtplib.quoteaddr(letter.sender)}", *options])
        rcpts = [f"RCPT TO:{smtplib.quoteaddr(recipient)}" for recipient in letter.recipients]
        return [mail, *rcpts, "DATA"]

    def _is_offered(self, option: str) -> bool:
        name = "8bitmime" if option.startswith("BODY=") else option.partition("=")[0].lower()
        return self.connection.has_extn(name)

    def _read_envelope(self, letter: Letter) -> bool:
        """Read the answers of an envelope, and say whether the server waits for the body."""
        commands = iter(self._commands(letter))
        mail = self._ask(next(commands))
        if mail.kind != "sent" and not self.pipelining:
            letter.settle(mail)
            return False
        for recipient in letter.recipients:
            answer = self._ask(next(commands))
            if answer.kind != "sent":
                letter.replies[recipient] = answer if mail.kind == "sent" else mail
        refused = len(letter.replies) == len(letter.recipients)
        if refused and not self.pipelining:
            return False
        data = self._ask(next(commands))
        if data.code != 354:
            letter.settle(mail if mail.kind != "sent" else data)
            return False
        if refused:
            # RFC 2920, 3.1: the server waits for a body that has no recipient.
            self._write(b".\r\n")
            self._answer()
            return False
        return True

    def _ask(self, command: str) -> Reply:
        if not self.pipelining:
            self._write(f"{command}\r\n".encode())
        return self._answer()

    # ------------------------------------------------------------
    # LINE
    # ------------------------------------------------------------

    def _write(self, data: bytes) -> None:
        if data:
            self.connection.send(data)

    def _answer(self) -> Reply:
        code, text = self.connection.getreply()
        if code == 421:
            raise smtplib.SMTPResponseException(code, text)
        return reply_class.of_answer(code, text)

    def quit(self) -> None:
        """Take leave, whatever state the line is in."""
        try:
            self.connection.quit()
        except (OSError, smtplib.SMTPException):
            self.connection.close()


def _stuffed(data: bytes) -> bytes:
    """Return a body with its dots doubled and the final dot."""
    end = b".\r\n" if data.endswith(b"\r\n") else b"\r\n.\r\n"
    return _LINE_START_DOT.sub(b"..", data) + end
