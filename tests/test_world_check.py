"""The set-up assistant against a real relay, real mailboxes and a real (stub) name server."""

from datetime import timedelta

import pytest

from odoo import fields

from machine_room.mailworld import Refuse
from machine_room.mailworld.certificate import self_signed
from machine_room.mailworld.dns_stub import DnsStub

RUN = "notify_routing.ir_cron_check"


@pytest.fixture(scope="module", autouse=True)
def tls_trusted(world):
    """Make the world's certificate one that this machine trusts, as strict servers ask for it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SSL_CERT_FILE", str(world.certificate.path))
        yield


@pytest.fixture(scope="module")
def board(company):
    """Every check, none of which is repeated by itself."""
    company.env["notify.check"]._sync()
    company.env["notify.check"].search([]).is_scheduled = False
    company.commit()
    return company


def look(company, kind, target=None):
    """Return the row of a check."""
    domain = [("kind", "=", kind)] + ([("target", "=", target)] if target else [])
    return company.env["notify.check"].search(domain, limit=1)


def run(company, kind, target=None):
    """Run a check as *Run Again* and the scheduled action do, and return its row."""
    company.env["notify.check"]._sync()
    check = look(company, kind, target)
    check.action_run()
    assert check.status == "queued"
    company.run_action(RUN)
    check.invalidate_recordset()
    return check


@pytest.fixture
def server(board):
    """The relay as Odoo knows it; what a test writes on it is undone."""
    record = board.env["ir.mail_server"].search([("name", "=", "Relay")])
    names = ("smtp_port", "smtp_host", "smtp_encryption", "smtp_user", "smtp_pass", "from_filter")
    before = record.read(names)[0]
    yield record
    record.write({name: before[name] for name in names})
    board.commit()


def over(server, relay, encryption, **values):
    """Point Odoo's server to another relay."""
    server.write({"smtp_port": relay.port, "smtp_encryption": encryption, **values})


# ------------------------------------------------------------
# OUTGOING
# ------------------------------------------------------------


def test_a1_working_server_is_green_and_a_silent_one_red_until_it_is_back(board, world):
    assert run(board, "company").state == "green"
    assert run(board, "outgoing").state == "green"
    world.relay.stop()
    try:
        check = run(board, "outgoing")
        assert check.state == "red"
        assert "does not answer" in check.sentence
        assert "refused" in check.evidence
        assert run(board, "company").state == "red"
        assert board.env["notify.check"]._health()["state"] == "red"
    finally:
        world.relay.start()
    assert run(board, "outgoing").state == "green"
    assert run(board, "company").state == "green"


def test_a1_no_server_at_all_is_red_and_nothing_is_lost(board, server):
    env = board.env
    order = board.empty(board.quotation(by="anna"))
    board.follow(order, board.partner)
    server.active = False
    board.queue_only()
    try:
        message = board.post(order, "Nothing leaves", by="anna")
        check = run(board, "company")
        assert check.state == "red"
        assert "No outgoing server is set up" in check.sentence
        mail = env["mail.mail"].search([("mail_message_id", "=", message.id)])
        assert mail.state == "outgoing"
        server.active = True
        with board.letters() as letters:
            board.send_queue()
        assert [letter.recipients for letter in letters] == [["client@customer.example"]]
        assert run(board, "company").state == "green"
    finally:
        server.active = True
        env["ir.config_parameter"].set_param("mail.mail.force.send.limit", "100")
        board.commit()


def test_a1_queue_that_does_not_move_is_told(board):
    mail = board.env["mail.mail"].create(
        {"subject": "Old", "email_to": "x@customer.example", "body_html": "<p/>"}
    )
    board.env.cr.execute(
        "UPDATE mail_mail SET create_date = now() at time zone 'utc' - interval '25 minutes'"
        " WHERE id = %s",
        [mail.id],
    )
    try:
        check = run(board, "queue")
        assert check.state == "amber" and "for 2" in check.sentence
    finally:
        mail.unlink()
        board.commit()
    assert run(board, "queue").state == "green"


def test_n14_server_that_only_speaks_starttls(board, world, server):
    relay = world.add_relay(tls="required")
    over(server, relay, "none")
    check = run(board, "outgoing")
    assert check.state == "red"
    assert "only takes mail over an encrypted connection" in check.sentence
    assert "530" in check.evidence
    over(server, relay, "ssl_strict")
    check = run(board, "outgoing")
    assert check.state == "red"
    assert "does not understand SSL/TLS on this port" in check.sentence
    over(server, relay, "starttls")
    check = run(board, "outgoing")
    assert check.state == "amber", "encrypted, but nobody vouches for the server"
    over(server, relay, "starttls_strict")
    assert run(board, "outgoing").state == "green"


