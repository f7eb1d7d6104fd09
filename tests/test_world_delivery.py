"""The queue in the mail world: what servers answer, what crashes leave, and nothing is lost."""

from contextlib import contextmanager
from datetime import timedelta

import pytest

from odoo.exceptions import UserError

from odoo.addons.base.models.ir_mail_server import MailDeliveryException
from odoo.addons.notify_routing.models.delivery import courier
from odoo.addons.notify_routing.models.delivery.journal import Journal

from machine_room.mailworld import Drop, Refuse


@pytest.fixture(autouse=True)
def queue(company):
    """Let mail wait for the scheduled action, on an empty queue with a server that works."""
    company.queue_only()
    env = company.env
    env["notify.delivery"].search([]).unlink()
    env["mail.mail"].search([]).unlink()
    env["ir.mail_server"].search([]).action_notify_resume()
    company.commit()
    yield
    env.cr.rollback()
    for name in ("background_sending", "hold_doubt", "retry_hours", "storm_limit"):
        env["ir.config_parameter"].set_param(f"notify_routing.{name}", False)
    env["ir.config_parameter"].set_param("mail.mail.force.send.limit", "100")
    company.commit()


def people(company, count, domain="customer.example"):
    """Make customers, none of whom has a mailbox."""
    return company.env["res.partner"].create(
        [{"name": f"Customer {number}", "email": f"p{number}@{domain}"} for number in range(count)]
    )


def rows(company, **values):
    domain = [(name, "=", value) for name, value in values.items()]
    company.env.invalidate_all()
    return company.env["notify.delivery"].search(domain, order="id")


def time_passes(company, period=timedelta(days=1)):
    """Let whatever waits be due, by setting its dates back."""
    company.env.cr.execute(
        """
        UPDATE mail_mail SET scheduled_date = scheduled_date - %(period)s;
        UPDATE notify_delivery SET date_next = date_next - %(period)s,
               date = date - %(period)s, date_first = date_first - %(period)s;
        UPDATE ir_mail_server SET notify_broken_until = notify_broken_until - %(period)s;
        """,
        {"period": period},
    )
    company.commit()


def mails(company, message):
    company.env.invalidate_all()
    return company.env["mail.mail"].search([("mail_message_id", "=", message.id)])


def addresses(letters):
    return sorted(address for letter in letters for address in letter.recipients)


# ------------------------------------------------------------
# SENT
# ------------------------------------------------------------


def test_n7_invitations_passwords_and_templates_are_in_the_same_ledger(company, order):
    env = company.env
    rule = company.world.relay.rule(Refuse("550 5.1.1 unknown", at="RCPT", recipient="gone@*"))
    # Mails of an account leave at once, even where others wait for the queue.
    users = env["res.users"].create(
        [
            {
                "name": name.title(),
                "login": f"{name}@ledger.example",
                "email": f"{name}@ledger.example",
            }
            for name in ("here", "gone")
        ]
    )
    company.commit()
    company.send_queue()
    invited = {row.email: (row.state, row.code) for row in rows(company)}
    assert invited == {
        "here@ledger.example": ("sent", 250),
        "gone@ledger.example": ("failed", 550),
    }
    assert rule.hits == 1
    users[0].action_reset_password()
    env.ref("sale.email_template_edi_sale").send_mail(order.id)
    order.message_post_with_source("sale.email_template_edi_sale", partner_ids=company.partner.ids)
    company.commit()
    company.send_queue()
    ledger = rows(company, state="sent")
    assert len(ledger.filtered(lambda row: row.email == "here@ledger.example")) == 2
    receipts = ledger.filtered(lambda row: row.email == "client@customer.example")
    assert len(receipts) == 2 and set(receipts.mapped("code")) == {250}
    trail = env["notify.trail"].search([("stage", "=", "delivery")])
    assert {(row.email, row.state) for row in trail} >= {
        ("here@ledger.example", "sent"),
        ("gone@ledger.example", "exception"),
        ("client@customer.example", "sent"),
    }


