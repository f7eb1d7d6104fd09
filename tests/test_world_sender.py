"""From, its name, Reply-To, envelope and server, as the relay sees them."""

import pytest

from machine_room.mailworld import ForeignFrom, Refuse


@pytest.fixture
def order(company):
    order = company.empty(company.quotation(by="anna"))
    company.follow(order, company.partner)
    return order


@pytest.fixture
def sender(company):
    """Make senders that are gone after the test."""
    Sender = company.env["notify.sender"]

    def make(**values):
        made = Sender.create({"name": "Policy", "mode": "person", **values})
        company.commit()
        return made

    yield make
    company.env.cr.rollback()
    Sender.search([("active", "in", (True, False))]).unlink()
    company.commit()


@pytest.fixture(scope="module")
def second(company, world):
    """A second company with a relay, a server and a domain of its own."""
    env, relay = company.env, world.add_relay()
    domain = env["mail.alias.domain"].create({"name": "second.example"})
    other = env["res.company"].create({"name": "Second", "alias_domain_id": domain.id})
    server = env["ir.mail_server"].create(
        {
            "name": "Second",
            "smtp_host": relay.host,
            "smtp_port": relay.port,
            "smtp_encryption": "none",
            "sequence": 99,
        }
    )
    company.users["anna"].company_ids |= other
    company.commit()
    return other, server, relay


def alert(company, document):
    """Post what the system says of a document, to the client."""
    document.sudo().message_post(
        body="The deadline is near",
        message_type="notification",
        subtype_xmlid="mail.mt_comment",
        partner_ids=company.partner.ids,
    )
    company.commit()


def document_of(company, owner):
    document = company.env["res.partner"].create({"name": "Item", "company_id": owner.id})
    company.follow(document, company.partner)
    return document


def only(letters):
    (letter,) = letters
    return letter


def test_k1_person_to_person_mail_comes_from_the_persons_own_address(company, order, sender):
    sender(kind="person")
    with company.letters() as letters:
        message = company.post(order, "From me to you", by="anna")
    letter = only(letters)
    assert letter.email["From"].addresses[0].addr_spec == "anna@company.example"
    assert letter.mail_from == "bounce@company.example"
    assert letter.email["X-Notify-Sender"] is None
    assert message.author_id == company.users["anna"].partner_id


def test_k2_k3_two_companies_two_from_addresses_two_servers_no_crossing(company, sender, second):
    other, server, relay = second
    first = company.env.company
    sender(company_id=other.id, server_id=server.id)
    sender(
        company_id=first.id, kind="alert", mode="fixed", address="alerts@company.example",
        name_pattern="%(company)s",
    )  # fmt: skip
    sender(
        company_id=other.id, kind="alert", mode="fixed", address="alerts@second.example",
        name_pattern="%(company)s", server_id=server.id,
    )  # fmt: skip
    ours, theirs = document_of(company, first), document_of(company, other)
    before = len(relay.journal)
    with company.letters() as letters:
        alert(company, ours)
        alert(company, theirs)
        company.post(ours, "Ours", by="anna")
        company.post(
            theirs.with_context(allowed_company_ids=[first.id, other.id]), "Theirs", by="anna"
        )
    crossed = [entry for entry in relay.journal[before:] if entry.accepted]
    assert [letter.email["From"].addresses[0].addr_spec for letter in letters] == [
        "alerts@company.example",
        "anna@company.example",
    ]
    assert [letter.email["From"].addresses[0].addr_spec for letter in crossed] == [
        "alerts@second.example",
        "anna@company.example",
    ]
    assert [letter.email["From"].addresses[0].display_name for letter in crossed[:1]] == ["Second"]


@pytest.mark.parametrize(
    ("preset", "person", "alerts", "envelope"),
    [
        ("host", "anna@company.example", "mail@company.example", "bounce@company.example"),
        ("shared", "mail@company.example", "mail@company.example", "mail@company.example"),
        ("hosted", "mail@company.example", "mail@company.example", "mail@company.example"),
        ("relay", "anna@company.example", "mail@company.example", "bounce@company.example"),
    ],
)
def test_k5_four_set_ups(company, world, order, sender, preset, person, alerts, envelope):
    relay = world.add_relay(logins={"login": "secret"})
    wizard = company.env["notify.sender.start"].create(
        {
            "preset": preset,
            "address": "mail@company.example",
            "smtp_host": relay.host,
            "smtp_port": relay.port,
            "smtp_encryption": "none",
            "smtp_user": "login",
            "smtp_pass": "secret",
        }
    )
    wizard.action_start()
    company.post(order, "From a person", by="anna")
    alert(company, order)
    by_person, by_system = relay.journal
    for letter, address in ((by_person, person), (by_system, alerts)):
        assert letter.accepted and letter.user == "login"
        assert letter.email["From"].addresses[0].addr_spec == address
        assert letter.mail_from == envelope
    if person != "anna@company.example":
        assert by_person.email["From"].addresses[0].display_name == "Anna via Company"


