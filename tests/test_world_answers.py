"""Answers find their document, whatever happened to their headers; who wrote them is not believed
without a reason."""

import uuid
from email.header import Header
from email.message import EmailMessage
from email.utils import make_msgid

import pytest

from machine_room import databases
from machine_room.mailworld import Rewrite


@pytest.fixture(scope="module")
def tokens(company):
    """Return addresses are signed, in this module."""
    company.env.company.alias_domain_id.notify_return_mode = "plus"
    company.commit()


@pytest.fixture
def order(company, tokens):
    """A quotation that the client and Chloé follow, and about which both got a mail."""
    order = company.empty(company.quotation(by="anna"))
    company.follow(order, company.partner, company.users["chloe"])
    company.post(order, "What do you think?", by="anna")
    company.send_queue()
    return order


@pytest.fixture(autouse=True)
def nothing_left(company):
    """Leave nothing in quarantine to the next test."""
    yield
    company.env.cr.rollback()
    left = company.env["notify.intake"].search([("state", "!=", "done")])
    errors = [row.error for row in left if row.state == "waiting"]
    quarantined(company).action_discard()
    left.write({"state": "done"})
    company.commit()
    assert not errors


def return_address(letter):
    return letter["Reply-To"].addresses[0].addr_spec


def posted(company, order, text):
    company.env.invalidate_all()
    return order.sudo().message_ids.filtered(lambda message: text in message.body)


def quarantined(company):
    company.env.invalidate_all()
    return company.env["notify.quarantine"].search([("stage", "=", "open")])


def take(company):
    """Fetch and return the mails that left because of it."""
    with company.letters() as letters:
        company.fetch()
        company.send_queue()
    return sorted(address for entry in letters for address in entry.recipients)


# ------------------------------------------------------------
# TWELVE WAYS TO MANGLE AN ANSWER
# ------------------------------------------------------------


def answer(to, letter, text, thread="good"):
    """Return an answer as a mail program writes it.

    :param letter: id and subject of what it answers
    """
    message = EmailMessage()
    message["From"] = "Mister Client <client@customer.example>"
    message["To"] = to
    message["Subject"] = f"Re: {letter['Subject']}"
    message["Message-ID"] = make_msgid(domain="customer.example")
    parent = letter["Message-ID"] if thread == "good" else make_msgid(domain="relay.example")
    if thread != "none":
        message["In-Reply-To"] = parent
        message["References"] = parent
    message.set_content(text)
    return message


def headers_stripped(to, letter, text):
    return answer(to, letter, text, "none")


def message_id_replaced(to, letter, text):
    return answer(to, letter, text, "foreign")


def references_truncated(to, letter, text):
    message = answer(to, letter, text, "foreign")
    del message["In-Reply-To"]
    message.replace_header("References", "<root@elsewhere.example> <cut@")
    return message


def subject_changed(to, letter, text):
    message = answer(to, letter, text)
    message.replace_header("Subject", "Something else altogether")
    return message


def from_a_phone(to, letter, text):
    message = answer(to, letter, f"{text}\n\nSent from my phone", "none")
    message["X-Mailer"] = "Phone Mail (20H)"
    return message


def forwarded(to, letter, text):
    """A colleague got it sent on, and writes to where the company says it can be reached."""
    message = answer("catchall@company.example", letter, text, "none")
    original = EmailMessage()
    original["Reply-To"] = to
    original["Subject"] = letter["Subject"]
    original.set_content("What do you think?")
    message.replace_header("From", "A Colleague <colleague@customer.example>")
    message.add_attachment(original)
    return message


def to_and_cc_swapped(to, letter, text):
    message = answer("colleague@customer.example", letter, text, "none")
    message["Cc"] = to
    return message


def through_a_group(to, letter, text):
    message = answer("group@customer.example", letter, text, "none")
    message["Delivered-To"] = to
    message["List-Id"] = "<group.customer.example>"
    message["Precedence"] = "list"
    return message


def plus_part_dropped(to, letter, text):
    return answer("catchall@company.example", letter, text)


def address_in_upper_case(to, letter, text):
    return answer(to.upper(), letter, text, "none")


