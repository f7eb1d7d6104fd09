"""Beside OCA's mail_tracking and mail_post_defer: who is told stays the same, and each hears of
what became of a mail."""

import os
import uuid

import pytest

from machine_room import addons, databases, paths
from machine_room.addons import Addon
from machine_room.company import Company, outside_of_tests
from machine_room.mailworld import Refuse

NAMES = ("mail_tracking", "mail_post_defer")


@pytest.fixture(scope="module")
def company(world):
    """A company with the addons of others beside ours."""
    try:
        folder = addons.fetched(addons.NEIGHBOURS)
    except addons.Unreachable as error:
        pytest.skip(str(error))
    server = databases.configured()
    name = f"neighbours_{uuid.uuid4().hex[:8]}"
    with outside_of_tests():
        server.copy(os.environ["NOTIFY_TEMPLATE"], name)
        try:
            addons.install(
                server,
                name,
                [Addon(folder / neighbour) for neighbour in NAMES],
                [paths.ROOT, addons.fetched(addons.OTHERS), folder],
                what=f"Installing {', '.join(NAMES)}",
                log="neighbours-install",
            )
            with Company(name, world) as odoo_company:
                yield odoo_company
        finally:
            server.drop(name)


@pytest.fixture
def order(company):
    company.queue_only()
    return company.empty(company.quotation(by="anna"))


def send(company):
    """Let the half minute pass for which messages are deferred, and what waits leave."""
    company.env.cr.execute(
        "UPDATE mail_message_schedule SET scheduled_datetime = now() - interval '1 second'"
    )
    company.run_action("mail.ir_cron_send_scheduled_message")
    company.env["notify.delivery"]._drain()
    company.commit()


def trackings(company, message):
    return company.env["mail.tracking.email"].search([("mail_message_id", "=", message.id)])


def test_a_deferred_message_is_routed_when_it_leaves(company, order):
    users = company.users
    company.follow(order, users["ben"], users["chloe"])
    company.as_user(company.env["notify.bell"], "chloe").set_bell("sale.order", order.id, "mute")
    company.commit()
    with company.letters() as letters:
        message = company.post(order, "Hello", by="anna", to=[company.partner])
        assert not company.told(message), "nobody is told yet"
    assert not letters
    with company.letters() as letters:
        send(company)
    assert company.told(message) == {"Mister Client": "email", "Ben": "inbox"}
    assert [letter.recipients for letter in letters] == [["client@customer.example"]]


def test_a_mail_that_the_queue_sends_is_tracked(company, order):
    message = company.post(order, "Hello", by="anna", to=[company.partner])
    with company.letters() as letters:
        send(company)
    (letter,) = letters
    (tracking,) = trackings(company, message)
    assert int(letter.email["X-Odoo-MailTracking-ID"]) == tracking.id
    assert tracking.state == "sent" and tracking.tracking_event_ids.event_type == "sent"


def test_a_mail_that_a_server_refuses_is_tracked_as_an_error(company, order):
    company.world.relay.rule(Refuse("550 5.1.1 no such user", at="RCPT", times=1))
    message = company.post(order, "Hello", by="anna", to=[company.partner])
    send(company)
    (tracking,) = trackings(company, message)
    assert tracking.state == "error"
    assert "no such user" in tracking.error_description
    assert message.notification_ids.notification_status == "exception"
