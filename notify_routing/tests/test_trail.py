from freezegun import freeze_time

from odoo.exceptions import AccessError, UserError
from odoo.fields import Domain
from odoo.tests import new_test_user, tagged

from .common import NotifyCase


@tagged("post_install", "-at_install")
class TestTrail(NotifyCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.document = cls.env["res.partner"].create({"name": "Document"})
        cls.customer = cls.env["res.partner"].create(
            {"name": "Mister Client", "email": "Mister.Client@Customer.example"}
        )
        cls.Trail = cls.env["notify.trail"]

    def post(self, partners, **values):
        values = {"message_type": "comment", "subtype_xmlid": "mail.mt_comment", **values}
        message = self.document.with_context(mail_notify_force_send=False).message_post(
            body="Hello", partner_ids=partners.ids, **values
        )
        self.env.flush_all()
        return message

    def deliver(self, message, partner, **values):
        row = message.sudo().notification_ids.filtered(lambda row: row.res_partner_id == partner)
        self.env["notify.delivery"].create(
            {
                "mail_message_id": message.id,
                "notification_id": row.id,
                "partner_id": partner.id,
                "email": partner.email_normalized,
                "res_model": message.model,
                "res_id": message.res_id,
                "state": "sent",
                "code": 250,
                "reply": "2.0.0 OK",
                **values,
            }
        )
        row.notification_status = "sent"
        self.env.flush_all()

    def test_n9_three_linked_rows(self):
        message = self.post(self.customer)
        self.deliver(message, self.customer)
        rows = self.Trail.search([("mail_message_id", "=", message.id)])
        self.assertEqual(set(rows.mapped("stage")), {"event", "decision", "delivery"})
        self.assertEqual(set(rows.mapped("document")), {"Document"})
        found = self.Trail.search(
            [("model", "=", "res.partner"), ("res_id", "=", self.document.id)]
        )
        self.assertLessEqual(rows, found)
        by_action = self.Trail.search([("event", "=", "message"), ("stage", "=", "decision")])
        self.assertIn(message, by_action.mail_message_id)
        chain = self.Trail.chain(message.id, self.customer.id)
        self.assertEqual(
            [step["stage"] for step in chain["steps"]], ["event", "decision", "delivery"]
        )
        self.assertFalse(chain["missing"])
        self.assertEqual(chain["steps"][-1]["answer"], "2.0.0 OK")

    def test_n9_first_missing_row_names_the_stage_that_failed(self):
        message = self.post(self.customer)
        chain = self.Trail.chain(message.id, self.customer.id)
        self.assertEqual(chain["missing"], "delivery")
        self.assertIn("queue", chain["sentence"])
        nobody = self.env["res.partner"].create({"name": "Nobody"})
        chain = self.Trail.chain(message.id, nobody.id)
        self.assertEqual(chain["missing"], "decision")
        self.assertIn("not considered", chain["sentence"])

    def test_in_app_people_need_no_delivery(self):
        message = self.post(self.ben.partner_id)
        self.assertFalse(self.Trail.chain(message.id, self.ben.partner_id.id)["missing"])

    def test_n13_all_mail_to_an_address_without_a_keyword(self):
        first = self.post(self.customer)
        self.deliver(first, self.customer)
        second = self.post(self.customer)
        self.post(self.chloe.partner_id)
        for written in (
            "mister.client@customer.example",
            "Mister Client <MISTER.CLIENT@customer.example>",
        ):
            rows = self.Trail.search([("address", "=", written)])
            self.assertEqual(rows.mail_message_id, first | second)
            self.assertEqual(set(rows.mapped("stage")), {"decision", "delivery"})

    def test_address_that_is_no_contact(self):
        message = self.post(self.env["res.partner"])
        self.env["mail.notification"].create(
            {
                "mail_message_id": message.id,
                "mail_email_address": "New@Customer.example",
                "notification_type": "email",
            }
        )
        self.env.flush_all()
        rows = self.Trail.search([("address", "=", "new@customer.example")])
        self.assertEqual(rows.mail_message_id, message)
        self.assertFalse(rows.partner_id)

    def test_n2_delivered_row_says_where_to_look_next(self):
        message = self.post(self.customer)
        self.deliver(message, self.customer)
        (row,) = message.read_why()["rows"]
        self.assertIn("spam", row["hint"])
        self.assertIn("quarantine", row["hint"])
        delivery = self.Trail.search(
            [("mail_message_id", "=", message.id), ("stage", "=", "delivery")]
        )
        self.assertIn("spam", delivery.hint)

    @freeze_time("2026-11-22 17:00:00")
    def test_held_row_says_until_when(self):
        """Odoo's own word for it is “Ready to Send”, as if it were about to leave."""
        message = self.post(self.customer)
        message.sudo().notification_ids.notify_due = "2026-11-23 08:00:00"
        self.env.user.tz = "UTC"
        (row,) = message.read_why()["rows"]
        self.assertEqual((row["state"], row["state_name"]), ("held", "Held until Monday 08:00"))
        self.assertIn("schedule", row["hint"])
        step = self.Trail.chain(message.id, self.customer.id)["steps"][1]
        self.assertEqual(step["state"], "Held until Monday 08:00")
        held = Domain("due", "!=", False) & Domain("mail_message_id", "=", message.id)
        found = self.Trail.search(held)
        self.assertEqual((found.stage, found.state), ("decision", "ready"))
        self.assertEqual(found.outcome, "Held until Monday 08:00")
        self.assertEqual(found.hint, row["hint"])
        # What has failed meanwhile is held no more.
        message.sudo().notification_ids.notification_status = "exception"
        found.invalidate_recordset()
        self.assertEqual(found.outcome, "Failed")

    def test_people_see_their_own_and_managers_everything(self):
        message = self.post(self.customer | self.ben.partner_id)
        own = self.Trail.with_user(self.ben).search([("mail_message_id", "=", message.id)])
        self.assertEqual(own.partner_id, self.ben.partner_id)
        self.assertEqual(
            self.Trail.with_user(self.ben).search([("is_mine", "=", True)]).partner_id,
            self.ben.partner_id,
        )
        manager = new_test_user(self.env, "boss", "notify_routing.group_notify_manager")
        seen = self.Trail.with_user(manager).search([("mail_message_id", "=", message.id)])
        self.assertEqual(len(seen), 3)
        portal = new_test_user(self.env, "portal", "base.group_portal")
        with self.assertRaises(AccessError):
            self.Trail.with_user(portal).search([])

    def test_n12_what_was_deleted_with_its_document_stays_in_the_trail(self):
        self.env["notify.suppression"].create(
            {
                "res_model": "res.partner",
                "res_id": 10**6,
                "partner_id": self.ben.partner_id.id,
                "channel": "email",
                "reason": "gone",
            }
        )
        self.env.flush_all()
        row = self.Trail.search([("model", "=", "res.partner"), ("res_id", "=", 10**6)])
        self.assertEqual((row.state, row.reason), ("suppressed", "gone"))

    def test_other_companies_are_not_seen(self):
        self.document.company_id = self.env["res.company"].create({"name": "Other"})
        message = self.post(self.ben.partner_id)
        own = self.Trail.with_user(self.ben)
        self.assertFalse(own.search([("mail_message_id", "=", message.id)]))

    def test_documents_that_one_may_not_read_are_not_named(self):
        server = self.env["ir.mail_server"].create({"name": "Secret", "smtp_host": "localhost"})
        message = self.post(self.ben.partner_id)
        message.sudo().write({"model": "ir.mail_server", "res_id": server.id})
        self.env.flush_all()
        trail = self.Trail.search([("mail_message_id", "=", message.id)], limit=1)
        self.assertEqual(trail.document, "Secret")
        row = self.Trail.with_user(self.ben).search([("mail_message_id", "=", message.id)])
        self.assertEqual(row.document, f"Mail Server #{server.id}")

    # ------------------------------------------------------------
    # WHY NOT
    # ------------------------------------------------------------

    def why_not(self, message, user):
        return message.read_why_not(user.partner_id.id)

    def test_why_not_who_does_not_follow(self):
        answer = self.why_not(self.post(self.customer), self.ben)
        self.assertFalse(answer["told"])
        self.assertIn("does not follow", answer["sentence"])

    def test_why_not_who_follows_other_events(self):
        self.document.message_subscribe(
            self.ben.partner_id.ids, subtype_ids=self.env.ref("mail.mt_note").ids
        )
        answer = self.why_not(self.post(self.customer), self.ben)
        self.assertIn("but not “Discussions”", answer["sentence"])

    def test_why_not_who_muted(self):
        self.document.message_subscribe(self.ben.partner_id.ids)
        self.env["notify.bell"].with_user(self.ben).set_bell(
            "res.partner", self.document.id, level="mute"
        )
        answer = self.why_not(self.post(self.customer), self.ben)
        self.assertIn("muted", answer["sentence"])
        self.assertFalse(answer["chain"]["sentence"], "it is not said that Ben does not follow")

    def test_why_not_the_author(self):
        message = self.post(self.customer)
        answer = message.read_why_not(message.author_id.id)
        self.assertEqual(answer["sentence"], "did it themselves")
        self.assertFalse(answer["chain"]["sentence"], "that is all there is to say")
        answer = self.why_not(message, self.ben)
        self.assertIn("was not considered", answer["chain"]["sentence"])

    def test_why_not_who_was_told(self):
        answer = self.why_not(self.post(self.ben.partner_id), self.ben)
        self.assertTrue(answer["told"])

    def test_why_not_after_the_document_is_gone(self):
        other = self.env["res.partner"].create({"name": "Short-lived"})
        message = other.message_post(body="Hello")
        message.sudo().res_id = 0
        self.assertIn("deleted", self.why_not(message, self.ben)["sentence"])

    def test_why_not_is_for_colleagues(self):
        message = self.post(self.customer)
        portal = new_test_user(self.env, "portal", "base.group_portal")
        with self.assertRaisesRegex(UserError, "Only internal users"):
            message.with_user(portal).read_why_not(self.ben.partner_id.id)
