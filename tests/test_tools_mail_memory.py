"""Mails made with memory are those that are made without it."""

import email.policy
import re
from datetime import datetime
from email.message import EmailMessage

import pytest
from hypothesis import given
from hypothesis import strategies as st

from odoo.tools import mail as mail_tools

from odoo.addons.notify_routing.tools.mail_memory import Flattener, remembering


def make(
    to="p1@customer.example", text="Grüße", subject="Hello", attachment=b"", reference="", add=None
):
    message = EmailMessage(policy=email.policy.SMTP)
    message["Message-Id"] = reference or f"<1234567890.{to}>"
    message["References"] = " ".join(f"<{number}@company.example>" for number in range(9))
    message["Subject"] = subject
    message["From"] = "Chloé Müller <chloe@company.example>"
    message["To"] = [f"Person <{to}>", "second@customer.example"]
    if add is not None:
        # As Odoo adds people whom the mail does not go to.
        message.replace_header("To", ", ".join([message["To"], add]))
    message["Return-Path"] = "bounce@company.example"
    message["X-Odoo-Objects"] = "res.partner-1"
    message["Date"] = datetime(2026, 11, 22, 8, 30, 0, 4711)
    message["MIME-Version"] = "1.0"
    message.add_alternative(text, subtype="plain", charset="utf-8")
    message.add_alternative(f"<p>{text}</p>" * 50, subtype="html", charset="utf-8")
    if isinstance(attachment, EmailMessage):
        message.add_attachment(attachment)
    elif attachment:
        message.add_attachment(attachment, "application", "pdf", filename="Plän.pdf")
    return message


def octets(message, flattener=None):
    flattener = flattener or Flattener()
    return flattener.flatten(message, message.policy.clone(linesep="\r\n"))


def without_boundary(data):
    return re.sub(rb"={15}\d+==|===\d-[0-9a-f]{32}==", b"B", data)


CASES = [
    {},
    {"to": "other@customer.example"},
    {"subject": "Ein sehr langer Betreff mit Umläuten, " * 5},
    {"attachment": bytes(range(256)) * 40},
    {"text": ".\r\n..dots\r\nand a line\r\n" * 5},
    {"text": "x" * 2000},
    *({"text": "=" * unsafe + "x" * (300 - unsafe)} for unsafe in range(30, 80, 4)),
    {"text": "ü" * 100 + "\n" + "x" * 2000},
    {"text": "Kurze Zeilen\rmit Umläuten\n\n"},
    {"text": ""},
    {"subject": False},
    {"subject": ""},
    {"text": "A \ufffd of somebody else"},
    {"subject": "=?utf-8?q?Gr=C3=BC=C3=9Fe?= and  two spaces"},
    {"subject": " with a space before and behind "},
    {"subject": "Only words, so many that they fill more than one line of the header " * 2},
    {"add": ""},
    {"add": "a@b.example"},
    {"add": '"In Quotes" <a@b.example>, Last <c@d.example>'},
    {"add": '"Last, First" <a@b.example>, "Müller" <m@b.example>'},
    {"add": "broken@@customer..example, <>"},
    {"add": ", ".join(f"p{number}@customer.example" for number in range(20))},
    {"to": '"odd\\" name" <a@b.example>'},
    {"reference": "no message id at all"},
    {"reference": "<id with@spaces> (and a comment)"},
]


@pytest.mark.parametrize("case", CASES)
def test_same_octets_with_and_without_memory(case):
    plain = make(**case)
    expected = without_boundary(octets(plain))
    flattener = Flattener()
    with remembering(mail_tools):
        for _time in range(3):
            message = make(**case)
            assert without_boundary(octets(message, flattener)) == expected


@pytest.mark.parametrize("case", CASES)
def test_headers_read_alike_with_and_without_memory(case):
    def read(message):
        addresses = [(a.display_name, a.addr_spec) for a in message["From"].addresses]
        return message.items(), addresses, [str(a) for a in message["To"].addresses]

    expected = read(make(**case))
    with remembering(mail_tools):
        assert read(make(**case)) == expected


def test_addresses_split_alike_with_and_without_memory():
    texts = ["", False, "a@b.example", "Name a@b.example", '"A, B" <a@b.example>, c@d.example']
    expected = [mail_tools.email_split_tuples(text) for text in texts]
    with remembering(mail_tools):
        for _time in range(2):
            found = [mail_tools.email_split_tuples(text) for text in texts]
            assert found == expected
            found[2].clear()  # Each caller has a list of its own.
    assert mail_tools.email_normalize("Name <A@b.example>") == "a@b.example"


