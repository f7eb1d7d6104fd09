"""Waiting in a mailbox (IDLE): mail is fetched as soon as it arrives."""

import time
from unittest.mock import patch

import pytest
from intake_look import posted

from odoo.addons.notify_routing.tools import mailbox_idle


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
    waiter.join(30)
    assert not waiter.is_alive() and due(company, patience=30)
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
    assert due(company, patience=30)
    company.fetch()
    assert len(posted(company, order, "Came meanwhile")) == 1


def test_idle_ends_with_the_line_and_when_its_time_is_up(company, server, idle):
    with patch.object(mailbox_idle, "LONGEST", 0):
        company.fetch()
    assert due(company, patience=30) and idle() is None, "the mailbox is fetched anew"
    company.fetch()
    waiter = idle()
    dovecot = company.world.dovecot
    dovecot.stop()
    waiter.join(30)
    dovecot.start()
    assert idle() is None and not due(company), "a mailbox that is down is left to the schedule"
    company.fetch()
    assert idle() and not server.error_date
