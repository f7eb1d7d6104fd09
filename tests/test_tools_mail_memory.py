"""Mails made with memory are those that are made without it."""

import email.policy
import re
from email.message import EmailMessage

import pytest

from odoo.addons.notify_routing.tools.mail_memory import Flattener, remembering


def make(to="p1@customer.example", text="Grüße", subject="Hello", attachment=b""):
    message = EmailMessage(policy=email.policy.SMTP)
    message["Message-Id"] = f"<1234567890.{to}>"
    message["References"] = " ".join(f"<{number}@company.example>" for number in range(9))
    message["Subject"] = subject
    message["From"] = "Chloé Müller <chloe@company.example>"
    message["To"] = [f"Person <{to}>", "second@customer.example"]
    message["Return-Path"] = "bounce@company.example"
    message["MIME-Version"] = "1.0"
    message.add_alternative(text, subtype="plain", charset="utf-8")
    message.add_alternative(f"<p>{text}</p>" * 50, subtype="html", charset="utf-8")
    if attachment:
        message.add_attachment(attachment, "application", "pdf", filename="Plän.pdf")
    return message


def octets(message, flattener=None):
    flattener = flattener or Flattener()
    return flattener.flatten(message, message.policy.clone(linesep="\r\n"))


def without_boundary(data):
    return re.sub(rb"={15}\d+==", b"B", data)


CASES = [
    {},
    {"to": "other@customer.example"},
    {"subject": "Ein sehr langer Betreff mit Umläuten, " * 5},
    {"attachment": bytes(range(256)) * 40},
    {"text": ".\r\n..dots\r\nand a line\r\n" * 5},
    {"text": "x" * 2000},
]


@pytest.mark.parametrize("case", CASES)
def test_same_octets_with_and_without_memory(case):
    plain = make(**case)
    expected = without_boundary(octets(plain))
    flattener = Flattener()
    with remembering():
        for _time in range(3):
            message = make(**case)
            assert without_boundary(octets(message, flattener)) == expected


def test_messages_that_differ_keep_their_own_headers_and_bodies():
    flattener = Flattener()
    with remembering():
        for number in range(60):
            case = {"to": f"p{number}@customer.example", "text": f"Text {number // 3}"}
            message = make(**case)
            sent = email.message_from_bytes(octets(message, flattener), policy=email.policy.default)
            assert case["to"] in sent["To"]
            assert sent.get_body(("plain",)).get_content().strip() == case["text"]
            assert sent.get_body(("html",)).get_content().count(case["text"]) == 50


def test_what_an_addon_changes_in_a_message_goes_out():
    flattener = Flattener()
    with remembering():
        octets(make(), flattener)
        message = make()
        message.replace_header("From", "somebody@else.example")
        del message["References"]
        message.get_body(("plain",)).set_content("Changed")
        sent = email.message_from_bytes(octets(message, flattener), policy=email.policy.default)
    assert sent["From"] == "somebody@else.example" and "References" not in sent
    assert sent.get_body(("plain",)).get_content().strip() == "Changed"


def test_the_policy_is_odoos_again_afterwards_however_blocks_overlap():
    plain = email.policy.SMTP
    first, second = remembering(), remembering()
    first.__enter__()
    second.__enter__()
    first.__exit__(None, None, None)
    assert email.policy.SMTP is not plain
    second.__exit__(None, None, None)
    assert email.policy.SMTP is plain
