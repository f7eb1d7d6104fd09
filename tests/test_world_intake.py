"""Mail on its way in: fetched from Dovecot by uid, stored, routed after, and never lost."""

import threading
from unittest.mock import patch

import pytest

from machine_room.company import outside_of_tests


@pytest.fixture
def order(company):
    """A quotation that the client follows, and of which they got a mail."""
    order = company.empty(company.quotation(by="anna"))
    company.follow(order, company.partner)
    company.post(order, "What do you think?", by="anna")
    company.send_queue()
    return order


@pytest.fixture
def letter(company, order):
    return company.client.wait_for(subject=order.sudo().name)[-1]


@pytest.fixture
def server(company):
    return company.env["fetchmail.server"].search([], limit=1)


def posted(company, order, text):
    order.invalidate_recordset()
    return order.sudo().message_ids.filtered(lambda message: text in message.body)


def mailbox(company, name="odoo"):
    client = company.world.dovecot.connect(name)
    client.select("INBOX")
    return client


def rows(company, *domain):
    company.env.invalidate_all()
    return company.env["notify.intake"].search(list(domain))


def test_o7_message_that_a_person_opened_is_still_imported(company, order, letter):
    company.client.reply(letter, "Before anybody looked")
    company.fetch()
    company.client.reply(letter, "Somebody looked first")
    with mailbox(company) as client:
        client.store("1:*", "+FLAGS", r"\Seen")
    company.fetch()
    assert len(posted(company, order, "Somebody looked first")) == 1
    company.fetch()
    assert len(posted(company, order, "Somebody looked first")) == 1
    assert len(posted(company, order, "Before anybody looked")) == 1


def test_o7_first_fetch_takes_what_is_unread_and_leaves_years_of_old_mail(
    company, order, letter, server
):
    company.client.reply(letter, "Old and read", to="old@company.example")
    with mailbox(company) as client:
        client.store("1:*", "+FLAGS", r"\Seen")
    company.client.reply(letter, "Unread so far")
    server.notify_position = False
    company.fetch()
    assert not posted(company, order, "Old and read")
    assert len(posted(company, order, "Unread so far")) == 1
    assert server.notify_position["next"] > 1


def test_mail_is_marked_as_seen_only_when_it_is_stored(company, order, letter):
    company.client.reply(letter, "Cannot be stored")
    broken = patch.object(
        company.registry["notify.intake"], "_store", side_effect=OSError("No space left on device")
    )
    with broken:
        company.fetch()
    with mailbox(company) as client:
        assert client.search(None, "UNSEEN")[1][0].split()
    assert not posted(company, order, "Cannot be stored")
    company.fetch()
    assert len(posted(company, order, "Cannot be stored")) == 1
    with mailbox(company) as client:
        assert not client.search(None, "UNSEEN")[1][0].split()


def test_new_uids_bring_nothing_twice_and_lose_nothing(company, order, letter, server):
    company.client.reply(letter, "Known before")
    company.fetch()
    company.client.reply(letter, "Came with the change")
    with mailbox(company) as client:
        client.store("1:*", "+FLAGS", r"\Seen")
    server.notify_position = {**server.notify_position, "validity": 1}
    company.commit()
    company.fetch()
    assert len(posted(company, order, "Known before")) == 1
    assert len(posted(company, order, "Came with the change")) == 1


def test_poison_message_is_set_aside_and_the_others_arrive(company, order, letter):
    company.client.reply(letter, "Poison")
    company.client.reply(letter, "Healthy")
    original = company.registry["mail.thread"].message_route

    def route(self, message, message_dict, *args, **kwargs):
        if "Poison" in message_dict["body"]:
            raise ZeroDivisionError("as a bug somewhere would")
        return original(self, message, message_dict, *args, **kwargs)

    with patch.object(company.registry["mail.thread"], "message_route", route):
        company.fetch()
        assert len(posted(company, order, "Healthy")) == 1
        (poison,) = rows(company, ("state", "=", "waiting"))
        assert poison.tries == 1 and "ZeroDivisionError" in poison.error
        for _try in range(2):
            rows(company, ("state", "=", "waiting")).next_try = "2020-01-01"
            company.fetch()
    (kept,) = company.env["notify.quarantine"].search([("stage", "=", "open")])
    assert kept.reason == "failed" and kept.tries == 3
    assert "Poison" in kept.preview
    kept.action_replay()
    company.commit()
    assert kept.stage == "routed"
    assert len(posted(company, order, "Poison")) == 1