def test_o6_o22_due_mails_leave_in_one_run_and_the_answer_is_kept(company, order):
    partners = people(company, 120)
    with company.letters() as letters:
        message = company.post(order, "To all", by="anna", to=partners)
        assert not rows(company), "a post costs nothing more"
        company.send_queue()
    assert addresses(letters) == sorted(partners.mapped("email"))
    sent = rows(company)
    assert set(sent.mapped("state")) == {"sent"}
    assert sorted(sent.mapped("email")) == sorted(partners.mapped("email"))
    assert set(sent.mapped("code")) == {250} and "queued as" in sent[0].reply
    assert sent[0].enhanced == "2.0.0"
    assert set(sent.mapped("mail_message_id")) == set(message)
    assert (sent.mapped("res_model")[0], sent[0].res_id) == ("sale.order", order.id)
    assert all(row.date_sent and row.date_first and row.attempts == 1 for row in sent)
    assert not sent.mail_mail_id, "Odoo deleted the mails, and no link leads nowhere"
    assert not mails(company, message)
    assert set(message.notification_ids.mapped("notification_status")) == {"sent"}
    assert company.world.relay.connections <= 8


def test_mail_of_its_own_and_what_a_person_wrote_leave_before_the_rest(company, order):
    env = company.env
    values = {"email_from": "anna@company.example", "body_html": "<p>x</p>"}
    for number, kind in enumerate(("digest", "auto_comment", "comment", None)):
        if kind == "digest":
            env["mail.mail"].with_context(notify_mail_class="digest").create(
                {**values, "email_to": "digest@a.example"}
            )
        elif kind:
            message = env["mail.message"].create({"message_type": kind, "body": "x"})
            env["mail.mail"].create(
                {**values, "mail_message_id": message.id, "email_to": f"{kind}@a.example"}
            )
        else:
            env["mail.mail"].create({**values, "email_to": f"own{number}@a.example"})
    env["ir.mail_server"].search([]).notify_sessions = 1
    company.commit()
    with company.letters() as letters:
        company.send_queue()
    env["ir.mail_server"].search([]).notify_sessions = 8
    company.commit()
    order_of = [letter.recipients[0].partition("@")[0] for letter in letters]
    assert order_of == ["comment", "own3", "auto_comment", "digest"]


def test_every_hook_of_other_addons_is_called_for_every_mail(company, order, monkeypatch):
    Mail, Server = type(company.env["mail.mail"]), type(company.env["ir.mail_server"])
    called = []

    def spy(model, name):
        origin = getattr(model, name)

        def hook(self, *args, **kwargs):
            called.append(name)
            return origin(self, *args, **kwargs)

        monkeypatch.setattr(model, name, hook)

    for name in ("_prepare_outgoing_list", "_postprocess_sent_message"):
        spy(Mail, name)
    for name in ("_build_email__", "send_email", "_prepare_email_message__", "_alter_message__"):
        spy(Server, name)
    for number in range(3):
        company.post(order, f"Message {number}", by="anna", to=people(company, 1))
    called.clear()
    company.send_queue()
    # Once for each group of results; how large those are is a matter of the machine's speed.
    assert 1 <= called.count("_postprocess_sent_message") <= 3
    each = set(called) - {"_postprocess_sent_message"}
    assert {name: called.count(name) for name in each} == {
        "_prepare_outgoing_list": 3,
        "_build_email__": 3,
        "send_email": 3,
        "_prepare_email_message__": 3,
        "_alter_message__": 3,
    }


# ------------------------------------------------------------
# REFUSED
# ------------------------------------------------------------