def encoded_subject(to, letter, text):
    message = answer(to, letter, text, "none")
    del message["Subject"]
    message["Subject"] = Header(f"Réponse: {letter['Subject']}", "utf-8").encode()
    return message


def smime_wrapped(to, letter, text):
    message = answer(to, letter, text, "foreign")
    signed = {"smime-type": "signed-data"}
    message.set_content(b"0\x80\x06\x09*\x86H", "application", "pkcs7-mime", params=signed)
    return message


WAYS = [
    headers_stripped,
    message_id_replaced,
    references_truncated,
    subject_changed,
    from_a_phone,
    forwarded,
    to_and_cc_swapped,
    through_a_group,
    plus_part_dropped,
    address_in_upper_case,
    encoded_subject,
    smime_wrapped,
]
#: What Odoo alone brings to the document.
STOCK = {"subject_changed", "plus_part_dropped"}


@pytest.mark.parametrize("mangle", WAYS, ids=lambda mangle: mangle.__name__)
def test_o21_answer_reaches_its_document_however_it_was_mangled(company, order, letter, mangle):
    to = return_address(letter)
    assert to.startswith("catchall+")
    before = order.sudo().message_ids
    message = mangle(to, letter, f"Mangled {mangle.__name__}")
    company.client.deliver(message, envelope_to=["mailbox@company.example"])
    told = take(company)
    company.env.invalidate_all()
    (arrived,) = order.sudo().message_ids - before
    assert arrived.parent_id and not arrived.subtype_id.internal
    assert "chloe@company.example" in told
    assert not any(address.startswith(("catchall", "bounce")) for address in told)
    shown = f"{arrived.incoming_email_to or ''},{arrived.incoming_email_cc or ''}"
    assert "catchall" not in shown, "a return address is offered to nobody as a recipient"


def test_o21_the_same_ways_in_stock_odoo():
    """So that the table above says what it is worth."""
    import odoo
    from odoo.modules.registry import Registry

    from machine_room.company import outside_of_tests

    server = databases.configured()
    name = f"ways_{uuid.uuid4().hex[:8]}"
    server.copy(databases.stock_template(server), name)
    reached = set()
    try:
        with outside_of_tests(), Registry(name).cursor() as cursor:
            env = odoo.api.Environment(cursor, odoo.api.SUPERUSER_ID, {})
            domain = env["mail.alias.domain"].create({"name": "company.example"})
            env.company.alias_domain_id = domain
            document = env["res.partner"].create({"name": "Document"})
            sent = document.message_post(body="What do you think?", subtype_xmlid="mail.mt_comment")
            letter = {"Message-ID": sent.message_id, "Subject": "Document"}
            for mangle in WAYS:
                before = document.message_ids
                message = mangle("catchall@company.example", letter, "Answer")
                try:
                    env["mail.thread"].message_process(False, message.as_bytes())
                except ValueError:
                    continue
                if document.message_ids - before:
                    reached.add(mangle.__name__)
            cursor.rollback()
    finally:
        Registry.delete(name)
        odoo.sql_db.close_db(name)
        server.drop(name)
    assert reached == STOCK


def test_o21_relay_that_rewrites_every_header_loses_no_answer(company, order):
    company.world.relay.rule(Rewrite(message_id="replace", references="strip", in_reply_to="strip"))
    company.post(order, "Through a bad relay", by="anna")
    company.send_queue()
    letter = company.client.wait_for(subject=order.sudo().name)[-1]
    assert "relay.example" in letter["Message-ID"]
    company.client.reply(letter, "All the same", quote=False)
    take(company)
    (message,) = posted(company, order, "All the same")
    assert message.author_id == company.partner
    assert message.parent_id.body == "<p>Through a bad relay</p>", "the very message"


def test_answer_to_a_note_stays_internal(company, order):
    note = company.post(
        order, "Only for us", by="anna", subtype="mail.mt_note", to=[company.users["chloe"]]
    )
    company.send_queue()
    letters = company.people["chloe"].wait_for(subject=order.sudo().name, count=2)
    # She is told of the order as well; the two arrive in any order.
    (letter,) = (letter for letter in letters if "Only for us" in str(letter))
    company.people["chloe"].reply(letter, "Between us", headers="none", quote=False)
    told = take(company)
    (message,) = posted(company, order, "Between us")
    assert message.parent_id == note
    assert message.subtype_id == company.env.ref("mail.mt_note")
    assert "client@customer.example" not in told