WORD = st.text("aZ09_é", min_size=1, max_size=4)
NAME = st.lists(WORD, min_size=1, max_size=3).map(" ".join)
SPEC = st.builds("{}@{}.{}".format, st.text("aZ9.+-_é", min_size=1, max_size=6), WORD, WORD)


@given(
    st.one_of(
        SPEC,
        st.builds("{} <{}>".format, NAME, SPEC),
        st.builds('"{}" <{}>'.format, st.one_of(NAME, st.text('a,"\\\\ ', max_size=4)), SPEC),
        st.text('aZ9@.<>(),:; "\\\\', max_size=20),
    )
)
def test_addresses_are_parsed_alike_with_and_without_memory(text):
    expected = [mail_tools.getaddresses([text]), mail_tools.email_normalize_all(text)]
    with remembering(mail_tools):
        for _time in range(2):
            found = mail_tools.getaddresses([text])
            assert [found, mail_tools.email_normalize_all(text)] == expected
            found.clear()  # Each caller has a list of its own.
        several = mail_tools.getaddresses([text, "a@b.example"])
    assert several == mail_tools.getaddresses([text, "a@b.example"])


def test_what_is_no_text_or_file_is_written_by_the_email_package():
    forwarded = EmailMessage(policy=email.policy.SMTP)
    forwarded["Subject"] = "Forwarded"
    forwarded.set_content("From here on\n--===0 is no boundary\n")
    signed = make()
    signed.replace_header("Content-Type", 'multipart/signed; micalg="sha-256"')
    bounded = make()
    bounded.set_boundary("chosen-by-an-addon")
    bounded.preamble = "What old mail programs show"
    foreign = make()
    foreign.get_body(("plain",)).set_payload(b"\xff".decode("ascii", "surrogateescape"))
    broken = EmailMessage(policy=email.policy.SMTP)
    broken.set_payload("Umläute, never encoded")
    for message in (make(attachment=forwarded), signed, bounded, foreign):
        expected = message.as_bytes(policy=message.policy.clone(linesep="\r\n"))
        assert without_boundary(octets(message)) == without_boundary(expected)
    with pytest.raises(UnicodeEncodeError):
        octets(broken)


def test_the_same_text_in_different_messages():
    with remembering(mail_tools):
        flattener = Flattener()
        for subtype in ("plain", "html", "plain"):
            message = EmailMessage(policy=email.policy.SMTP)
            message.set_content("Grüße", subtype=subtype, charset="utf-8")
            expected = b"Gr\xc3\xbc\xc3\x9fe\r\n"
            assert octets(message, flattener).endswith(b"\r\n\r\n" + expected)
            message["X-Of-An-Addon"] = "different"
            message.add_alternative("Grüße", subtype="enriched", charset="utf-8")
            assert octets(message, flattener).count(expected) == 2


def test_parts_within_parts_have_boundaries_of_their_own():
    message = make(attachment=b"%PDF")
    sent = email.message_from_bytes(octets(message), policy=email.policy.default)
    assert [part.get_content_type() for part in sent.walk()] == [
        "multipart/mixed",
        "multipart/alternative",
        "text/plain",
        "text/html",
        "application/pdf",
    ]
    assert sent.get_boundary() != next(sent.iter_parts()).get_boundary()


def test_messages_that_differ_keep_their_own_headers_and_bodies():
    flattener = Flattener()
    with remembering(mail_tools):
        for number in range(60):
            case = {"to": f"p{number}@customer.example", "text": f"Text {number // 3}"}
            message = make(**case)
            sent = email.message_from_bytes(octets(message, flattener), policy=email.policy.default)
            assert case["to"] in sent["To"]
            assert sent.get_body(("plain",)).get_content().strip() == case["text"]
            assert sent.get_body(("html",)).get_content().count(case["text"]) == 50


def test_what_an_addon_changes_in_a_message_goes_out():
    flattener = Flattener()
    with remembering(mail_tools):
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
    first, second = remembering(mail_tools), remembering(mail_tools)
    first.__enter__()
    second.__enter__()
    first.__exit__(None, None, None)
    assert email.policy.SMTP is not plain
    second.__exit__(None, None, None)
    assert email.policy.SMTP is plain