def test_n14_encryption_is_required_but_not_offered(board, world, server):
    over(server, world.add_relay(), "starttls_strict")
    check = run(board, "outgoing")
    assert check.state == "red"
    assert "does not offer STARTTLS" in check.sentence


def test_n14_bad_certificates_in_strict_mode_are_told_apart(board, world, server, tmp_path):
    other_name = self_signed(tmp_path / "name", ("mail.other.example",))
    stranger = self_signed(tmp_path / "stranger")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SSL_CERT_FILE", str(other_name.path))
        over(server, world.add_relay(tls="required", certificate=other_name), "starttls_strict")
        check = run(board, "outgoing")
        assert check.state == "red"
        assert "made for another name" in check.sentence
        over(server, world.add_relay(tls="implicit", certificate=stranger), "ssl_strict")
        check = run(board, "outgoing")
        assert check.state == "red"
        assert "nobody whom this machine trusts" in check.sentence
        assert "CERTIFICATE_VERIFY_FAILED" in check.evidence


def test_login_that_is_refused_or_missing(board, world, server):
    relay = world.add_relay(logins={"odoo": "secret"})
    over(server, relay, "none", smtp_user="odoo", smtp_pass="wrong")
    check = run(board, "outgoing")
    assert check.state == "red" and "refuses user name or password" in check.sentence
    over(server, relay, "none", smtp_user=False, smtp_pass=False)
    check = run(board, "outgoing")
    assert check.state == "red" and "how to log in" in check.sentence
    over(server, relay, "none", smtp_user="odoo", smtp_pass="secret")
    assert run(board, "outgoing").state == "green"


def test_relaying_that_is_refused_is_told_apart_from_the_sender(board, world):
    world.relay.rule(Refuse("554 5.7.1 relay access denied", at="RCPT"))
    check = run(board, "outgoing")
    assert check.state == "red" and "does not take mail to others" in check.sentence
    world.relay.rules.clear()
    world.relay.rule(Refuse("550 5.7.1 not yours", at="MAIL"))
    check = run(board, "outgoing")
    assert check.state == "red" and "does not take mail from" in check.sentence
    assert "550 5.7.1 not yours" in check.evidence


# ------------------------------------------------------------
# SENDERS
# ------------------------------------------------------------


def test_k4_every_sender_is_asked_about_and_refusals_are_listed_before_anything_is_sent(
    board, world
):
    world.relay.rule(Refuse("550 5.7.1 ben is not validated", at="MAIL", sender="ben@*"))
    world.relay.rule(Refuse("451 4.7.1 greylisted", at="RCPT", sender="chloe@*"))
    check = run(board, "senders")
    assert check.state == "red"
    assert "refuses 1 of" in check.sentence and "Ben" in check.sentence
    assert "Ben: ben@company.example — 550 5.7.1 ben is not validated" in check.evidence
    assert "Chloé: chloe@company.example — 451 4.7.1 greylisted" in check.evidence
    assert "Anna" not in check.evidence
    asked = {entry.mail_from for entry in world.relay.journal}
    assert {"anna@company.example", "notifications@company.example"} <= asked
    assert not [entry for entry in world.relay.journal if entry.message], "nothing was sent"


def test_k4_all_accepted_is_green_with_the_answers(board):
    check = run(board, "senders")
    assert check.state == "green"
    assert "anna@company.example — 250" in check.evidence


def test_k4_thousand_users_in_one_session(board, world):
    people = [(f"User {n}", f"User {n} <user{n}@company.example>", None) for n in range(1000)]
    world.relay.rule(Refuse("550 5.7.1 no", at="MAIL", sender="user99?@*"))
    progress = []
    with pytest.MonkeyPatch.context() as patch:
        Check = type(board.env["notify.check"])
        patch.setattr(Check, "_senders", lambda self, company: people)
        write = Check.write

        def note(self, values):
            progress.append(values.get("done"))
            return write(self, values)

        patch.setattr(Check, "write", note)
        check = run(board, "senders")
    assert check.state == "red" and "refuses 10 of 1000" in check.sentence.replace(",", "")
    assert "and 7 more" in check.sentence
    lines = {e.connection for e in world.relay.journal if e.mail_from.startswith("user")}
    assert len(lines) == 1, "all over one connection"
    assert [done for done in progress if done] == list(range(50, 1001, 50)), "progress is shown"


