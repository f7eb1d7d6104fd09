"""Bad incoming mail on the real path: it lies in Dovecot, fetchmail takes it, and it arrives on its
document once; the followers are told of it once."""

import base64
import os
from email.message import EmailMessage
from email.utils import make_msgid

import pytest


@pytest.fixture
def order(company):
    """A quotation that the client, Ben and Chloé follow, and about which everybody got a mail."""
    order = company.empty(company.quotation(by="anna"))
    company.follow(order, company.partner, company.users["ben"], company.users["chloe"])
    company.post(order, "What do you think?", by="anna")
    company.send_queue()
    return order


def head(letter, **changed):
    """Return the lines of the header of an answer; ``None`` leaves one out."""
    headers = {
        "From": "Mister Client <client@customer.example>",
        "To": "catchall@company.example",
        "Subject": f"Re: {letter['Subject']}",
        "Message-ID": make_msgid(domain="customer.example"),
        "In-Reply-To": letter["Message-ID"],
        "References": letter["Message-ID"],
        "Date": "Sun, 22 Nov 2026 08:00:00 +0100",
        "MIME-Version": "1.0",
        "Content-Type": 'text/plain; charset="utf-8"',
        **{name.replace("_", "-"): value for name, value in changed.items()},
    }
    lines = [f"{name}: {value}" for name, value in headers.items() if value is not None]
    return "\r\n".join([*lines, "", ""]).encode("utf-8", "surrogateescape")


def arrives(company, order, raw, who=None):
    """Hand a message to the relay, let Odoo fetch it, and return what arrived on the document."""
    before = order.sudo().message_ids
    company.client.deliver(raw, envelope_to=["catchall@company.example"])
    with company.letters() as letters:
        # Once more changes nothing.
        company.fetch()
        company.fetch()
        company.send_queue()
    order.invalidate_recordset()
    arrived = order.sudo().message_ids - before
    told = sorted(address for entry in letters for address in entry.recipients)
    return arrived, told


#: Who is told by mail of an answer. Ben is told in Odoo; Anna follows since she wrote.
TOLD = ["anna@company.example", "chloe@company.example"]


def is_told_once(company, message):
    assert company.told(message) == {"Anna": "email", "Ben": "inbox", "Chloé": "both"}
    assert [company.unread(login, message) for login in ("ben", "chloe")] == [True, True]
    assert set(message.notification_ids.mapped("notification_status")) == {"sent"}


def in_charset(letter, charset, body, multipart):
    """Return an answer in a charset, as a plain message or as part of one."""
    kind = f'text/plain; charset="{charset}"'
    if not multipart:
        return head(letter, Content_Type=kind) + body + b"\r\n"
    start = head(letter, Content_Type="multipart/mixed; boundary=b")
    part = b"--b\r\nContent-Type: " + kind.encode() + b"\r\n\r\n" + body
    return start + part + b"\r\n--b--\r\n"


def test_answer_from_an_unknown_sender(company, order, letter):
    raw = head(letter, From="Somebody Else <stranger@elsewhere.example>") + b"I answer for him\r\n"
    message, told = arrives(company, order, raw)
    assert len(message) == 1 and "I answer for him" in message.body
    assert message.email_from == '"Somebody Else" <stranger@elsewhere.example>'
    assert not message.author_id, "a stranger is nobody until somebody says so"
    assert told == [*TOLD, "client@customer.example"]
    assert company.told(message) == {
        "Anna": "email",
        "Ben": "inbox",
        "Chloé": "both",
        "Mister Client": "email",
    }
    assert not order.sudo().message_partner_ids.filtered(
        lambda partner: partner.email == "stranger@elsewhere.example"
    )


def test_answer_without_a_sender(company, order, letter):
    message, told = arrives(company, order, head(letter, From=None) + b"Who am I\r\n")
    assert len(message) == 1 and "Who am I" in message.body
    assert message.author_id == company.env.ref("base.partner_root"), "stock: who fetches, wrote"
    assert told == [*TOLD, "client@customer.example"]


@pytest.mark.parametrize("body", [b"", b"\r\n \r\n"], ids=["nothing", "blanks"])
def test_answer_without_text(company, order, letter, body):
    message, told = arrives(company, order, head(letter) + body)
    assert len(message) == 1
    assert message.author_id == company.partner
    assert told == TOLD
    is_told_once(company, message)


def test_answer_that_is_only_an_attachment(company, order, letter):
    answer = EmailMessage()
    answer.add_attachment(b"%PDF", maintype="application", subtype="pdf", filename="signed.pdf")
    raw = head(letter, Content_Type=None, MIME_Version=None)[:-2] + answer.as_bytes()
    message, told = arrives(company, order, raw)
    assert len(message) == 1
    assert message.attachment_ids.mapped("name") == ["signed.pdf"]
    assert told == TOLD
    is_told_once(company, message)


def test_answer_with_an_attachment_of_20_megabytes(company, order, letter):
    content = os.urandom(20 * 1024 * 1024)
    boundary = "big"
    raw = (
        head(letter, Content_Type=f'multipart/mixed; boundary="{boundary}"')
        + b"--big\r\nContent-Type: text/plain\r\n\r\nThe plans\r\n--big\r\n"
        + b'Content-Type: application/octet-stream; name="plans.bin"\r\n'
        + b'Content-Disposition: attachment; filename="plans.bin"\r\n'
        + b"Content-Transfer-Encoding: base64\r\n\r\n"
        + base64.encodebytes(content).replace(b"\n", b"\r\n")
        + b"--big--\r\n"
    )
    message, told = arrives(company, order, raw)
    assert len(message) == 1 and "The plans" in message.body
    assert message.attachment_ids.raw == content
    assert told == TOLD
    is_told_once(company, message)


