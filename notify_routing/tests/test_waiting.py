from datetime import timedelta

from odoo import fields
from odoo.exceptions import AccessError

from .common import NotifyCase


class WaitingCase(NotifyCase):
    """Two mails that wait for three hours more; Chloé is a notification manager."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.chloe.group_ids |= cls.env.ref("notify_routing.group_notify_manager")
        cls.message = cls.europe.message_post(body="Later")
        cls.due = fields.Datetime.now() + timedelta(hours=3)
        cls.held = cls.env["mail.notification"].create(
            [
                {
                    "mail_message_id": cls.message.id,
                    "res_partner_id": user.partner_id.id,
                    "notification_type": "email",
                    "notification_status": "ready",
                    "notify_due": cls.due,
                    "notify_event": "message",
                }
                for user in (cls.anna, cls.ben)
            ]
        )
        cls.Waiting = cls.env["notify.waiting"].with_user(cls.chloe)

    def waiting(self):
        return self.Waiting.search([("mail_message_id", "=", self.message.id)])


class TestWaiting(WaitingCase):
    """The managers' window on what is held for people."""

    def test_managers_see_what_is_held_and_until_when(self):
        rows = self.waiting()
        self.assertEqual(rows.partner_id, (self.anna | self.ben).partner_id)
        self.assertEqual(set(rows.mapped("due")), {self.due})
        self.assertEqual(set(rows.mapped("subject")), {"Europe"})

    def test_others_do_not_see_it(self):
        with self.assertRaises(AccessError):
            self.env["notify.waiting"].with_user(self.anna).search([])

    def test_release_makes_it_due_now(self):
        rows = self.waiting()
        rows[0].action_release()
        released = self.held.browse(rows[0].id)
        self.assertLessEqual(released.notify_due, fields.Datetime.now())
        self.assertEqual((self.held - released).notify_due, self.due)

    def test_cancel_stays_on_record(self):
        self.waiting()[0].action_cancel()
        cancelled = self.held.filtered(lambda row: row.notification_status == "canceled")
        self.assertEqual(len(cancelled), 1)
        self.assertIn("Chloé", cancelled.failure_reason)
        self.assertEqual(len(self.waiting()), 1)

    def test_what_left_meanwhile_is_left_alone(self):
        rows = self.waiting()
        self.held.write({"notification_status": "sent", "notify_due": False})
        rows.action_cancel()
        self.assertEqual(set(self.held.mapped("notification_status")), {"sent"})

    def test_other_companies_are_not_seen(self):
        other = self.env["res.company"].create({"name": "Other"})
        self.message.record_company_id = other
        self.assertFalse(self.waiting())
        self.chloe.company_ids |= other
        both = self.Waiting.with_context(allowed_company_ids=(self.env.company | other).ids)
        self.assertEqual(len(both.search([("mail_message_id", "=", self.message.id)])), 2)
