"""Mail leaves through the relay, answers come back over IMAP; each leg tells everybody once."""

import pytest


def addresses(letters):
    """Return all envelope recipients, with repetitions."""
    return sorted(address for letter in letters for address in letter.recipients)


@pytest.fixture
def order(company):
    company.send_queue()
    return company.empty(company.quotation(by="anna"))


def test_o6_queue_is_sent_by_the_scheduled_action_in_one_run(company, order):
    company.queue_only()
    company.follow(order, company.partner, company.users["chloe"])
    try:
        with company.letters() as letters:
            message = company.post(order, "In the queue", by="anna")
            waiting = company.env["mail.mail"].search([("mail_message_id", "=", message.id)])
            assert waiting and set(waiting.mapped("state")) == {"outgoing"}
            assert set(message.notification_ids.mapped("notification_status")) == {"ready"}
            company.send_queue()
    finally:
        company.env["ir.config_parameter"].set_param("mail.mail.force.send.limit", "100")
        company.commit()
    assert addresses(letters) == ["chloe@company.example", "client@customer.example"]
    assert set(message.notification_ids.mapped("notification_status")) == {"sent"}


def test_o10_new_quotation_is_followed_by_salesperson_and_team_not_the_customer(company):
    env = company.env
    line = env["notify.subscription"].create(
        {
            "scope": "team",
            "user_id": False,
            "team_id": company.team.id,
            "model_id": env["ir.model"]._get_id("sale.order"),
            "level": "everything",
            "auto_follow": True,
        }
    )
    company.commit()
    try:
        order = company.quotation(by="anna")
        names = set(order.sudo().message_partner_ids.mapped("name"))
        assert names == {"Anna", "Ben", "Chloé"}
        with company.letters() as letters:
            message = company.post(order, "Not for the customer", by="anna")
        assert company.told(message) == {"Ben": "inbox", "Chloé": "both"}
        assert addresses(letters) == ["chloe@company.example"]
    finally:
        line.unlink()
        company.commit()


def test_o14_template_forces_the_responsible_as_sender(company, order):
    template = company.env.ref("sale.email_template_edi_sale")
    action = company.as_user(order, "chloe").action_quotation_send()
    composer = (
        company.as_user(company.env["mail.compose.message"], "chloe")
        .with_context(**action["context"])
        .create({"template_id": template.id})
    )
    with company.letters() as letters:
        composer._action_send_mail()
        company.commit()
    (letter,) = [entry for entry in letters if "client@customer.example" in entry.recipients]
    assert "anna@company.example" in letter.email["From"], "the salesperson's, though Chloé clicked"


@pytest.mark.parametrize("hidden", [True, False])
def test_o15_everyone_gets_their_own_mail_and_externals_do_not_see_the_others(
    company, order, hidden
):
    env = company.env
    second = env["res.partner"].create({"name": "Second", "email": "second@other.example"})
    env["ir.config_parameter"].set_param("notify_routing.hide_recipients", hidden)
    company.follow(order, company.partner, second, company.users["chloe"])
    with company.letters() as letters:
        company.post(order, "To all of you", by="anna")
    assert addresses(letters) == [
        "chloe@company.example",
        "client@customer.example",
        "second@other.example",
    ]
    for letter in letters:
        assert len(letter.recipients) == 1
        assert letter.email["Cc"] is None
        shown = {address.addr_spec for address in letter.email["To"].addresses}
        assert (shown == set(letter.recipients)) is hidden, "Odoo 19 shows the externals in To"


def test_o15_template_that_says_cc_sends_cc(company, order):
    template = company.env["mail.template"].create(
        {
            "name": "With copy",
            "model_id": company.env["ir.model"]._get_id("sale.order"),
            "subject": "Copy",
            "body_html": "<p>Copy</p>",
            "use_default_to": False,
            "email_to": "client@customer.example",
            "email_cc": "boss@customer.example",
        }
    )
    with company.letters() as letters:
        template.send_mail(order.id, force_send=True)
        company.commit()
    assert any("boss@customer.example" in str(letter.email["Cc"]) for letter in letters)


def test_o16_reply_to_is_catchall_and_the_answer_returns_to_the_document(company, order):
    company.follow(order, company.partner)
    company.post(order, "What do you think?", by="anna")
    (letter,) = company.client.wait_for(subject=order.sudo().name)
    assert letter["Reply-To"].addresses[0].addr_spec == "catchall@company.example"
    company.client.reply(letter, "I take it")
    company.fetch()
    answer = order.sudo().message_ids.filtered(lambda message: "I take it" in message.body)
    assert len(answer) == 1
    assert answer.author_id == company.partner
    assert answer.message_type == "email"
    assert answer.parent_id.model == "sale.order" and answer.parent_id.res_id == order.id


def test_o19_each_leg_tells_every_mail_follower_once(company, order):
    """The source's cases 12.1 and 12.2, with followers who are told by e-mail."""
    env = company.env
    ben, chloe = company.users["ben"], company.users["chloe"]
    discussions = env["res.partner"].create(
        {"name": "Only discussions", "email": "b@customer.example"}
    )
    company.follow(order, company.users["anna"], ben, subtypes=["mail.mt_comment", "mail.mt_note"])
    company.follow(order, company.partner, discussions)
    ben.notify_channel = "email"
    company.commit()
    try:
        with company.letters() as first:
            message = company.post(order, "Case 12.1", by="anna")
        assert addresses(first) == [
            "b@customer.example",
            "ben@company.example",
            "client@customer.example",
        ]
        assert company.told(message) == {
            "Ben": "email",
            "Mister Client": "email",
            "Only discussions": "email",
        }
        letter = company.client.wait_for(subject=order.sudo().name)[-1]
        company.client.reply(letter, "Case 12.2")
        with company.letters() as second:
            company.fetch()
            company.send_queue()
        assert addresses(second) == [
            "anna@company.example",
            "b@customer.example",
            "ben@company.example",
        ], "everybody but the author, once"
        answer = order.sudo().message_ids.filtered(lambda entry: "Case 12.2" in entry.body)
        assert set(answer.notification_ids.mapped("notify_event")) == {"reply"}
        assert chloe.partner_id not in answer.notification_ids.res_partner_id
    finally:
        ben.notify_channel = "inbox"
        company.commit()
