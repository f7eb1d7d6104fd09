"""What answers mean, and when mail is tried again."""

import smtplib
import ssl
from datetime import datetime, timedelta

import pytest

from odoo.addons.notify_routing.tools import reply_class

NOON = datetime(2026, 11, 22, 12)


@pytest.mark.parametrize(
    ("code", "text", "kind", "failure"),
    [
        (250, "2.0.0 Ok", "sent", None),
        (450, "4.2.0 greylisted", "later", "unknown"),
        (451, "4.3.0 try again", "later", "unknown"),
        (452, "4.3.1 out of storage", "slow", "unknown"),
        (421, "4.7.0 too many", "slow", "unknown"),
        (450, "4.7.28 rate limited", "slow", "unknown"),
        (535, "5.7.8 bad credentials", "server", "mail_smtp"),
        (530, "5.7.0 authentication required", "server", "mail_smtp"),
        (454, "4.7.0 TLS not available", "server", "mail_smtp"),
        (550, "5.1.1 no such user", "never", "mail_email_invalid"),
        (550, "5.1.8 bad sender", "never", "mail_from_invalid"),
        (554, "5.7.1 spam", "never", "unknown"),
        (550, "no enhanced code", "never", "unknown"),
    ],
)
def test_o22_answers_are_classed(code, text, kind, failure):
    reply = reply_class.of_answer(code, text.encode())
    assert (reply.kind, reply.code, reply.text) == (kind, code, text)
    assert failure is None or reply.failure_type == failure


def test_wrapped_errors_are_looked_through():
    try:
        try:
            raise smtplib.SMTPDataError(451, b"4.3.0 try again")
        except smtplib.SMTPDataError as error:
            raise ValueError("Mail Delivery Failed") from error
    except ValueError as wrapped:
        assert reply_class.of_exception(wrapped).kind == "later"
    assert reply_class.of_exception(ValueError("no server had a part in it")) is None
    refused = smtplib.SMTPRecipientsRefused({"a@b.example": (550, b"5.1.1 no such user")})
    assert reply_class.of_exception(refused).enhanced == "5.1.1"


@pytest.mark.parametrize(
    "error",
    [
        ConnectionRefusedError("refused"),
        TimeoutError("timed out"),
        ssl.SSLCertVerificationError("certificate verify failed"),
        smtplib.SMTPConnectError(554, b"no service here"),
        smtplib.SMTPAuthenticationError(535, b"5.7.8 bad credentials"),
        smtplib.SMTPServerDisconnected("gone"),
    ],
)
def test_n14_trouble_with_the_connection_is_the_servers(error):
    reply = reply_class.of_connection(error)
    assert reply.kind == "server" and reply.text
    assert reply.failure_type == "mail_smtp"


def test_pauses_double_up_to_the_longest_until_the_mail_is_too_old():
    limit = timedelta(days=2)

    def pause(attempts, chance=0.5):
        return reply_class.next_attempt(attempts, NOON, NOON, limit, chance) - NOON

    assert [pause(number) / timedelta(minutes=1) for number in range(1, 10)] == [
        *(1, 2, 4, 8, 16, 32, 64),
        *(120, 120),
    ]
    assert pause(1, 0) < pause(1, 1)
    late = NOON - timedelta(hours=47, minutes=30)
    assert reply_class.next_attempt(9, NOON, late, limit) is None
    assert reply_class.next_attempt(1, NOON, late, limit) is not None