def test_temporary_refusal_is_tried_again_with_the_same_message_id(company, order):
    relay = company.world.relay
    relay.rule(Refuse("451 4.3.2 try again", at="END", times=1))
    message = company.post(order, "Patience", by="anna", to=people(company, 1))
    company.send_queue()
    (row,) = rows(company)
    assert (row.state, row.code, row.enhanced) == ("retrying", 451, "4.3.2")
    assert row.date_next > row.date_last
    assert mails(company, message).state == "outgoing"
    assert message.notification_ids.notification_status == "ready"
    company.send_queue()
    assert len(relay.journal) == 1, "it is not due yet"
    time_passes(company, timedelta(minutes=2))
    company.send_queue()
    assert rows(company) == row
    assert (row.state, row.attempts, row.code) == ("sent", 2, 250)
    assert "451 4.3.2 try again" in row.history
    assert message.notification_ids.notification_status == "sent"
    first, second = relay.journal
    assert first.email["Message-Id"] == second.email["Message-Id"] == row.message_id


def test_mail_that_is_refused_for_days_fails_with_its_history(company, order):
    company.world.relay.rule(Refuse("450 4.2.1 mailbox busy", at="RCPT"))
    message = company.post(order, "In vain", by="anna", to=people(company, 1))
    for _day in range(3):
        company.send_queue()
        time_passes(company)
    company.send_queue()
    (row,) = rows(company)
    assert row.state == "failed" and len(row.history.splitlines()) == 3
    assert mails(company, message).state == "exception"
    notification = message.notification_ids
    assert notification.notification_status == "exception"
    assert "mailbox busy" in notification.failure_reason


def test_o22_final_refusal_fails_at_once_for_that_person_only(company, order):
    company.world.relay.rule(Refuse("550 5.1.1 no such user", at="RCPT", recipient="p1@*"))
    partners = people(company, 3)
    message = company.post(order, "To three", by="anna", to=partners)
    with company.letters() as letters:
        company.send_queue()
    assert addresses(letters) == ["p0@customer.example", "p2@customer.example"]
    status = {
        row.res_partner_id: (row.notification_status, row.failure_type)
        for row in message.notification_ids
    }
    assert status[partners[1]] == ("exception", "mail_email_invalid")
    assert status[partners[0]][0] == status[partners[2]][0] == "sent"
    (row,) = rows(company, state="failed")
    assert (row.email, row.code, row.enhanced) == ("p1@customer.example", 550, "5.1.1")
    assert row.reply == "5.1.1 no such user"
    time_passes(company)
    with company.letters() as letters:
        company.send_queue()
    assert not letters
    with pytest.raises(UserError, match="address"):
        row.action_retry()


def test_an_addon_that_overrides_send_email_sees_a_failure_as_its_error(
    company, order, monkeypatch
):
    monkeypatch.setattr(courier, "is_changed", lambda _records, name: name == "send_email")
    Server = type(company.env["ir.mail_server"])
    origin = Server.send_email
    heard = []

    def send_email(self, message, *args, **kwargs):
        try:
            result = origin(self, message, *args, **kwargs)
        except MailDeliveryException as error:
            heard.append((str(message["To"]), str(error.args[1])))
            self.env["ir.config_parameter"].set_param("an.addons.note", "failed")
            raise
        heard.append((str(message["To"]), "sent"))
        return result

    monkeypatch.setattr(Server, "send_email", send_email)
    company.world.relay.rule(Refuse("550 5.1.1 no such user", at="RCPT", recipient="p1@*"))
    company.world.relay.rule(Refuse("451 4.3.0 later", at="RCPT", recipient="p2@*", times=1))
    company.post(order, "To three", by="anna", to=people(company, 3))
    company.send_queue()
    told = {to.partition("<")[2][:2]: words for to, words in heard[:3]}
    assert told == {"p0": "sent", "p1": "sent", "p2": "sent"}, "handed over"
    ((to, words),) = heard[3:]
    assert "p1@" in to and "no such user" in words
    company.env.cr.rollback()
    parameter = company.env["ir.config_parameter"].search([("key", "=", "an.addons.note")])
    assert parameter.value == "failed", "what the addon wrote stays"
    assert sorted(rows(company).mapped("state")) == ["failed", "retrying", "sent"]


