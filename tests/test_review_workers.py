"""The review, killed in the middle and run side by side: each entry leaves once."""

import os
import signal
import subprocess
import sys
from pathlib import Path
from unittest.mock import patch

import pytest
from workers import side_by_side, transaction

PEOPLE, ENTRIES = 24, 3
SCRIPT = Path(__file__).with_name("killed_review.py")
SIZE = "odoo.addons.notify_routing.models.schedule.notify_review.PEOPLE"


@pytest.fixture
def waiting(registry):
    """Three entries that are due for each of some people; return the partners' ids."""
    with transaction(registry) as env:
        users = env["res.users"].with_context(no_reset_password=True).create(
            [
                {
                    "name": f"User {number}",
                    "login": f"{os.urandom(4).hex()}",
                    "email": f"user{number}@company.example",
                    "group_ids": [(6, 0, env.ref("base.group_user").ids)],
                }
                for number in range(PEOPLE)
            ]
        )  # fmt: skip
        daily = env.ref("notify_routing.schedule_daily")
        env["notify.preference"].create(
            [{"user_id": user.id, "channel": False, "schedule_id": daily.id} for user in users]
        )
        document = env["res.partner"].create({"name": "Document"})
        document.message_subscribe(users.partner_id.ids)
        for number in range(ENTRIES):
            document.message_post(
                body=f"Number {number}", message_type="comment", subtype_xmlid="mail.mt_comment"
            )
        rows = env["notify.review"]._waiting(users)
        assert len(rows) == PEOPLE * ENTRIES
        rows.notify_due = "2020-01-01 08:00:00"
        return users.partner_id.ids


def assert_once(registry, partner_ids):
    """Everybody has one mail, with all their entries, and nothing waits any more."""
    with transaction(registry) as env:
        mails = env["mail.mail"].search([("recipient_ids", "in", partner_ids)])
        assert sorted(mail.recipient_ids.id for mail in mails) == sorted(partner_ids)
        for mail in mails:
            assert all(mail.notify_text.count(f"Number {number}") == 1 for number in range(ENTRIES))
        rows = env["mail.notification"].search([("res_partner_id", "in", partner_ids)])
        assert not any(rows.mapped("notify_due"))
        assert rows.mail_mail_id == mails


def kill(registry, batch, place):
    """Run a review, and kill -9 it at a place."""
    process = subprocess.Popen(
        [
            sys.executable,
            str(SCRIPT),
            os.environ["NOTIFY_CONFIG"],
            registry.db_name,
            str(batch),
            place,
        ],
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout.readline().strip() == "here"
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()
        process.stdout.close()


def test_killed_twice_nobody_misses_an_entry_or_gets_it_twice(registry, waiting):
    kill(registry, 2, "before")
    with transaction(registry) as env:
        queued = env["mail.mail"].search_count([("recipient_ids", "in", waiting)])
    assert queued == 4, "what was committed"
    kill(registry, 3, "after")
    with transaction(registry) as env:
        env["notify.review"]._cron_review()
    assert_once(registry, waiting)


def test_workers_side_by_side_share_the_people(registry, waiting):
    def work():
        with transaction(registry) as env:
            env["notify.review"]._cron_review()

    with patch(SIZE, 2):
        assert not side_by_side(work, 3, seconds=60)
    with transaction(registry) as env:
        # A worker that lost a race for rows leaves them to the next run.
        env["notify.review"]._cron_review()
    assert_once(registry, waiting)