@pytest.mark.parametrize(
    ("charset", "body", "seen"),
    [
        ("utf-8", b"Gr\xfc\xdfe", "Gr"),
        ("us-ascii", "Grüße".encode(), "Gr"),
        ("utf-16", b"odd number of octets!", ""),
    ],
    ids=["latin_in_utf8", "8bit_in_ascii", "broken_utf16"],
)
@pytest.mark.parametrize("multipart", [False, True], ids=["alone", "multipart"])
def test_answer_in_a_broken_charset(company, order, letter, charset, body, seen, multipart):
    message, told = arrives(company, order, in_charset(letter, charset, body, multipart))
    assert len(message) == 1 and seen in message.body
    assert told == TOLD
    is_told_once(company, message)


@pytest.mark.parametrize("charset", ["x-klingon-8bit", ""], ids=["unknown", "empty"])
@pytest.mark.parametrize("multipart", [False, True], ids=["alone", "multipart"])
def test_answer_in_an_unknown_charset_is_read_as_far_as_it_can_be(
    company, order, letter, charset, multipart
):
    """Stock cannot read it, marks it as seen and tells nobody."""
    raw = in_charset(letter, charset, "Grüße".encode(), multipart)
    message, told = arrives(company, order, raw)
    assert len(message) == 1 and "Grüße" in message.body
    assert told == TOLD
    is_told_once(company, message)


BROKEN = {
    "boundary_never_closed": (
        "multipart/mixed; boundary=b",
        b"--b\r\nContent-Type: text/plain\r\n\r\nHalf of it\r\n",
    ),
    "boundary_missing": ("multipart/alternative", b"--b\r\n\r\nHalf of it\r\n--b--\r\n"),
    "boundary_never_seen": ("multipart/mixed; boundary=other", b"--b\r\n\r\nHalf of it\r\n"),
    "part_without_header": (
        "multipart/mixed; boundary=b",
        b"--b\r\nHalf of it: no header at all\r\n--b--\r\n",
    ),
    "base64_cut_off": (
        "multipart/mixed; boundary=b",
        (
            b"--b\r\nContent-Type: text/plain\r\nContent-Transfer-Encoding: base64\r\n\r\n"
            b"SGFsZiBvZiBpd\r\n--b--\r\n"
        ),
    ),
    "unknown_encoding": (
        "multipart/mixed; boundary=b",
        (
            b"--b\r\nContent-Type: text/plain\r\nContent-Transfer-Encoding: x-rot13\r\n\r\n"
            b"Half of it\r\n--b--\r\n"
        ),
    ),
    "no_such_type": ("klingon", b"Half of it\r\n"),
    "html_never_closed": ("text/html", b"<p>Half of <b>it<table><tr\r\n"),
    "nul_octets": ("text/plain", b"Half\x00 of it\r\n"),
    "rfc822_in_pieces": (
        "multipart/mixed; boundary=b",
        (
            b"--b\r\n\r\nHalf of it\r\n--b\r\nContent-Type: message/rfc822\r\n\r\n"
            b"nonsense\r\n--b--\r\n"
        ),
    ),
}


@pytest.mark.parametrize("name", BROKEN)
def test_answer_with_broken_mime(company, order, letter, name):
    kind, body = BROKEN[name]
    message, told = arrives(company, order, head(letter, Content_Type=kind) + body)
    assert len(message) == 1
    assert told == TOLD
    is_told_once(company, message)


@pytest.mark.parametrize(
    "changed",
    [
        {"Subject": "Gr\udcfc\udcdfe"},
        {"Subject": "=?x-klingon?q?Gr=FC=DFe?="},
        {"Subject": None},
        {"Date": "yesterday, I think"},
        {"Message_ID": None},
        {"From": "client@customer.example, =?utf-8?q?broken"},
        {"To": "undisclosed-recipients:;"},
    ],
    ids=lambda changed: (
        "_".join(f"{name}_{value}" for name, value in changed.items())[:30]
        .encode("ascii", "replace")
        .decode()
    ),
)
def test_answer_with_a_broken_header(company, order, letter, changed):
    raw = head(letter, **changed) + b"Readable all the same\r\n"
    message, told = arrives(company, order, raw)
    assert len(message) == 1 and "Readable" in message.body
    assert told == TOLD


def test_answer_whose_references_were_rewritten_arrives_by_what_it_replies_to(
    company, order, letter
):
    """Stock reads References before In-Reply-To, and knows no other way to the document: it tells
    the sender that they wrote to the wrong address."""
    raw = head(letter, References="<one@relay.example> <two@relay.example>") + b"Found\r\n"
    message, told = arrives(company, order, raw)
    assert len(message) == 1 and "Found" in message.body
    assert told == TOLD
    is_told_once(company, message)


def test_answer_that_the_mail_server_delivers_twice_arrives_once(company, order, letter):
    raw = head(letter) + b"Twice\r\n"
    company.client.deliver(raw, envelope_to=["catchall@company.example"])
    message, told = arrives(company, order, raw)
    assert len(message) == 1
    assert told == TOLD
    is_told_once(company, message)
