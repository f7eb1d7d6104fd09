"""One message, and what each person gets of it: over SMTP, in the inbox, or both."""

import pytest


def mention(user):
    """Return the body of a message that mentions a user, as the composer writes it."""
    from markupsafe import Markup

    return Markup('<p><a href="#" data-oe-model="res.partner" data-oe-id="%s">@%s</a></p>') % (
        user.partner_id.id,
        user.name,
    )


def addresses(letters):
    """Return all envelope recipients, with repetitions."""
    return sorted(address for letter in letters for address in letter.recipients)


def test_o1_new_follower_internal_and_external_get_discussions(company):
    order = company.empty(company.quotation(by="anna"))
    company.follow(order, company.users["anna"], company.partner)
    with company.letters() as letters:
        company.post(order, "For everybody", by="chloe")
    assert addresses(letters) == ["anna@company.example", "client@customer.example"]
    with company.letters() as letters:
        company.post(order, "Between us", by="chloe", subtype="mail.mt_note")
    assert addresses(letters) == []


def test_o4_three_users_three_results(company):
    order = company.empty(company.quotation(by="anna"))
    company.follow(order, *company.users.values())
    with company.letters() as letters:
        message = order.with_user(company.env.ref("base.user_admin")).message_post(
            body="Good morning", message_type="comment", subtype_xmlid="mail.mt_comment"
        )
        company.commit()
    assert company.told(message.sudo()) == {"Anna": "email", "Ben": "inbox", "Chloé": "both"}
    assert addresses(letters) == ["anna@company.example", "chloe@company.example"]
    assert [company.unread(login, message) for login in ("anna", "ben", "chloe")] == [
        False,
        True,
        True,
    ]
    row = message.sudo().notification_ids.filtered("notify_in_app")
    assert len(row) == 1 and row.notification_status == "sent", (
        "the one row follows the mail's fate"
    )
    company.as_user(message, "chloe").set_message_done()
    company.commit()
    assert not company.unread("chloe", message)


def test_o4_both_keeps_the_inbox_when_the_relay_refuses(company):
    from machine_room.mailworld import Refuse

    order = company.empty(company.quotation(by="anna"))
    company.follow(order, company.users["chloe"])
    company.world.relay.rule(Refuse("550 5.1.1 no such user", recipient="chloe@*"))
    message = company.post(order, "You will not read this by mail", by="anna")
    assert message.notification_ids.notification_status == "exception"
    assert company.unread("chloe", message)


def test_o4_preference_of_one_document_type_wins(company):
    env = company.env
    order = company.empty(company.quotation(by="anna"))
    preference = env["notify.preference"].create(
        {
            "user_id": company.users["ben"].id,
            "model_id": env["ir.model"]._get_id("sale.order"),
            "channel": "email",
        }
    )
    company.commit()
    company.follow(order, company.users["ben"])
    company.follow(company.partner, company.users["ben"])
    try:
        assert company.told(company.post(order, "Order", by="anna")) == {"Ben": "email"}
        assert company.told(company.post(company.partner, "Contact", by="anna"))["Ben"] == "inbox"
    finally:
        preference.unlink()
        company.empty(company.partner)


def test_o5_externals_get_mail_only(company):
    env = company.env
    portal = env["res.users"].with_context(no_reset_password=True).create(
        {
            "name": "Portal",
            "login": "portal",
            "email": "portal@customer.example",
            "group_ids": [(6, 0, env.ref("base.group_portal").ids)],
        }
    )  # fmt: skip
    order = company.empty(company.quotation(by="anna"))
    company.follow(order, portal, company.partner)
    with company.letters() as letters:
        message = company.post(order, "Hello outside", by="anna")
    assert company.told(message) == {"Portal": "email", "Mister Client": "email"}
    assert addresses(letters) == ["client@customer.example", "portal@customer.example"]
    with pytest.raises(Exception, match=r"external user"), env.cr.savepoint():
        env["notify.preference"].create({"user_id": portal.id, "channel": "both"})


def test_o11_message_reaches_exactly_the_followers_of_discussions(company):
    order = company.empty(company.quotation(by="anna"))
    company.follow(order, company.users["chloe"], company.partner, company.users["anna"])
    company.follow(order, company.users["ben"], subtypes=["mail.mt_note"])
    message = company.post(order, "To the followers", by="anna")
    assert company.told(message) == {"Chloé": "both", "Mister Client": "email"}
    note = company.post(order, "A note", by="chloe", subtype="mail.mt_note")
    assert company.told(note) == {"Ben": "inbox"}


def test_o18_mention_reaches_whatever_the_subscription_and_makes_a_follower(company):
    order = company.empty(company.quotation(by="anna"))
    ben = company.users["ben"]
    message = company.post(order, mention(ben), by="anna", subtype="mail.mt_note", to=[ben])
    assert company.told(message) == {"Ben": "inbox"}
    assert message.notification_ids.notify_reason == "mention"
    follower = company.env["mail.followers"].search(
        [("res_model", "=", "sale.order"), ("res_id", "=", order.id)]
    )
    assert follower.partner_id == ben.partner_id
    assert company.env.ref("mail.mt_note") not in follower.subtype_ids, (
        "told of the note all the same"
    )


def test_o18_mention_reaches_who_muted_the_document(company):
    order = company.empty(company.quotation(by="anna"))
    ben = company.users["ben"]
    company.as_user(company.env["notify.bell"], "ben").set_bell("sale.order", order.id, "mute")
    company.commit()
    assert company.told(company.post(order, "Not for Ben", by="anna")) == {}
    assert company.told(company.post(order, mention(ben), by="anna", to=[ben])) == {"Ben": "inbox"}
    assert (
        company.as_user(company.env["notify.bell"], "ben").read_bell("sale.order", order.id)[
            "level"
        ]
        == "mute"
    )


@pytest.mark.parametrize(
    ("setting", "followers"),
    [
        ("everybody", {"Mister Client", "Anna"}),
        ("mentioned", {"Anna"}),
        ("nobody", {"Anna"}),
    ],
)
def test_o13_composer_recipients_become_followers_or_not(company, setting, followers):
    env = company.env
    order = company.empty(company.quotation(by="anna"))
    env["ir.config_parameter"].set_param("notify_routing.recipients_follow", setting)
    # The customer of an order follows by stock's own doing; another contact shows the setting.
    other = env["res.partner"].create({"name": "Other", "email": "other@customer.example"})
    company.commit()
    try:
        composer = company.as_user(env["mail.compose.message"], "anna").with_context(
            default_model="sale.order",
            default_res_ids=order.ids,
            default_partner_ids=other.ids,
            default_subtype_xmlid="mail.mt_comment",
        )
        with company.letters() as letters:
            composer.create({"body": "Offer", "subject": "Offer"})._action_send_mail()
            company.commit()
    finally:
        env["ir.config_parameter"].set_param("notify_routing.recipients_follow", "mentioned")
        company.commit()
    assert addresses(letters) == ["other@customer.example"], "told in every case"
    expected = {name.replace("Mister Client", "Other") for name in followers}
    assert set(order.sudo().message_partner_ids.mapped("name")) == expected