def test_k4_server_that_hangs_up_after_a_refusal_is_asked_on_a_new_line(board, world):
    world.relay.rule(Refuse("421 4.7.0 too many errors", at="MAIL", sender="anna@*", times=1))
    check = run(board, "senders")
    assert world.relay.connections >= 2
    assert "ben@company.example" in {entry.mail_from for entry in world.relay.journal}
    assert check.state in ("amber", "green")


def test_k4_server_that_is_away_is_not_taken_for_a_refusal(board, world):
    world.relay.stop()
    try:
        check = run(board, "senders")
    finally:
        world.relay.start()
    assert check.state == "amber" and "Mend the outgoing server first" in check.sentence


@pytest.fixture
def policy(board):
    """Make sender policies that are gone after the test."""
    Sender = board.env["notify.sender"]

    def make(**values):
        made = Sender.create({"name": "Policy", "mode": "person", **values})
        board.commit()
        return made

    yield make
    board.env.cr.rollback()
    Sender.search([("active", "in", (True, False))]).unlink()
    board.commit()


@pytest.fixture
def second(board, world):
    """Another server, that a policy can name."""
    relay = world.add_relay()
    values = {"smtp_host": relay.host, "smtp_port": relay.port, "smtp_encryption": "none"}
    record = board.env["ir.mail_server"].create({"name": "Second", "sequence": 99, **values})
    board.env["notify.check"]._sync()
    board.env["notify.check"].search([]).is_scheduled = False
    board.commit()
    yield record, relay
    board.env.cr.rollback()
    record.unlink()
    board.commit()


def asked(relay):
    return {entry.mail_from for entry in relay.journal}


def test_k4_addresses_of_policies_are_asked_about_over_the_server_that_they_use(
    board, world, second, policy
):
    server, relay = second
    relay.rule(Refuse("550 5.7.1 not validated", at="MAIL", sender="alerts@*"))
    policy(
        name="Alerts", kind="alert", mode="fixed", address="alerts@company.example",
        server_id=server.id, envelope="from",
    )  # fmt: skip
    policy(
        name="Desk", kind="template", mode="on_address", address="desk@company.example",
        envelope="from",
    )  # fmt: skip
    check = run(board, "senders")
    assert check.state == "red"
    assert "refuses 1 of" in check.sentence and "Alerts" in check.sentence
    assert check.evidence == "Alerts: alerts@company.example — 550 5.7.1 not validated"
    assert asked(relay) == {"alerts@company.example"}
    assert {"desk@company.example", "anna@company.example"} <= asked(world.relay)
    assert "alerts@company.example" not in asked(world.relay)
    assert not [entry for entry in relay.journal + world.relay.journal if entry.message]


def test_k4_people_whom_a_policy_gives_another_address_are_not_asked_about(board, world, policy):
    world.relay.rule(Refuse("550 5.7.1 not yours", at="MAIL", sender="anna@*"))
    policy(name="All", mode="on_address", address="mail@company.example", envelope="from")
    check = run(board, "senders")
    assert check.state == "green" and "All: mail@company.example — 250" in check.evidence
    assert asked(world.relay) == {"mail@company.example"}


def test_k4_policy_of_one_document_type_or_one_server_is_asked_about_too(
    board, world, second, policy
):
    server, relay = second
    own = {"mode": "fixed", "envelope": "from"}
    orders = board.env["ir.model"]._get_id("sale.order")
    policy(name="Orders", address="orders@company.example", model_id=orders, **own)
    policy(name="Bulk", address="bulk@company.example", via_server_id=server.id, **own)
    check = run(board, "senders")
    assert check.state == "green"
    assert {"orders@company.example", "anna@company.example"} <= asked(world.relay)
    assert asked(relay) == {"bulk@company.example"}


# ------------------------------------------------------------
# DNS
# ------------------------------------------------------------


def test_domains_of_policies_are_looked_at_too(board, server, policy):
    server.from_filter = "company.example,alerts.example"
    policy(kind="alert", mode="fixed", address="alerts@alerts.example")
    board.env["notify.check"]._sync()
    assert look(board, "dns", "alerts.example")
    assert look(board, "dns", "company.example")