@pytest.mark.parametrize("scope", ["company", "server"])
def test_n5_default_sender_names_the_author_and_answers_reach_them(company, order, sender, scope):
    server = company.env["ir.mail_server"].search([("name", "=", "Relay")])
    sender(
        mode="on_address",
        address="default@company.example",
        **({"company_id": company.env.company.id} if scope == "company" else {}),
        **({"via_server_id": server.id} if scope == "server" else {}),
    )
    company.post(order, f"Always the default: {scope}", by="anna")
    letter = company.client.wait_for(subject=order.sudo().name)[-1]
    (shown,) = letter["From"].addresses
    assert (shown.display_name, shown.addr_spec) == ("Anna via Company", "default@company.example")
    company.follow(order, company.users["anna"])
    with company.letters() as letters:
        company.client.reply(letter, f"Answer by {scope}")
        company.fetch()
        company.send_queue()
    assert ["anna@company.example"] in [letter.recipients for letter in letters]


def test_n6_test_mail_is_sent_and_recorded(company, sender, world):
    env = company.env
    server = env["ir.mail_server"].search([("name", "=", "Relay")])
    policy = sender(mode="fixed", address="mail@company.example", name_pattern="%(company)s")
    chloe = company.users["chloe"]
    chloe.group_ids |= env.ref("notify_routing.group_notify_manager") | env.ref("base.group_system")
    with company.letters() as letters:
        company.as_user(policy, "chloe").action_send_test()
        company.as_user(server, "chloe").action_notify_send_test()
        company.commit()
    assert [letter.recipients for letter in letters] == [["chloe@company.example"]] * 2
    assert letters[0].email["From"].addresses[0].addr_spec == "mail@company.example"
    assert "took the test to chloe@company.example" in policy.message_ids[0].body
    assert "took the test" in server.notify_test_result
    world.relay.rule(Refuse("550 5.7.1 not from you", at="MAIL"))
    told = company.as_user(policy, "chloe").action_send_test()
    assert told["params"]["type"] == "danger"
    assert "5.7.1 not from you" in policy.message_ids[0].body


def test_n7_invitations_and_templates_follow_the_policy(company, order, sender):
    env = company.env
    sender(kind="template", mode="fixed", address="noreply@company.example", name_pattern="Desk")
    with company.letters() as letters:
        env["res.users"].create(
            {"name": "Newcomer", "login": "new@company.example", "email": "new@company.example"}
        )
        company.commit()
        company.send_queue()
    letter = only([letter for letter in letters if letter.recipients == ["new@company.example"]])
    shown = letter.email["From"].addresses[0]
    assert (shown.display_name, shown.addr_spec) == ("Desk", "noreply@company.example")


def test_o14_responsible_is_the_sender_whoever_wrote(company, order, sender):
    sender(mode="responsible", model_id=company.env["ir.model"]._get_id("sale.order"))
    with company.letters() as letters:
        message = company.post(order, "Written by Chloé", by="chloe")
    assert only(letters).email["From"].addresses[0].addr_spec == "anna@company.example"
    assert message.email_from == company.users["chloe"].email_formatted, "the chatter tells all"
    assert message.author_id == company.users["chloe"].partner_id


def test_o20_from_that_the_relay_refuses_becomes_a_validated_address(company, world, order, sender):
    company.users["anna"].email = "anna@private.example"
    sender(address="mail@company.example", name_pattern="%(author)s via %(company)s")
    rule = world.relay.rule(ForeignFrom(["company.example"]))
    try:
        with company.letters() as letters:
            company.post(order, "From my private address", by="anna")
        letter = only(letters)
        shown = letter.email["From"].addresses[0]
        assert (shown.display_name, shown.addr_spec) == ("Anna via Company", "mail@company.example")
        assert letter.mail_from == "bounce@company.example"
        assert rule.hits == 0
    finally:
        company.users["anna"].email = "anna@company.example"
        company.commit()


@pytest.mark.parametrize(
    "name", ['Anna" <x@y.example>, "B', "Änna =?utf-8?q?x?=", "Anna\r\nBcc: all@else.example"]
)
def test_no_header_comes_in_by_a_name(company, order, sender, name):
    sender(mode="on_address", address="mail@company.example")
    anna = company.users["anna"].partner_id
    company.env.cr.execute("UPDATE res_partner SET name = %s WHERE id = %s", (name, anna.id))
    company.commit()
    try:
        with company.letters() as letters:
            company.post(order, "Who am I?", by="anna")
        if "\n" in name:
            assert not letters, "Odoo itself sends nothing with a line end in its From"
            return
        letter = only(letters)
        assert letter.recipients == ["client@customer.example"]
        assert letter.email["Bcc"] is None
        assert [shown.addr_spec for shown in letter.email["From"].addresses] == [
            "mail@company.example"
        ]
    finally:
        anna.name = "Anna"
        company.commit()


def test_o16_reply_to_and_sender_go_together(company, order, sender):
    sender(mode="on_address", address="mail@company.example")
    domain = company.env.company.alias_domain_id
    domain.notify_return_mode = "plus"
    company.commit()
    try:
        with company.letters() as letters:
            message = company.post(order, "Answer here", by="anna")
        reading = company.env["notify.return.address"]._read(str(only(letters).email["Reply-To"]))
        assert reading["message_id"] == message.id
        assert reading["partner_id"] == company.partner.id
    finally:
        domain.notify_return_mode = "plain"
        company.commit()