def test_o22_a_manager_tries_again_what_failed_and_only_that(company, order):
    company.world.relay.rule(Refuse("554 5.7.1 no", at="RCPT", recipient="p1@*", times=1))
    message = company.post(order, "To three", by="anna", to=people(company, 3))
    company.send_queue()
    row = rows(company, state="failed")
    assert mails(company, message).failure_reason == "554 5.7.1 no"
    with company.letters() as letters:
        row.action_retry()
        company.commit()
        company.send_queue()
    assert addresses(letters) == ["p1@customer.example"], "who has it does not get it again"
    assert set(message.notification_ids.mapped("notification_status")) == {"sent"}


def test_who_waits_does_not_hold_back_the_others_of_the_same_mail(company, order):
    company.world.relay.rule(Refuse("451 4.7.1 greylisted", at="RCPT", recipient="p1@*", times=1))
    partners = people(company, 3)
    message = company.post(order, "To three", by="anna", to=partners)
    with company.letters() as letters:
        company.send_queue()
        status = {row.res_partner_id: row.notification_status for row in message.notification_ids}
        assert [status[partner] for partner in partners] == ["sent", "ready", "sent"]
        time_passes(company, timedelta(minutes=2))
        company.send_queue()
    assert addresses(letters) == sorted(partners.mapped("email"))
    assert not mails(company, message)


def test_mail_without_a_valid_address_fails_like_in_odoo(company, order):
    nobody = company.env["res.partner"].create({"name": "Nobody", "email": "not an address"})
    message = company.post(order, "To nobody", by="anna", to=nobody | people(company, 1))
    with company.letters() as letters:
        company.send_queue()
    assert addresses(letters) == ["p0@customer.example"]
    failed = message.notification_ids.filtered(lambda row: row.res_partner_id == nobody)
    assert (failed.notification_status, failed.failure_type) == ("exception", "mail_email_invalid")
    assert rows(company, partner_id=nobody.id).state == "failed"


# ------------------------------------------------------------
# SERVERS IN TROUBLE
# ------------------------------------------------------------


@contextmanager
def without_servers(company):
    servers = company.env["ir.mail_server"].search([])
    servers.active = False
    company.commit()
    try:
        yield servers
    finally:
        servers.active = True
        company.commit()


def test_a1_without_a_server_the_queue_is_kept_and_a_later_server_sends_it_all(company, order):
    with without_servers(company) as servers, company.letters() as letters:
        company.env["ir.config_parameter"].set_param("mail.default.from_filter", "")
        message = company.post(order, "Waiting", by="anna", to=people(company, 3))
        for _time in range(3):
            company.send_queue()
            time_passes(company, timedelta(hours=3))
        assert set(rows(company).mapped("state")) == {"retrying"}
        assert all(row.reply for row in rows(company))
        assert set(message.notification_ids.mapped("notification_status")) == {"ready"}
        servers.copy({"name": "New", "active": True})
        company.commit()
        company.send_queue()
    company.env["ir.mail_server"].search([("name", "=", "New")]).unlink()
    company.commit()
    assert len(addresses(letters)) == 3
    assert set(message.notification_ids.mapped("notification_status")) == {"sent"}


def test_broken_server_is_left_alone_and_holds_nobody_else_up(company, order):
    env, relay = company.env, company.world.relay
    other = env["ir.mail_server"].create(
        {"name": "Broken", "smtp_host": relay.host, "smtp_port": 1, "sequence": 99}
    )
    env["mail.mail"].create(
        [
            {"email_to": f"x{number}@a.example", "body_html": "x", "mail_server_id": other.id}
            for number in range(3)
        ]
    )
    company.commit()
    with company.letters() as letters:
        company.post(order, "Through the good one", by="anna", to=people(company, 1))
        company.send_queue()
        assert other.notify_broken_until and "refused" in other.notify_broken_reason
        assert other.notify_waiting_count == 3
    assert addresses(letters) == ["p0@customer.example"]
    env["mail.mail"].create(
        {"email_to": "y@a.example", "body_html": "x", "mail_server_id": other.id}
    )
    company.commit()
    company.send_queue()
    assert rows(company, email="y@a.example").state == "waiting", "nobody asked the server"
    other.smtp_port = relay.port
    company.commit()
    with company.letters() as letters:
        company.send_queue()
    assert len(letters) == 4 and not other.notify_broken_until
    other.unlink()
    company.commit()