# ------------------------------------------------------------
# NOT TO ANY DOCUMENT
# ------------------------------------------------------------


def test_answer_to_a_removed_document_is_kept_and_the_customer_told_nothing(company, order, letter):
    name = order.sudo().name
    order.sudo().state = "cancel"
    order.sudo().unlink()
    company.commit()
    company.client.reply(letter, "Too late", quote=False)
    assert take(company) == []
    (kept,) = quarantined(company)
    assert kept.reason == "gone" and name in kept.subject
    assert "Too late" in kept.preview
    other = company.quotation(by="anna")
    kept.resource_ref = other.sudo()
    kept.action_route()
    company.commit()
    (message,) = posted(company, other, "Too late")
    assert message.author_id == company.partner
    assert (kept.stage, kept.decided_by) == ("routed", company.env.user)


def test_answers_to_removed_documents_go_where_the_company_says(company, order, letter):
    domain = company.env.company.alias_domain_id
    domain.notify_fallback_ref = company.team
    order.sudo().state = "cancel"
    order.sudo().unlink()
    company.commit()
    try:
        company.client.reply(letter, "Is anybody there?", quote=False)
        take(company)
        company.env.invalidate_all()
        assert company.team.message_ids.filtered(lambda entry: "Is anybody" in entry.body)
        assert not quarantined(company)
    finally:
        domain.notify_fallback_ref = False
        company.commit()


def test_changed_return_address_is_kept_and_never_routed(company, order, letter):
    address = return_address(letter)
    local, _at, domain = address.partition("@")
    changed = f"{local[:-1]}{'2' if local[-1] != '2' else '3'}@{domain}"
    # Even with headers that would bring it to the document.
    company.client.reply(letter, "Forged", to=changed, quote=False)
    assert take(company) == []
    assert not posted(company, order, "Forged")
    (kept,) = quarantined(company)
    assert kept.reason == "tampered"
    kept.action_discard()
    assert (kept.stage, kept.raw, kept.outcome) == ("discarded", False, "ignored")
    assert kept.subject and kept.email_from, "the trace stays"
    company.commit()


def test_answer_that_lost_every_trace_is_kept_instead_of_bounced_to_the_customer(
    company, order, letter
):
    message = answer("catchall@company.example", letter, "Nobody knows to what", "foreign")
    company.client.deliver(message, envelope_to=["catchall@company.example"])
    assert take(company) == []
    (kept,) = quarantined(company)
    assert kept.reason == "no_route"
    kept.action_discard()
    company.commit()


# ------------------------------------------------------------
# WHO WROTE IT
# ------------------------------------------------------------


@pytest.mark.parametrize("allowed", [False, True])
def test_answer_from_another_address(company, order, letter, allowed):
    env = company.env
    env["ir.config_parameter"].set_param("notify_routing.answer_from_anywhere", allowed)
    company.commit()
    text = f"From my private address, {allowed}"
    company.client.reply(letter, text, from_address="private@home.example", quote=False)
    take(company)
    (message,) = posted(company, order, text)
    assert message.author_id == (company.partner if allowed else env["res.partner"])
    assert message.notify_received == ("other_address" if allowed else False)
    assert "private@home.example" in message.email_from


def test_nobody_is_taken_for_a_colleague_by_a_return_address(company, order):
    env = company.env
    env["ir.config_parameter"].set_param("notify_routing.answer_from_anywhere", True)
    company.post(order, "For Chloé", by="anna")
    company.send_queue()
    letter = company.people["chloe"].wait_for(subject=order.sudo().name)[-1]
    company.people["chloe"].reply(
        letter, "I am Chloé, really", from_address="thief@elsewhere.example", quote=False
    )
    take(company)
    (message,) = posted(company, order, "I am Chloé")
    assert not message.author_id and not message.notify_received
    env["ir.config_parameter"].set_param("notify_routing.answer_from_anywhere", False)
    company.commit()


