"""Mail on its way in: fetched from Dovecot by uid, stored, routed after, and never lost."""

import contextlib
import os
import poplib
import resource
import threading
import time
from datetime import datetime, timedelta, timezone
from unittest.mock import patch

import pytest

from odoo.addons.notify_routing.models.intake.notify_intake import MAX_KILLS
from odoo.addons.notify_routing.tools import mailbox_idle

from machine_room.company import outside_of_tests
from machine_room.mailworld import CutLine, Dovecot, home


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


def check_of(server):
    """Return the line of the set-up check about a mailbox."""
    return server.env["notify.check"].search([("key", "=", f"mailbox:{server.id}")])


def alarms(server):
    """Return the activities by which managers hear of a mailbox's trouble."""
    about = [("res_model", "=", "notify.check"), ("res_id", "=", check_of(server).id)]
    return server.env["mail.activity"].search(about)


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


# ------------------------------------------------------------
# POP
# ------------------------------------------------------------


@pytest.fixture
def pop(company, server):
    """A mailbox that is fetched by POP, and is called pop."""
    dovecot = company.world.dovecot
    server.active = False
    mailbox = server.copy(
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
    owners = company.world.maildirs.owners
    company.world.maildirs.owners = {**owners, "catchall@company.example": "pop"}
    company.commit()
    yield mailbox
    company.world.maildirs.owners = owners
    company.world.maildirs.empty("pop")
    mailbox.unlink()
    server.active = True
    company.commit()


def write(company, order, *texts):
    """Let the client answer by mail that only its headers lead to the order."""
    letter = company.client.wait_for(subject=order.sudo().name)[-1]
    for text in texts:
        company.client.reply(letter, text, to="catchall@company.example", quote=False)


def in_mailbox(company, name="pop"):
    return len(company.world.maildirs.messages(name))


def test_pop_deletes_only_what_is_stored(company, order, letter, pop):
    write(company, order, "By POP, the first", "By POP, the second")
    with patch.object(
        company.registry["notify.intake"], "_store", side_effect=OSError("No space left")
    ):
        pop._fetch_mail()
    assert in_mailbox(company) == 2
    assert "No space left" in pop.error_message and pop.notify_trouble_since
    pop._fetch_mail()
    assert len(posted(company, order, "By POP, the first")) == 1
    assert len(posted(company, order, "By POP, the second")) == 1
    assert not in_mailbox(company) and not pop.error_date
    assert not pop.notify_position["stored"]


def test_pop_worker_killed_between_storing_and_deleting_brings_nothing_twice(
    company, order, letter, pop
):
    write(company, order, "Killed before DELE")
    with (
        patch("poplib.POP3.dele", side_effect=KeyboardInterrupt),
        patch("poplib.POP3.quit", side_effect=OSError("the line died with it")),
        pytest.raises(KeyboardInterrupt),
    ):
        pop._fetch_mail()
    company.env.cr.rollback()
    assert in_mailbox(company) == 1
    assert len(rows(company, ("state", "=", "waiting"))) == 1
    pop._fetch_mail()
    assert len(posted(company, order, "Killed before DELE")) == 1
    assert not in_mailbox(company)


def test_pop_line_that_breaks_in_a_message_keeps_what_came_before_and_goes_on_after(
    company, order, letter, pop
):
    texts = [f"Number {number} over a bad line" for number in range(4)]
    write(company, order, *texts)
    with CutLine(company.world.dovecot.host, company.world.dovecot.pop3_port) as line:
        pop.port = line.port
        company.commit()
        line.cut_at(b"Number 1 over")
        pop._fetch_mail()
        assert pop.notify_trouble_since
        assert len(posted(company, order, texts[0])) == 1
        # The line breaks at this message each time: the others do not wait for it.
        pop._fetch_mail()
        assert [len(posted(company, order, text)) for text in texts] == [1, 0, 1, 1]
        line.cut_at(None)
        pop._fetch_mail()
    assert [len(posted(company, order, text)) for text in texts] == [1] * 4
    assert not in_mailbox(company) and not pop.notify_trouble_since


def test_pop_mailbox_that_refuses_to_delete_is_read_once_and_alarms(company, order, letter, pop):
    write(company, order, "Stays for ever", "Stays as well")
    refusal = poplib.error_proto(b"-ERR deleting is not allowed")
    fetched = patch("poplib.POP3.retr", autospec=True, side_effect=poplib.POP3.retr)
    with patch("poplib.POP3.dele", side_effect=refusal), fetched as retr:
        for _time in range(3):
            pop._fetch_mail()
            write(company, order, "One more")
    assert retr.call_count == 4
    assert "deleting is not allowed" in pop.error_message
    assert pop.state == "done" and alarms(pop)
    assert len(posted(company, order, "Stays for ever")) == 1
    assert len(posted(company, order, "One more")) == 2
    assert in_mailbox(company) == 5
    pop._fetch_mail()
    assert not in_mailbox(company) and not pop.notify_trouble_since
    assert len(posted(company, order, "Stays for ever")) == 1


def test_pop_server_that_does_not_commit_deletions_at_the_end(company, order, letter, pop):
    write(company, order, "Kept at QUIT")
    refusal = poplib.error_proto(b"-ERR some deleted messages not removed")
    with patch("poplib.POP3.quit", side_effect=refusal):
        pop._fetch_mail()
    assert "not removed" in pop.error_message
    assert len(posted(company, order, "Kept at QUIT")) == 1
    with patch("poplib.POP3.retr", side_effect=AssertionError("it is stored already")):
        pop._fetch_mail()
    assert not in_mailbox(company) and not pop.error_date


def test_pop_message_that_the_server_cannot_give_is_in_nobodys_way(company, order, letter, pop):
    write(company, order, "Damaged in the mailbox", "Behind it")
    retr = poplib.POP3.retr

    def damaged(self, which):
        if which == 1:
            raise poplib.error_proto(b"-ERR [SYS/TEMP] cannot read message")
        return retr(self, which)

    with patch("poplib.POP3.retr", damaged):
        pop._fetch_mail()
    assert "cannot read message" in pop.error_message
    assert len(posted(company, order, "Behind it")) == 1
    pop._fetch_mail()
    assert len(posted(company, order, "Damaged in the mailbox")) == 1


def test_pop_server_that_gives_the_uid_of_a_deleted_message_to_the_next_one(
    company, order, letter, pop
):
    with patch("poplib.POP3.uidl", return_value=(b"+OK", [b"1 same"], 6)):
        for text in ("First of this uid", "Second of this uid"):
            write(company, order, text)
            pop._fetch_mail()
            assert len(posted(company, order, text)) == 1
    assert not in_mailbox(company)


def test_pop_server_without_uidl_and_a_message_of_one_endless_line(company, order, letter, pop):
    company.client.reply(
        letter, "Endless " * 20_000, to="catchall@company.example", quote=False, html=False
    )
    raw = company.world.maildirs.messages("pop")[0].as_bytes()
    company.world.maildirs.empty("pop")
    company.world.maildirs.file(
        "pop", raw.replace(b"=\n", b"").replace(b"quoted-printable", b"8bit")
    )
    with patch("poplib.POP3.uidl", side_effect=poplib.error_proto(b"-ERR unknown command")):
        pop._fetch_mail()
    assert len(posted(company, order, "Endless Endless")) == 1
    assert not in_mailbox(company)


# ------------------------------------------------------------
# WAITING FOR MAIL (IDLE)
# ------------------------------------------------------------


@pytest.fixture
def idle(company, server):
    """Wait in the mailbox; gives a function that returns who waits."""
    server.notify_idle = True
    company.commit()
    key = (company.env.cr.dbname, server.id)
    yield lambda: mailbox_idle.waiting(key)
    server.notify_idle = False
    company.commit()
    if waiter := mailbox_idle.waiting(key):
        waiter.stop()


def due(company, patience=0):
    """Tell whether the scheduled action that fetches was asked to run, and forget it.

    :param patience: seconds to wait for it
    """
    fetch = company.env.ref("mail.ir_cron_mail_gateway_action")
    deadline = time.monotonic() + patience
    while True:
        company.env.cr.rollback()
        triggers = company.env["ir.cron.trigger"].search([("cron_id", "=", fetch.id)])
        if triggers or time.monotonic() > deadline:
            break
        time.sleep(0.02)
    found = bool(triggers)
    triggers.unlink()
    company.commit()
    return found


def test_idle_mail_is_fetched_as_soon_as_it_arrives(company, order, letter, idle):
    company.fetch()
    waiter = idle()
    assert waiter.is_alive() and not due(company)
    company.client.reply(letter, "Right away")
    waiter.join(10)
    assert not waiter.is_alive() and due(company, patience=10)
    company.fetch()
    assert len(posted(company, order, "Right away")) == 1
    assert idle() not in (None, waiter), "it is waited for the next one"


def test_idle_is_off_unless_wanted_and_never_starts_from_a_button(company, server, idle):
    server._fetch_mail()
    assert idle() is None
    company.fetch()
    waiter = idle()
    company.fetch()
    assert idle() is waiter, "one is enough"
    server.notify_idle = False
    waiter.stop()
    company.fetch()
    assert idle() is None
    assert not server.default_get(["notify_idle"]).get("notify_idle")


@pytest.mark.parametrize("is_announced", [False, True])
def test_idle_notices_mail_that_came_while_other_mail_was_fetched(
    company, order, letter, idle, is_announced
):
    company.client.reply(letter, "First")
    wait = mailbox_idle.wait

    def late(key, client, arrived):
        company.client.reply(letter, "Came meanwhile")
        # Its announcement may come with the answer to another command.
        if is_announced:
            client._imap.noop()
        return wait(key, client, arrived)

    with patch.object(mailbox_idle, "wait", late):
        company.fetch()
    assert due(company, patience=10)
    company.fetch()
    assert len(posted(company, order, "Came meanwhile")) == 1


def test_idle_ends_with_the_line_and_when_its_time_is_up(company, server, idle):
    with patch.object(mailbox_idle, "LONGEST", 0):
        company.fetch()
    assert due(company, patience=10) and idle() is None, "the mailbox is fetched anew"
    company.fetch()
    waiter = idle()
    dovecot = company.world.dovecot
    dovecot.stop()
    waiter.join(10)
    dovecot.start()
    assert idle() is None and not due(company), "a mailbox that is down is left to the schedule"
    company.fetch()
    assert idle() and not server.error_date


# ------------------------------------------------------------
# MAILBOXES OF GMAIL AND OUTLOOK
# ------------------------------------------------------------


@pytest.mark.parametrize("kind", ["gmail", "outlook"])
def test_mailbox_that_is_opened_with_a_token(company, order, letter, server, kind, short_folder):
    token = "an-access-token"
    fields = {"gmail": "google_gmail", "outlook": "microsoft_outlook"}[kind]
    home.keeper().give(short_folder)
    settings = "auth_mechanisms = xoauth2"
    maildirs = company.world.maildirs
    server.active = False
    with Dovecot(maildirs, short_folder, token, settings=settings) as dovecot:
        mailbox = server.copy(
            {
                "name": kind,
                "server_type": kind,
                "port": dovecot.tls_port,
                "is_ssl": True,
                "password": False,
                "active": True,
                "state": "done",
                f"{fields}_refresh_token": "a refresh token",
                f"{fields}_access_token": token,
                f"{fields}_access_token_expiration": 2_000_000_000,
            }
        )
        company.client.reply(letter, f"To a mailbox of {kind}")
        try:
            company.fetch()
            assert not mailbox.error_message
            assert len(posted(company, order, f"To a mailbox of {kind}")) == 1
            assert mailbox.notify_position["next"] > 1
        finally:
            mailbox.unlink()
            server.active = True
            company.commit()


# ------------------------------------------------------------
# TROUBLE
# ------------------------------------------------------------


def test_imap_line_that_breaks_at_a_message_each_time_holds_up_no_other(
    company, order, letter, server
):
    texts = [f"Number {number} over a bad line" for number in range(4)]
    for text in texts:
        company.client.reply(letter, text, quote=False)
    port = server.port
    with CutLine(company.world.dovecot.host, company.world.dovecot.port) as line:
        server.port = line.port
        line.cut_at(b"Number 1 over")
        for _time in range(3):
            company.fetch()
            assert server.notify_trouble_since
        assert [len(posted(company, order, text)) for text in texts] == [1, 0, 1, 1]
        line.cut_at(None)
        company.fetch()
    server.port = port
    company.commit()
    assert [len(posted(company, order, text)) for text in texts] == [1] * 4
    assert not server.notify_trouble_since and not server.notify_position["left"]


def test_imap_message_that_the_server_cannot_read_is_in_nobodys_way(company, order, letter, server):
    texts = ["Before it", "Damaged in the mailbox", "Behind it"]
    for text in texts:
        company.client.reply(letter, text, quote=False)
    (damaged,) = [
        file
        for file in (company.world.maildirs.path("odoo") / "new").iterdir()
        if texts[1].encode() in file.read_bytes()
    ]
    keeper = damaged.stat()
    os.chown(damaged, os.geteuid(), os.getegid())
    damaged.chmod(0)
    for _time in range(3):
        company.fetch()
    assert [len(posted(company, order, text)) for text in texts] == [1, 0, 1]
    assert server.notify_trouble_since and alarms(server)
    (damaged,) = company.world.maildirs.path("odoo").glob(f"*/{damaged.name.split(':')[0]}*")
    damaged.chmod(0o600)
    os.chown(damaged, keeper.st_uid, keeper.st_gid)
    company.fetch()
    assert [len(posted(company, order, text)) for text in texts] == [1] * 3
    assert not server.notify_trouble_since


def test_mailbox_that_was_set_up_anew_brings_nothing_twice_and_loses_nothing(
    company, order, letter, server
):
    company.client.reply(letter, "Known to the old one")
    company.fetch()
    validity = server.notify_position["validity"]
    # Nothing could be fetched for three days; then the server came back from a backup.
    since = datetime.now(timezone.utc) - timedelta(days=3)
    server.notify_position = {**server.notify_position, "day": since.date().isoformat()}
    company.commit()
    maildirs = company.world.maildirs
    maildirs.owners["aside@company.example"] = "aside"
    company.client.reply(letter, "Came in those days", to="aside@company.example")
    (aside,) = maildirs.messages("aside")
    with mailbox(company) as client:
        client.append("INBOX", r"(\Seen)", since, aside.as_bytes())
    company.world.dovecot.stop()
    for file in maildirs.path("odoo").glob("dovecot*"):
        file.unlink()
    company.world.dovecot.start()
    company.fetch()
    assert server.notify_position["validity"] != validity
    assert len(posted(company, order, "Known to the old one")) == 1
    assert len(posted(company, order, "Came in those days")) == 1


def test_message_that_is_in_the_mailbox_twice_is_posted_once(company, order, letter):
    sent = company.client.reply(letter, "Seeing double")
    company.client.deliver(sent)
    company.fetch()
    company.client.deliver(sent)
    company.fetch()
    assert len(posted(company, order, "Seeing double")) == 1


def test_database_whose_disk_is_full_leaves_the_message_in_the_mailbox_and_alarms(
    company, order, letter, server
):
    company.client.reply(letter, "No room in the database")
    with full_disk(company):
        company.fetch()
        company.fetch()
    assert server.notify_trouble_since and "disk" in server.error_message.lower()
    assert len(alarms(server).user_id) == len(alarms(server))
    with mailbox(company) as client:
        assert client.search(None, "UNSEEN")[1][0].split()
    company.fetch()
    assert len(posted(company, order, "No room in the database")) == 1
    assert not server.notify_trouble_since


@contextlib.contextmanager
def full_disk(company):
    """Have PostgreSQL refuse new messages as it does on a full disk."""
    cr = company.env.cr
    cr.execute(
        """
        CREATE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
            RAISE 'could not extend file: No space left on device' USING ERRCODE = 'disk_full';
        END $$;
        CREATE TRIGGER full_disk BEFORE INSERT ON notify_intake EXECUTE FUNCTION full_disk();
        """
    )
    company.commit()
    try:
        yield
    finally:
        company.env.cr.execute("DROP FUNCTION full_disk CASCADE")
        company.commit()


def test_file_store_whose_disk_is_full_keeps_the_message_until_there_is_room(
    company, order, letter
):
    content = os.urandom(400_000) * 4
    company.client.reply(
        letter, "With a large file", attachments=[("plan.bin", content, "application/octet-stream")]
    )
    _soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, hard))
    try:
        for _try in range(5):
            company.fetch()
            (row,) = rows(company, ("state", "=", "waiting"))
            row.next_try = "2020-01-01"
            company.commit()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (_soft, hard))
    assert "OSError" in row.error and not posted(company, order, "With a large file")
    company.fetch()
    (message,) = posted(company, order, "With a large file")
    # What was written of it then is not taken for another file.
    assert message.attachment_ids.raw == content