@pytest.fixture
def dns(board, server):
    """A name server that Odoo is set to ask; everything is in order."""
    zone = {
        "company.example": {"TXT": ["v=spf1 ip4:203.0.113.5 -all"], "MX": ["10 company.example."]},
        "odoo._domainkey.company.example": {"TXT": ["v=DKIM1; k=rsa; p=MIGfMA0GCSqGSIb3DQEB"]},
        "_dmarc.company.example": {"TXT": ["v=DMARC1; p=reject"]},
    }
    parameters = board.env["ir.config_parameter"]
    with DnsStub(zone) as stub:
        parameters.set_param("notify_routing.dns_resolver", stub.address)
        server.write({"notify_spf": "ip4:203.0.113.5", "notify_dkim_selectors": "odoo"})
        yield stub
    parameters.set_param("notify_routing.dns_resolver", False)
    board.commit()


def test_n3_dns_check_is_red_with_the_record_to_publish(board, dns, server):
    assert run(board, "dns", "company.example").state == "green"
    dns.zone["company.example"] = {"TXT": ["v=spf1 mx -all"], "MX": ["10 company.example."]}
    check = run(board, "dns", "company.example")
    assert check.state == "red"
    assert "does not let your outgoing server send" in check.sentence
    assert check.record == "company.example  TXT  v=spf1 mx ip4:203.0.113.5 -all"
    assert "v=spf1 mx -all" in check.evidence
    dns.zone["company.example"] = {"TXT": [check.record.split("  ")[2]]}
    assert run(board, "dns", "company.example").state == "green", "as published"


def test_dns_that_is_silent_decides_nothing(board, dns):
    dns.mood = "broken"
    assert run(board, "dns", "company.example").state == "amber"


# ------------------------------------------------------------
# ROUND TRIPS
# ------------------------------------------------------------


def round_trip(company, kind):
    """Let a check send its probes, fetch, and return the row."""
    check = run(company, kind)
    assert check.status == "waiting", check.sentence
    company.fetch()
    company.run_action(RUN)
    check.invalidate_recordset()
    return check


def too_late(company, check):
    """Let the deadline of a check pass."""
    check.deadline = fields.Datetime.now() - timedelta(seconds=1)
    company.run_action(RUN)
    check.invalidate_recordset()


@pytest.fixture
def alias(board):
    """An alias that makes quotations of what it gets."""
    record = board.env["mail.alias"].create(
        {
            "alias_name": "boats",
            "alias_model_id": board.env["ir.model"]._get_id("res.partner"),
            "alias_contact": "everyone",
            "alias_domain_id": board.env.company.alias_domain_id.id,
        }
    )
    board.commit()
    yield record
    record.unlink()
    board.commit()


def test_o8_catchall_and_every_alias_by_a_real_round_trip(board, world, alias):
    contacts = board.env["res.partner"].search_count([])
    posted = [("model", "!=", "notify.check")]
    messages = board.env["mail.message"].search_count(posted)
    check = round_trip(board, "arrival")
    assert check.state == "green"
    assert "boats@company.example: arrived" in check.evidence
    assert "catchall@company.example: arrived" in check.evidence
    assert "by Mailbox" in check.evidence
    assert board.env["res.partner"].search_count([]) == contacts, "no document came of it"
    assert board.env["mail.message"].search_count(posted) == messages


def test_o8_alias_that_does_not_reach_the_mailbox_is_red_with_what_to_do(board, world, alias):
    world.maildirs.owners = {"boats@company.example": "elsewhere", **world.maildirs.owners}
    try:
        check = round_trip(board, "arrival")
        assert check.status == "waiting", "there is still time"
        too_late(board, check)
        assert check.state == "red"
        assert "boats@company.example" in check.sentence
        assert "Make them aliases of the mailbox" in check.sentence
        assert "catchall@company.example: arrived" in check.evidence
    finally:
        del world.maildirs.owners["boats@company.example"]


def test_o8_address_that_the_server_refuses_is_red_with_its_answer(board, world, alias):
    world.relay.rule(Refuse("550 5.1.1 no such user", at="RCPT", recipient="boats@*"))
    check = round_trip(board, "arrival")
    assert check.state == "red"
    assert "boats@company.example: refused: 550 5.1.1 no such user" in check.evidence


def test_o8_probe_that_comes_too_late_makes_no_document_either(board, alias):
    contacts = board.env["res.partner"].search_count([])
    check = run(board, "arrival")
    check.probe_ids.unlink()
    board.fetch()
    assert board.env["res.partner"].search_count([]) == contacts
    too_late(board, check)


