"""What mail servers say of our mail, as it arrives in the mailbox that Odoo reads."""

import uuid
from unittest.mock import patch

import pytest


@pytest.fixture(scope="module", autouse=True)
def tokens(company):
    company.env.company.alias_domain_id.notify_return_mode = "plus"
    company.commit()


@pytest.fixture
def contact(company):
    """A contact of whom no other test knows."""
    name = f"someone-{uuid.uuid4().hex[:6]}"
    return company.env["res.partner"].create({"name": name, "email": f"{name}@customer.example"})


@pytest.fixture
def message(company, order, contact):
    company.follow(order, contact)
    message = company.post(order, "What do you think?", by="anna")
    company.send_queue()
    return message


@pytest.fixture
def delivery(company, message, contact):
    """The row of the mail to the contact."""
    Delivery = company.env["notify.delivery"]
    delivery = Delivery.search(
        [("mail_message_id", "=", message.id), ("email", "=", contact.email)]
    ) or Delivery.create(
        {
            "mail_message_id": message.id,
            "partner_id": contact.id,
            "email": contact.email,
            "message_id": message.message_id,
            "state": "sent",
            "res_model": message.model,
            "res_id": message.res_id,
        }
    )
    company.commit()
    return delivery


def notice(to, message_id, address, action="failed", status="5.1.1", text="550 5.1.1 No such user"):
    """Return a report of RFC 3464 as a mail server sends it."""
    return f"""\
From: Mail Delivery System <MAILER-DAEMON@mx.customer.example>
To: {to}
Subject: Undelivered Mail Returned to Sender
Auto-Submitted: auto-replied
Message-ID: <{uuid.uuid4().hex}@mx.customer.example>
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary=b

--b
Content-Type: text/plain

I am sorry to have to inform you.
--b
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.customer.example

Final-Recipient: rfc822; {address}
Action: {action}
Status: {status}
Diagnostic-Code: smtp; {text}

--b
Content-Type: text/rfc822-headers

Message-ID: {message_id}
Subject: Offer

--b--
""".replace("\n", "\r\n").encode()


def report(kind, to, message_id, fields):
    raw = notice(to, message_id, "x@y.example").decode()
    head, _sep, rest = raw.partition("Content-Type: message/delivery-status")
    head = head.replace("report-type=delivery-status", f"report-type={kind}")
    rest = rest[rest.index("--b") :]
    return f"{head}Content-Type: message/{kind}\r\n\r\n{fields}\r\n{rest}".encode()


def return_path(company, delivery):
    return company.env["notify.return.address"]._return_path(
        delivery.id, company.env.company.alias_domain_id
    )


def arrives(company, raw, to):
    """Let a mail server send a notice, fetch it, and return the mails that left because of it."""
    company.client.deliver(raw, envelope_from="", envelope_to=[to])
    with company.letters() as letters:
        company.fetch()
        company.send_queue()
    company.env.invalidate_all()
    return letters


def outcome(company):
    return company.env["notify.intake"].search([], limit=1).outcome


def status_of(message, contact):
    return message.notification_ids.filtered(lambda row: row.res_partner_id == contact)


def is_unmarked(message, contact, delivery):
    return (
        status_of(message, contact).notification_status == "sent"
        and contact.message_bounce == 0
        and delivery.state != "bounced"
    )


def test_o9_o22_bounce_marks_notification_contact_delivery_and_tells_the_sender(
    company, message, contact, delivery
):
    anna = company.users["anna"]
    company.env["bus.bus"].search([]).unlink()
    to = return_path(company, delivery)
    raw = notice(to, "<gone@relay.example>", contact.email, text="550 5.1.1 <x> No such user")
    assert arrives(company, raw, to) == [], "nobody answers a bounce"
    row = status_of(message, contact)
    assert (row.notification_status, row.failure_type) == ("bounce", "mail_bounce")
    assert row.failure_reason.startswith("550 5.1.1 <x> No such user\n")
    assert contact.message_bounce == 1
    assert (delivery.state, delivery.code, delivery.enhanced) == ("bounced", 550, "5.1.1")
    assert "No such user" in delivery.reply
    assert outcome(company) == "bounce"
    # The author sees it at once, and finds it among what failed.
    pushed = company.env["bus.bus"].search([]).mapped("message")
    assert any(f'"id":{message.id}' in text.replace(" ", "") for text in pushed)
    failed = company.as_user(company.env["mail.message"], "anna").search(
        [("has_error", "=", True), ("author_id", "=", anna.partner_id.id)]
    )
    assert message in failed
    assert "550 5.1.1 <x> No such user" in message.read_why()["rows"][-1]["failure"]


def test_o9_bounce_without_token_is_matched_by_the_id_of_the_mail(
    company, message, contact, delivery
):
    raw = notice("bounce@company.example", delivery.message_id, contact.email)
    arrives(company, raw, "bounce@company.example")
    assert status_of(message, contact).notification_status == "bounce"
    assert delivery.state == "bounced" and contact.message_bounce == 1


def test_o9_bounce_in_prose(company, message, contact, delivery):
    to = return_path(company, delivery)
    raw = f"""\
From: MAILER-DAEMON@qmail.example
To: {to}
Subject: failure notice
Message-ID: <{uuid.uuid4().hex}@qmail.example>

Hi. This is the qmail-send program at qmail.example.
I'm afraid I wasn't able to deliver your message to the following addresses.
This is a permanent error; I've given up. Sorry it didn't work out.

<{contact.email}>:
550 5.2.1 This mailbox is closed
""".replace("\n", "\r\n").encode()
    arrives(company, raw, to)
    row = status_of(message, contact)
    assert row.notification_status == "bounce"
    assert "550 5.2.1 This mailbox is closed" in row.failure_reason
    assert delivery.enhanced == "5.2.1"