def test_message_that_kills_its_workers_is_set_aside(company, order, letter):
    company.client.reply(letter, "Deadly", quote=False)
    company.client.reply(letter, "Harmless", quote=False)
    Intake = company.registry["notify.intake"]
    route = Intake._route

    def deadly(self, *args, **kwargs):
        if b"Deadly" in self._octets():
            raise KeyboardInterrupt
        return route(self, *args, **kwargs)

    with patch.object(Intake, "_route", deadly):
        for _worker in range(MAX_KILLS):
            with pytest.raises(KeyboardInterrupt):
                company.env["fetchmail.server"].search([])._fetch_mail()
            company.env.cr.rollback()
            rows(company, ("state", "=", "waiting")).next_try = "2020-01-01"
            company.commit()
        company.fetch()
    assert len(posted(company, order, "Harmless")) == 1
    (kept,) = company.env["notify.quarantine"].search(
        [("reason", "=", "failed"), ("stage", "=", "open")]
    )
    assert "killed" in kept.detail
    kept.action_replay()
    company.commit()
    assert len(posted(company, order, "Deadly")) == 1


def test_messages_that_wait_too_long_are_a_red_line_of_the_set_up_check(company, order, letter):
    company.client.reply(letter, "Waits")
    broken = patch.object(
        company.registry["mail.thread"], "message_route", side_effect=OSError("No space left")
    )
    with broken:
        company.fetch()
    (row,) = rows(company, ("state", "=", "waiting"))
    assert row.tries == 1
    row.date = "2020-01-01"
    company.env.flush_all()
    check = company.env["notify.check"].new({"kind": "incoming"})
    verdict = check._check_incoming()
    assert verdict.state == "red" and "No space left" in verdict.evidence
    # After two days it is a person's turn.
    row.write({"next_try": "2020-01-01", "tries": 2})
    company.commit()
    with broken:
        company.fetch()
    (kept,) = company.env["notify.quarantine"].search([("intake_id", "=", row.id)])
    assert "No space left" in kept.detail
    assert check._check_incoming().state == "green"
    kept.action_discard()
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
        check = check_of(server)
        assert check.state == "red" and "Mail is not fetched" in check.sentence
        company.run_action("notify_routing.ir_cron_check")
        managers = company.env.ref("notify_routing.group_notify_manager").all_user_ids
        assert alarms(server).user_id == managers.filtered("active")
        assert len(alarms(server)) == len(alarms(server).user_id), "one alarm, two found it"
        assert "does not answer" in check.sentence, "the check looked closer"
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
    assert not server.notify_trouble_since
    company.run_action("notify_routing.ir_cron_check")
    assert not alarms(server) and check.state == "green"


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