def test_plus_addresses_and_wildcards_are_told_apart(board, world):
    check = round_trip(board, "plus")
    assert check.state == "green" and "Plus-addresses such as" in check.sentence
    owners = world.maildirs.owners
    world.maildirs.owners = {"*+*@company.example": "elsewhere", **owners}
    try:
        check = round_trip(board, "plus")
        too_late(board, check)
        assert check.state == "green" and "as a wildcard" in check.sentence
        world.maildirs.owners = {"*+*@company.example": "a", "r*@company.example": "b", **owners}
        check = round_trip(board, "plus")
        too_late(board, check)
        assert check.state == "amber" and "Only plain addresses" in check.sentence
    finally:
        world.maildirs.owners = owners


@pytest.fixture
def returns(board):
    """The alias domain; what a test makes of its return addresses is undone."""
    domain = board.env.company.alias_domain_id
    names = ("catchall_alias", "bounce_alias", "notify_return_mode", "notify_return_domain")
    before = {name: domain[name] for name in names}
    yield domain
    board.env.cr.rollback()
    domain.write(before)
    board.commit()


def test_return_addresses_that_are_given_and_do_not_arrive_are_red(board, world, returns):
    owners = world.maildirs.owners
    world.maildirs.owners = {"*+*@company.example": "a", "*@reply.company.example": "b", **owners}
    try:
        for mode, example in (("plus", "catchall+…@company.example"), ("wildcard", "…@reply.comp")):
            returns.write(
                {"notify_return_domain": "reply.company.example", "notify_return_mode": mode}
            )
            check = round_trip(board, "plus")
            too_late(board, check)
            assert check.state == "red"
            assert "Answers are lost" in check.sentence and example in check.sentence
    finally:
        world.maildirs.owners = owners


@pytest.mark.parametrize("name", ["catchall_alias", "bounce_alias"])
def test_alias_that_leaves_a_token_no_room_is_amber_with_what_to_do(board, returns, name):
    most = board.env["notify.return.address"]._alias_length()
    returns.write({"notify_return_mode": "plus", name: "a" * (most + 1)})
    check = run(board, "plus")
    assert check.state == "amber"
    assert f"Shorten it to {most} characters" in check.sentence
    returns[name] = "a" * most
    assert run(board, "plus").status == "waiting"


def test_o9_bounces_come_back_even_if_the_null_sender_is_refused(board, world):
    check = round_trip(board, "bounce")
    assert check.state == "green"
    assert "" in {entry.mail_from for entry in world.relay.journal}
    world.relay.rule(Refuse("550 5.1.7 no null sender", at="MAIL", sender=""))
    assert round_trip(board, "bounce").state == "green"


# ------------------------------------------------------------
# INCOMING
# ------------------------------------------------------------


@pytest.fixture
def mailbox(board):
    record = board.env["fetchmail.server"].search([("name", "=", "Mailbox")])
    password = record.password
    yield record
    record.write({"password": password, "state": "done", "error_date": False})
    board.commit()


def test_o7_incoming_server_is_logged_in_to_and_fetches_in_time(board, mailbox):
    board.fetch()
    assert run(board, "incoming").state == "green"
    assert run(board, "mailbox").state == "green"
    mailbox.password = "wrong"
    check = run(board, "mailbox")
    assert check.state == "red" and "refuses user name or password" in check.sentence
    mailbox.write({"password": board.world.dovecot.password, "state": "draft"})
    check = run(board, "mailbox")
    assert check.state == "red" and "not confirmed" in check.sentence


def test_o7_fetch_that_is_late_is_red(board, mailbox):
    mailbox.date = fields.Datetime.now() - timedelta(hours=3)
    check = run(board, "mailbox")
    assert check.state == "red" and "180 minutes" in check.sentence


# ------------------------------------------------------------
# THE RUN
# ------------------------------------------------------------


def test_red_board_repeats_alarms_once_and_is_quiet_when_mended(board, world):
    env = board.env
    check = look(board, "outgoing")
    assert run(board, "outgoing").state == "green"
    check.is_scheduled = True
    world.relay.stop()
    try:
        for _turn in range(2):
            board.run_action(RUN)
            check.invalidate_recordset()
            assert check.state == "red"
        activities = env["mail.activity"].search(
            [("res_model", "=", "notify.check"), ("res_id", "=", check.id)]
        )
        assert activities.user_id == env.ref("base.user_admin")
        assert len(activities) == 1, "told once"
        assert "does not answer" in activities.note
    finally:
        world.relay.start()
    board.run_action(RUN)
    check.invalidate_recordset()
    assert check.state == "green"
    assert not activities.exists(), "closed when green again"
    check.is_scheduled = False
    board.commit()