@pytest.mark.parametrize(
    ("action", "status", "text"),
    [
        ("delayed", "4.4.1", "451 4.4.1 no answer from host"),
        ("relayed", "2.1.9", "250 passed on"),
        ("delivered", "2.1.5", "250 ok"),
    ],
)
def test_o9_delayed_and_passed_are_no_bounces(
    company, message, contact, delivery, action, status, text
):
    to = return_path(company, delivery)
    arrives(company, notice(to, "<x@y.example>", contact.email, action, status, text), to)
    assert is_unmarked(message, contact, delivery)
    assert text.partition(" ")[2] in delivery.history
    assert outcome(company) == "notice"


def test_read_receipt_is_no_bounce(company, message, contact, delivery):
    fields = (
        f"Final-Recipient: rfc822; {contact.email}\r\n"
        "Disposition: manual-action/MDN-sent-manually; displayed\r\n"
    )
    to = "bounce@company.example"
    arrives(company, report("disposition-notification", to, delivery.message_id, fields), to)
    assert is_unmarked(message, contact, delivery)
    assert "read" in delivery.history


@pytest.mark.parametrize("forgery", ["unknown_id", "other_address", "changed_token", "nothing"])
def test_o9_forged_bounce_changes_nothing(company, message, contact, delivery, forgery):
    to, message_id, address = "bounce@company.example", "<x@y.example>", contact.email
    if forgery == "other_address":
        message_id, address = delivery.message_id, company.partner.email
    elif forgery == "changed_token":
        to = _changed(return_path(company, delivery))
    elif forgery == "nothing":
        message_id = ""
    before = company.partner.message_bounce
    assert arrives(company, notice(to, message_id, address), to) == []
    assert is_unmarked(message, contact, delivery)
    assert company.partner.message_bounce == before
    assert outcome(company) == "unknown_notice"


def _changed(address):
    local, _at, domain = address.partition("@")
    return f"{local[:-1]}{'2' if local[-1] != '2' else '3'}@{domain}"


def test_soft_bounces_count_when_there_are_several_in_a_row(company, message, contact, delivery):
    to = return_path(company, delivery)
    full = ("failed", "5.2.2", "552 5.2.2 mailbox full")
    for number in (1, 2):
        arrives(company, notice(to, "<x@y.example>", contact.email, *full), to)
        assert (contact.notify_soft_bounces, contact.message_bounce) == (number, 0)
        assert status_of(message, contact).notification_status == "bounce"
    arrives(company, notice(to, "<x@y.example>", contact.email, *full), to)
    assert (contact.notify_soft_bounces, contact.message_bounce) == (0, 1)
    # Who writes to us has an address that works.
    arrives(company, notice(to, "<x@y.example>", contact.email, *full), to)
    someone = company.world.customer(contact.email, contact.name)
    someone.send("info@company.example", "Hello", "It works again")
    company.fetch()
    company.env.invalidate_all()
    assert (contact.notify_soft_bounces, contact.message_bounce) == (0, 0)


def test_complaint_stops_what_may_be_opted_out(company, order, message, contact, delivery):
    to = return_path(company, delivery)
    fields = (
        "Feedback-Type: abuse\r\nUser-Agent: Feedback/1.0\r\nVersion: 1\r\n"
        f"Original-Rcpt-To: {contact.email}\r\n"
    )
    arrives(company, report("feedback-report", to, "<x@y.example>", fields), to)
    assert company.env["mail.blacklist"].search([("email", "=", contact.email)])
    assert contact not in order.sudo().message_partner_ids
    assert any("as spam" in entry.body for entry in order.sudo().message_ids)
    assert outcome(company) == "complaint"
    assert is_unmarked(message, contact, delivery)


def test_forged_complaint_stops_nothing(company, order, message, contact):
    fields = f"Feedback-Type: abuse\r\nVersion: 1\r\nOriginal-Rcpt-To: {contact.email}\r\n"
    to = "bounce@company.example"
    arrives(company, report("feedback-report", to, "<x@y.example>", fields), to)
    assert not company.env["mail.blacklist"].search([("email", "=", contact.email)])
    assert contact in order.sudo().message_partner_ids
    assert outcome(company) == "unknown_notice"


def test_vacation_notice_to_the_bounce_address_is_filed_and_no_bounce(
    company, order, message, contact, delivery
):
    """RFC 3834: answers of programs go to the envelope's sender; stock takes them for bounces."""
    to = return_path(company, delivery)
    raw = f"""\
From: {contact.email}
To: {to}
Subject: Away
Auto-Submitted: auto-replied
Message-ID: <{uuid.uuid4().hex}@customer.example>

I am on holiday.
""".replace("\n", "\r\n").encode()
    assert arrives(company, raw, to) == []
    assert is_unmarked(message, contact, delivery)
    (filed,) = order.sudo().message_ids.filtered(lambda entry: "on holiday" in entry.body)
    assert filed.notify_received == "automatic" and filed.author_id == contact


def test_other_addons_are_asked_for_each_bounce(company, message, contact, delivery):
    """OCA's mail_tracking lives in this hook, and takes two arguments."""
    to = return_path(company, delivery)
    owner = next(
        cls
        for cls in company.registry["mail.thread"].__mro__
        if "_routing_handle_bounce" in vars(cls) and "odoo.addons.mail." in cls.__module__
    )
    original, seen = owner._routing_handle_bounce, []

    def hook(self, email_message, message_dict):
        seen.append((email_message["To"], message_dict["bounced_email"]))
        return original(self, email_message, message_dict)

    with patch.object(owner, "_routing_handle_bounce", hook):
        arrives(company, notice(to, "<x@y.example>", contact.email), to)
    assert seen == [(to, contact.email)]
