"""Trouble on the way in: bugs, killed workers, full disks, bad lines; nothing is lost for it."""

import contextlib
import os
import resource
import threading
from unittest.mock import patch

import pytest
from intake_look import alarms, check_of, mailbox, posted, rows

from odoo.addons.notify_routing.models.intake.notify_intake import MAX_KILLS

from machine_room.company import outside_of_tests
from machine_room.mailworld import CutLine

# ------------------------------------------------------------
# A MESSAGE
# ------------------------------------------------------------


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


# ------------------------------------------------------------
# WORKERS
# ------------------------------------------------------------


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
# DISKS
# ------------------------------------------------------------


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


# ------------------------------------------------------------
# MAILBOXES
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