def test_alias_that_cannot_make_a_document_keeps_the_message_and_tells_the_customer_nothing(
    company,
):
    env = company.env
    alias = env["mail.alias"].create(
        {
            "alias_name": "boats",
            "alias_model_id": env["ir.model"]._get_id("crm.lead"),
            "alias_domain_id": env.company.alias_domain_id.id,
        }
    )
    company.commit()
    company.client.send("boats@company.example", "A boat, please", "A red one")
    new = patch.object(company.registry["crm.lead"], "message_new", side_effect=ValueError("bug"))
    with new, company.letters() as letters:
        for _try in range(3):
            company.fetch()
            rows(company, ("state", "=", "waiting")).next_try = "2020-01-01"
    assert letters == []
    (kept,) = env["notify.quarantine"].search([("subject", "=", "A boat, please")])
    assert kept.reason == "failed" and "bug" in kept.detail
    kept.action_replay()
    company.commit()
    assert env["crm.lead"].search([("name", "=", "A boat, please")])
    assert alias.alias_status == "valid"


def test_worker_that_is_killed_leaves_the_message_to_the_next_one(company, order, letter):
    company.client.reply(letter, "Killed with it")
    Intake = company.registry["notify.intake"]
    with (
        patch.object(Intake, "_work_one", side_effect=KeyboardInterrupt),
        pytest.raises(KeyboardInterrupt),
    ):
        company.env["fetchmail.server"].search([])._fetch_mail()
    company.env.cr.rollback()
    (row,) = rows(company, ("state", "=", "waiting"))
    assert row.tries == 1
    company.fetch()
    assert not posted(company, order, "Killed with it"), "its lease still runs"
    row.next_try = "2020-01-01"
    company.fetch()
    assert len(posted(company, order, "Killed with it")) == 1


def test_two_workers_post_each_message_once(company, order, letter):
    names = [f"Number {number} of many." for number in range(12)]
    for name in names:
        company.client.reply(letter, name, quote=False)
    with patch.object(company.registry["notify.intake"], "_cron_work"):
        company.fetch()
    assert len(rows(company, ("state", "=", "waiting"))) == len(names)

    def work():
        import odoo

        with outside_of_tests(), company.registry.cursor() as cr:
            odoo.api.Environment(cr, odoo.SUPERUSER_ID, {})["notify.intake"]._work()

    with patch("odoo.addons.notify_routing.models.intake.notify_intake.CLAIM", 2):
        workers = [threading.Thread(target=work) for _worker in range(3)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
    for _again in range(3):
        # Two that answer on one document at the same moment: the second is tried again.
        company.env.cr.rollback()
        rows(company, ("state", "=", "waiting")).next_try = "2020-01-01"
        company.commit()
        company.fetch()
    assert [len(posted(company, order, name)) for name in names] == [1] * len(names)


def test_pop_deletes_only_what_is_stored(company, order, letter, server):
    if not company.world.dovecot.pop3_port:
        pytest.skip("Dovecot has no POP3 server here")
    dovecot = company.world.dovecot
    server.active = False
    pop = server.copy(
        {
            "name": "POP",
            "server_type": "pop",
            "port": dovecot.pop3_port,
            "user": "pop",
            "password": dovecot.password,
            "active": True,
            "state": "done",
        }
    )
    company.world.maildirs.owners["pop@company.example"] = "pop"
    company.commit()
    try:
        company.client.reply(letter, "By POP", cc="pop@company.example")
        with patch.object(
            company.registry["notify.intake"], "_store", side_effect=OSError("No space left")
        ):
            pop._fetch_mail()
        assert len(company.world.maildirs.messages("pop")) == 1
        pop._fetch_mail()
        assert len(posted(company, order, "By POP")) == 1
        assert not company.world.maildirs.messages("pop")
    finally:
        pop.unlink()
        server.active = True
        company.commit()


def test_mailbox_in_trouble_alarms_once_is_tried_again_and_never_switched_off(
    company, order, letter, server
):
    port = server.port
    server.port = company.world.relay.port
    company.commit()
    try:
        with company.letters():
            company.fetch()
            company.fetch()
        assert server.state == "done" and server.notify_trouble_since
        managers = company.env.ref("notify_routing.group_notify_manager").all_user_ids
        assert server.notify_alarm_ids.user_id == managers.filtered("active")
        assert len(server.notify_alarm_ids) == len(server.notify_alarm_ids.user_id)
        assert "Mailbox" in server.notify_alarm_ids[0].summary
        # Stock switches a mailbox off after five days.
        server.error_date = "2020-01-01 00:00:00"
        company.fetch()
        assert server.state == "done"
    finally:
        server.port = port
        company.commit()
    company.client.reply(letter, "When it could be read again")
    company.fetch()
    assert len(posted(company, order, "When it could be read again")) == 1
    assert not server.notify_trouble_since and not server.notify_alarm_ids


def test_mail_that_belongs_nowhere_is_kept_with_the_reason(company, order):
    company.client.send("nobody@company.example", "Is anybody there?", "Hello")
    company.fetch()
    (kept,) = company.env["notify.quarantine"].search([("subject", "=", "Is anybody there?")])
    assert (kept.reason, kept.stage) == ("no_route", "open")
    assert kept.company_id == company.env.company
    kept.resource_ref = order.sudo()
    kept.action_route()
    company.commit()
    (message,) = posted(company, order, "Hello")
    assert message.author_id == company.partner
    assert kept.mail_message_id == message and not kept.raw
