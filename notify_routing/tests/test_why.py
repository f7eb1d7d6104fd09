from contextlib import suppress
from datetime import timedelta
from unittest.mock import patch

from odoo import fields
from odoo.exceptions import AccessError, UserError
from odoo.tests import tagged
from odoo.tests.common import new_test_user

from .test_bell import BellCase


@tagged("post_install", "-at_install")
class TestWhy(BellCase):
    def why(self, message, user=None):
        return message.with_user(user or self.chloe).read_why()

    def test_why_lists_everybody_internal_people_first(self):
        self.subscribe("team", team_id=self.europe.id, model="res.partner", level="everything")
        self.document.message_subscribe((self.anna | self.chloe).partner_id.ids)
        message = self.post(partner_ids=self.client.ids)
        why = self.why(message)
        self.assertEqual(
            (why["event"], why["author"], why["subject"]), ("Message", "Ben", "Document")
        )
        self.assertFalse(why["forgotten"])
        self.assertEqual(
            [
                (row["name"], row["external"], row["channel"], row["reason"], row["because"])
                for row in why["rows"]
            ],
            [
                (
                    "Anna",
                    False,
                    "E-mail",
                    "follows the document and this kind of event",
                    "from team Europe",
                ),
                (
                    "Chloé",
                    False,
                    "E-mail and in Odoo",
                    "follows the document and this kind of event",
                    "from team Europe",
                ),
                ("Mister Client", True, "E-mail", "was chosen as recipient", False),
            ],
        )
        self.assertEqual(why["rows"][-1]["email"], "client@customer.example")

    def test_why_is_not_lost_when_a_neighbour_rolls_a_savepoint_back(self):
        Partner = self.registry["res.partner"]
        origin = Partner._notify_by_email_get_final_mail_values

        def fail_and_go_on(document, *args, **kwargs):
            with suppress(RuntimeError), document.env.cr.savepoint():
                raise RuntimeError("A neighbour fails, and knows what to do then")
            return origin(document, *args, **kwargs)

        with patch.object(Partner, "_notify_by_email_get_final_mail_values", fail_and_go_on):
            message = self.post(partner_ids=self.client.ids)
        self.assertEqual(message.notification_ids.notify_reason, "direct")

    def test_why_nobody(self):
        message = self.post()
        why = self.why(message)
        self.assertEqual((why["event"], why["rows"]), ("Message", []))
        self.assertEqual(self.why(self.post(subtype_id=self.note.id))["event"], "Note")

    def test_why_names_the_announced_change(self):
        subtype = self.env["mail.message.subtype"].create(
            {"name": "Won", "res_model": "res.partner"}
        )
        message = self.post(subtype_id=subtype.id, message_type="notification")
        self.assertEqual(self.why(message)["event"], "Announced change: Won")

    def test_why_says_what_failed(self):
        message = self.post(partner_ids=self.client.ids)
        message.notification_ids.sudo().write(
            {"notification_status": "exception", "failure_reason": "550 no such user"}
        )
        [row] = self.why(message)["rows"]
        self.assertEqual((row["state"], row["state_name"]), ("exception", "Exception"))
        self.assertEqual(row["failure"], "550 no such user")
        message.notification_ids.sudo().write(
            {
                "notification_status": "bounce",
                "failure_type": "mail_email_invalid",
                "failure_reason": False,
            }
        )
        [row] = self.why(message)["rows"]
        self.assertEqual((row["state_name"], row["failure"]), ("Bounced", "Invalid email address"))

    def test_why_says_who_read_it_in_odoo(self):
        message = self.post(partner_ids=(self.chloe | self.anna).partner_id.ids)
        self.assertEqual([row["read"] for row in self.why(message)["rows"]], [False, False])
        message.with_user(self.chloe).set_message_done()
        read = {row["name"]: row["read"] for row in self.why(message)["rows"]}
        self.assertEqual(read, {"Anna": False, "Chloé": True})

    def test_why_an_old_message_may_have_been_told_to_more(self):
        message = self.post()
        message.date = fields.Datetime.now() - timedelta(days=400)
        self.assertTrue(self.why(message)["forgotten"])

    def test_why_refuses_externals_and_who_may_not_read(self):
        portal = new_test_user(self.env, "portal", "base.group_portal", email="p@customer.example")
        self.document.message_subscribe(portal.partner_id.ids)
        message = self.post()
        with self.assertRaisesRegex(UserError, "Only internal users"):
            self.why(message, portal)
        self.env["ir.rule"].create(
            {
                "name": "Nobody sees the document",
                "model_id": self.env["ir.model"]._get_id("res.partner"),
                "domain_force": f"[('id', '!=', {self.document.id})]",
            }
        )
        with self.assertRaises(AccessError):
            self.why(message, self.anna)

    def test_why_costs_the_same_for_many(self):
        people = self.env["res.partner"].create(
            [{"name": f"Contact {n}", "email": f"c{n}@customer.example"} for n in range(60)]
        )
        self.subscribe("team", team_id=self.europe.id, model="res.partner", level="everything")
        self.document.message_subscribe((self.anna | self.chloe).partner_id.ids)
        with patch.object(type(self.env["mail.mail"]), "send", lambda *args, **kwargs: True):
            message = self.post(partner_ids=people.ids)
        self.why(message)
        self.env.invalidate_all()
        with self.assertQueryCount(12):
            self.assertEqual(len(self.why(message)["rows"]), 62)