@pytest.mark.parametrize(
    ("results", "kept"),
    [
        ("mx.company.example; dmarc=fail header.from=company.example", True),
        ("mx.company.example; dmarc=pass header.from=company.example", False),
        ("mx.elsewhere.example; dmarc=fail header.from=company.example", False),
        (None, False),
    ],
)
def test_employee_whose_mail_fails_dmarc_cannot_post(company, order, results, kept):
    server = company.env["fetchmail.server"].search([], limit=1)
    server.notify_trusted_servers = "mx.company.example"
    company.post(order, "For Chloé", by="anna")
    company.send_queue()
    letter = company.people["chloe"].wait_for(subject=order.sudo().name)[-1]
    text = f"As Chloé {uuid.uuid4().hex}"
    headers = {"Authentication-Results": results} if results else {}
    try:
        company.people["chloe"].reply(letter, text, quote=False, extra_headers=headers)
        take(company)
        assert bool(posted(company, order, text)) is not kept
        if kept:
            (row,) = quarantined(company)
            assert row.reason == "untrusted" and "Chloé" in row.detail
            row.action_accept()
            company.commit()
            (message,) = posted(company, order, text)
            assert message.author_id == company.users["chloe"].partner_id
    finally:
        server.notify_trusted_servers = False
        company.commit()


# ------------------------------------------------------------
# PROGRAMS
# ------------------------------------------------------------

VACATION = {"Auto-Submitted": "auto-replied"}


def test_automatic_answer_is_filed_and_tells_nobody(company, order, letter):
    company.client.reply(letter, "I am away", extra_headers=VACATION, quote=False)
    assert take(company) == []
    (message,) = posted(company, order, "I am away")
    assert message.notify_received == "automatic"
    assert message.subtype_id == company.env.ref("mail.mt_note")
    assert not message.notification_ids


def test_automatic_answer_makes_no_document_and_is_not_answered(company, order):
    env = company.env
    env["mail.alias"].create(
        {
            "alias_name": "leads",
            "alias_model_id": env["ir.model"]._get_id("crm.lead"),
            "alias_domain_id": env.company.alias_domain_id.id,
        }
    )
    company.commit()
    before = env["crm.lead"].search_count([])
    company.client.send("leads@company.example", "Away", "I am away", extra_headers=VACATION)
    company.client.send("catchall@company.example", "Away", "I am away", extra_headers=VACATION)
    assert take(company) == []
    assert env["crm.lead"].search_count([]) == before
    form = {"Auto-Submitted": "auto-generated"}
    company.client.send("leads@company.example", "Form", "I want a boat", extra_headers=form)
    take(company)
    company.env.invalidate_all()
    assert env["crm.lead"].search_count([]) == before + 1, "a form is no answer"


def test_two_autoresponders_get_one_mail_each(company, tokens):
    """One says what it is, the other looks like a person."""
    order = company.empty(company.quotation(by="anna"))
    robots = [
        company.world.customer("vacation@customer.example", "Vacation"),
        company.world.customer("helpdesk@customer.example", "Helpdesk"),
    ]
    partners = company.env["res.partner"].create(
        [{"name": robot.name, "email": robot.address} for robot in robots]
    )
    company.follow(order, *partners)
    company.post(order, "Hello both", by="anna")
    company.send_queue()
    sent = {}
    for _round in range(4):
        for robot in robots:
            got = robot.inbox()
            for letter in got[sent.get(robot.address, 0) :]:
                headers = {"Auto-Submitted": "auto-replied", "Precedence": "bulk"}
                robot.reply(letter, f"Away, {robot.name}", extra_headers=headers, quote=False)
            sent[robot.address] = len(got)
        take(company)
    assert sent == {robot.address: 1 for robot in robots}


def test_program_that_looks_like_a_person_is_silenced_after_a_while(company, order, letter):
    env = company.env
    env["ir.config_parameter"].set_param("notify_routing.loop_budget", 3)
    company.commit()
    try:
        counts = []
        for number in range(5):
            company.client.reply(letter, f"Ticket received ({number})", quote=False)
            counts.append(len([who for who in take(company) if who == "chloe@company.example"]))
        assert counts == [1, 1, 1, 0, 0]
        assert len(posted(company, order, "Ticket received")) == 5, "all of it is there"
    finally:
        env["ir.config_parameter"].set_param("notify_routing.loop_budget", False)
        company.commit()