def test_n14_bad_certificate_in_strict_mode_is_said_on_the_row(company, order):
    relay = company.world.add_relay(tls="required")
    server = company.env["ir.mail_server"].search([], limit=1)
    good = server.read(["smtp_port", "smtp_encryption"])[0]
    server.write({"smtp_port": relay.port, "smtp_encryption": "starttls_strict"})
    message = company.post(order, "Encrypted", by="anna", to=people(company, 1))
    company.send_queue()
    (row,) = rows(company)
    assert row.state == "retrying" and "CERTIFICATE_VERIFY_FAILED" in row.reply
    assert row.reply.startswith("TLS:") and server.notify_broken_reason == row.reply
    server.smtp_encryption = "starttls"
    company.commit()
    company.send_queue()
    assert row.state == "sent" and relay.accepted()[0].tls
    assert message.notification_ids.notification_status == "sent"
    server.write({name: good[name] for name in ("smtp_port", "smtp_encryption")})
    company.commit()


# ------------------------------------------------------------
# DOUBT AND CRASHES
# ------------------------------------------------------------


def test_mail_in_doubt_is_marked_and_sent_again_with_the_same_message_id(company, order):
    relay = company.world.relay
    relay.rule(Drop(at="END", times=1))
    company.post(order, "Did it arrive?", by="anna", to=people(company, 1))
    company.send_queue()
    (row,) = rows(company)
    assert row.state == "doubt" and row.date_next
    company.send_queue()
    assert len(relay.journal) == 1
    time_passes(company, timedelta(minutes=11))
    company.send_queue()
    assert row.state == "sent" or rows(company).state == "sent"
    assert len({entry.email["Message-Id"] for entry in relay.journal}) == 1


def test_mail_in_doubt_is_held_for_a_person_if_so_wished(company, order):
    company.env["ir.config_parameter"].set_param("notify_routing.hold_doubt", True)
    company.world.relay.rule(Drop(at="END", times=1))
    message = company.post(order, "Ask me", by="anna", to=people(company, 1))
    company.send_queue()
    time_passes(company)
    with company.letters() as letters:
        company.send_queue()
    (row,) = rows(company)
    assert not letters and row.state == "doubt"
    assert message.notification_ids.notification_status == "exception"
    row.action_accept()
    company.commit()
    assert (row.state, message.notification_ids.notification_status) == ("sent", "sent")


@pytest.mark.parametrize("server_is_back", [True, False])
def test_what_was_sent_before_a_crash_is_not_sent_again(company, order, server_is_back):
    """The answer was written down, then the worker died before it could tell Odoo."""
    server = company.env["ir.mail_server"].search([])
    port = server.smtp_port
    message = company.post(order, "Once", by="anna", to=people(company, 2))
    Delivery = type(company.env["notify.delivery"])
    conclude = Delivery._conclude
    Delivery._conclude = lambda self, parcels: None
    try:
        with company.letters() as letters:
            company.send_queue()
        assert len(letters) == 2 and mails(company, message).state == "outgoing"
    finally:
        Delivery._conclude = conclude
    time_passes(company, timedelta(minutes=11))
    if not server_is_back:
        server.smtp_port = 1
        company.commit()
    with company.letters() as letters:
        company.send_queue()
    server.smtp_port = port
    company.commit()
    assert not letters and not mails(company, message)
    assert set(message.notification_ids.mapped("notification_status")) == {"sent"}
    assert set(rows(company).mapped("attempts")) == {1}


