"""Mail on its way in: fetched from Dovecot by uid, stored, routed after, and never lost."""

from datetime import datetime, timedelta, timezone
from unittest.mock import patch

import pytest
from intake_look import mailbox, posted

from machine_room.mailworld import Dovecot, home


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


def test_message_that_is_in_the_mailbox_twice_is_posted_once(company, order, letter):
    sent = company.client.reply(letter, "Seeing double")
    company.client.deliver(sent)
    company.fetch()
    company.client.deliver(sent)
    company.fetch()
    assert len(posted(company, order, "Seeing double")) == 1


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
