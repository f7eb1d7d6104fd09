"""Ask an SMTP server without sending anything, and tell what a failed connection means."""

from __future__ import annotations

import smtplib
import socket
import ssl
from dataclasses import dataclass
from typing import Literal

#: OpenSSL's numbers of what is wrong with a certificate (X509_V_ERR_…).
_EXPIRED = {10}
_OTHER_NAME = {62, 64}

Trouble = Literal[
    "unknown_host",
    "no_answer",
    "certificate_expired",
    "certificate_name",
    "certificate_untrusted",
    "tls_missing",
    "tls_other",
    "tls_required",
    "login_refused",
    "login_missing",
    "closed",
    "refused",
    "other",
]


@dataclass(frozen=True, slots=True)
class Answer:
    """What the server said.

    :param stage: the last command it was asked: ``MAIL`` or ``RCPT``
    """

    code: int
    text: str
    stage: Literal["MAIL", "RCPT"]

    @property
    def accepted(self) -> bool:
        return 200 <= self.code < 300

    @property
    def temporary(self) -> bool:
        return 400 <= self.code < 500

    def __str__(self) -> str:
        return f"{self.code} {self.text}"


def ask(session: smtplib.SMTP, sender: str, recipient: str) -> Answer:
    """Ask whether a server takes mail from an address to another, and take the question back.

    :param sender: envelope sender, ``""`` is the null sender
    :raise smtplib.SMTPServerDisconnected: if the server hung up
    :raise UnicodeError: if an address cannot be put into plain ASCII
    """
    stage: Literal["MAIL", "RCPT"] = "MAIL"
    code, text = session.mail(_ascii(sender))
    if 200 <= code < 300:
        stage = "RCPT"
        code, text = session.rcpt(_ascii(recipient))
    if code == 421:
        # RFC 5321: the server is about to close the connection.
        session.close()
    else:
        session.rset()
    return Answer(code, " ".join(text.decode("utf-8", "replace").split()), stage)


def _ascii(address: str) -> str:
    local, at, domain = address.rpartition("@")
    local.encode("ascii")
    return f"{local}{at}{domain.encode('idna').decode()}" if at else address


def trouble_of(error: BaseException) -> Trouble:
    """Tell why a server could not be used.

    :param error: what connecting, encrypting or logging in raised
    """
    if isinstance(error, ssl.SSLCertVerificationError):
        if error.verify_code in _EXPIRED:
            return "certificate_expired"
        return "certificate_name" if error.verify_code in _OTHER_NAME else "certificate_untrusted"
    if isinstance(error, ssl.SSLError):
        # The other side does not speak TLS here, or no version that both know.
        return "tls_other"
    if isinstance(error, smtplib.SMTPNotSupportedError):
        return "tls_missing" if "STARTTLS" in str(error) else "login_missing"
    if isinstance(error, smtplib.SMTPResponseException):
        return _trouble_of_code(error.smtp_code, isinstance(error, smtplib.SMTPAuthenticationError))
    if isinstance(error, smtplib.SMTPServerDisconnected):
        return "closed"
    if isinstance(error, smtplib.SMTPException):
        return "login_missing" if "auth" in str(error).lower() else "other"
    if isinstance(error, (socket.gaierror, UnicodeError)):
        return "unknown_host"
    return "no_answer" if isinstance(error, OSError) else "other"


def _trouble_of_code(code: int, at_login: bool) -> Trouble:
    if code in (530, 538):
        return "tls_required"
    return "login_refused" if at_login else "refused"


def trouble_of_answer(answer: Answer) -> Trouble:
    """Tell what a refusal means, as :func:`trouble_of`."""
    if answer.code == 530:
        # Both "Must issue a STARTTLS command first" and "Authentication required".
        return "tls_required" if "TLS" in answer.text.upper() else "login_missing"
    return "refused"