def test_answers_are_kept_though_the_database_breaks_off_the_journals_connection(
    company, order, monkeypatch
):
    partners = people(company, 30)
    broken = []
    connect = Journal._open

    def open_and_break(journal):
        cursor = connect(journal)
        if not broken:
            broken.append(cursor.connection.info.backend_pid)
            with journal._connect() as other:
                other.execute("SELECT pg_terminate_backend(%s)", broken)
        return cursor

    monkeypatch.setattr(Journal, "_open", open_and_break)
    company.post(order, "Kept all the same", by="anna", to=partners)
    with company.letters() as letters:
        company.send_queue()
    assert broken and addresses(letters) == sorted(partners.mapped("email"))
    assert set(rows(company).mapped("state")) == {"sent"}
    assert len(rows(company)) == 30


# ------------------------------------------------------------
# WITHOUT THE QUEUE
# ------------------------------------------------------------


def test_a2_background_sending_leaves_at_once_by_the_job_and_nobody_waits(company, order):
    env = company.env
    env["ir.config_parameter"].set_param("mail.mail.force.send.limit", "100")
    env["ir.config_parameter"].set_param("notify_routing.background_sending", True)
    company.commit()
    job = env.ref("mail.ir_cron_mail_scheduler_action")
    env["ir.cron.trigger"].search([("cron_id", "=", job.id)]).unlink()
    with company.letters() as letters:
        message = company.post(order, "In the background", by="anna", to=people(company, 1))
    assert not letters and mails(company, message).state == "outgoing"
    trigger = env["ir.cron.trigger"].search([("cron_id", "=", job.id)])
    assert trigger and trigger[0].call_at <= env.cr.now()
    with company.letters() as letters:
        company.send_queue()
    assert len(letters) == 1


def test_mail_that_odoo_sends_at_once_leaves_a_row_and_is_tried_again_by_the_queue(company, order):
    company.env["ir.config_parameter"].set_param("mail.mail.force.send.limit", "100")
    company.commit()
    company.world.relay.rule(Refuse("451 4.3.2 try again", at="RCPT", recipient="p1@*", times=1))
    first, second = people(company, 2)
    message = company.post(order, "At once", by="anna", to=first)
    (row,) = rows(company)
    assert (row.state, row.code, row.partner_id) == ("sent", 250, first)
    assert row.mail_message_id == message and row.server_id and not row.mail_mail_id
    message = company.post(order, "At once", by="anna", to=second)
    row = rows(company, partner_id=second.id)
    assert (row.state, row.code, row.enhanced) == ("retrying", 451, "4.3.2")
    time_passes(company, timedelta(minutes=2))
    with company.letters() as letters:
        company.send_queue()
    assert addresses(letters) == ["p1@customer.example"]
    assert rows(company, partner_id=second.id).state == "sent"
    assert message.notification_ids.notification_status == "sent"


# ------------------------------------------------------------
# LIMITS
# ------------------------------------------------------------


def test_limits_of_a_server_let_the_rest_wait(company, order):
    server = company.env["ir.mail_server"].search([], limit=1)
    server.notify_rate_minute = 2
    for number in range(5):
        company.post(
            order, f"Message {number}", by="anna", to=people(company, 1, f"d{number}.example")
        )
    with company.letters() as letters:
        company.send_queue()
    assert len(letters) == 2
    assert len(rows(company, state="waiting")) == 3
    server.notify_rate_minute = 0
    server.notify_rate_domain = 1
    company.env["notify.delivery"].search([("state", "=", "waiting")]).action_retry()
    company.post(order, "Same domain", by="anna", to=people(company, 1, "d4.example"))
    with company.letters() as letters:
        company.send_queue()
    server.notify_rate_domain = 0
    company.commit()
    assert len(letters) == 3


def test_storm_about_one_document_is_broken(company, order):
    company.env["ir.config_parameter"].set_param("notify_routing.storm_limit", "3")
    partner = people(company, 1)
    for number in range(6):
        company.post(order, f"Message {number}", by="anna", to=partner)
    with company.letters() as letters:
        company.send_queue()
    assert len(letters) == 3
    assert "same document" in rows(company, state="waiting")[0].reply
