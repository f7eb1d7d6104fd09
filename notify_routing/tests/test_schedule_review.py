from datetime import datetime
from unittest.mock import patch

from freezegun import freeze_time

from odoo.tests import tagged
from odoo.tools import mute_logger

from .test_schedule import ScheduleCase

SLOT = "2026-11-23 07:00:00"


@tagged("post_install", "-at_install")
class TestReview(ScheduleCase):
    """What is due leaves: one as it is, several as one mail, and nothing that should not."""

    def setUp(self):
        super().setUp()
        clock = freeze_time("2026-11-22 10:00:00")
        self.clock = clock.start()
        self.addCleanup(clock.stop)

    def text(self, mail):
        """Return what a mail says, as its plain text."""
        (email,) = mail._prepare_outgoing_list()
        return email["body_alternative"]

    def test_a4_exactly_one_due_is_that_mail(self):
        message = self.post(body="One thing", subject="Subject")
        at_once = self.env["mail.mail"].search([("mail_message_id", "=", message.id)])
        self.clock.move_to(SLOT)
        mail = self.review()
        self.assertEqual(mail.mail_message_id, message)
        self.assertEqual((mail.state, mail.notify_review), ("outgoing", "plain"))
        for name in ("subject", "body_html", "reply_to", "email_from", "references", "headers"):
            with self.subTest(name):
                self.assertEqual(mail[name], at_once[name], "as it would have been")
        row = self.row(message, self.anna)
        self.assertEqual((row.mail_mail_id, row.notify_due), (mail, False))
        self.assertEqual(row.notify_reason, "follower")
        self.assertEqual(len(message.notification_ids), 3)
        self.assertFalse(self.review(), "once")

    def test_a4_several_due_are_one_mail(self):
        other = self.env["res.partner"].create({"name": "Other"})
        other.message_subscribe(self.anna.partner_id.ids)
        messages = self.post(body="First") | self.post(other, body="Second")
        self.clock.move_to("2026-11-22 11:30:00")
        messages |= self.post(body="Third")
        self.clock.move_to(SLOT)
        mail = self.review()
        self.assertEqual((len(mail), mail.recipient_ids), (1, self.anna.partner_id))
        self.assertEqual(mail.subject, "3 news on 2 documents")
        text = self.text(mail)
        places = [text.index(word) for word in ("Document", "First", "Third", "Other", "Second")]
        self.assertEqual(places, sorted(places), "grouped by document, oldest first")
        for row in messages.notification_ids.filtered("notify_left"):
            self.assertEqual((row.mail_mail_id, row.notify_due), (mail, False))
        self.assertFalse(self.review(), "once")

    def test_a5_what_happened_is_told_as_it_happened(self):
        lead = self.env["crm.lead"].create({"name": "Boats", "user_id": False})
        stages = self.env["crm.stage"].search([], limit=3)
        lead.stage_id = stages[0]
        lead.message_subscribe(
            self.anna.partner_id.ids, self.env["mail.message.subtype"].search([]).ids
        )
        self.env.flush_all()
        self.env.cr.flush()
        for stage in stages[1:]:
            lead.stage_id = stage
            self.env.flush_all()
            self.env.cr.flush()
        self.clock.move_to(SLOT)
        text = self.text(self.review())
        self.assertIn(f"{stages[0].name} -> {stages[1].name}", text)
        self.assertIn(f"{stages[1].name} -> {stages[2].name}", text)

    def test_digest_in_the_readers_language_and_zone(self):
        self.env["res.lang"]._activate_lang("fr_FR")
        self.anna.write({"lang": "fr_FR", "tz": "Asia/Kolkata"})
        self.post(body="Un")
        self.post(body="Deux")
        self.clock.move_to(SLOT)
        mail = self.review()
        self.assertIn("22/11/2026 15:30", self.text(mail))
        self.assertIn('lang="fr_FR"', mail.body_html)

    def test_a_hundred_on_one_document_collapse(self):
        for number in range(100):
            self.post(body=f"Number {number}.")
        self.clock.move_to(SLOT)
        mail = self.review()
        text = self.text(mail)
        self.assertEqual(mail.subject, "100 news on Document")
        self.assertIn("and 90 earlier", text)
        self.assertNotIn("Number 89.", text)
        self.assertIn("Number 90.", text)
        self.assertLess(len(mail.body_html), 20_000)

    def test_digest_of_one_document_is_answered_there(self):
        messages = self.post(body="A") | self.post(body="B")
        self.clock.move_to(SLOT)
        mail = self.review()
        self.assertEqual(mail.reply_to, messages[-1].reply_to)
        self.assertIn(messages[-1].message_id, mail.references)

    def test_digest_follows_the_fate_of_its_mail(self):
        messages = self.post(body="A") | self.post(body="B")
        self.clock.move_to(SLOT)
        mail = self.review()
        own = mail.mail_message_id
        mail._postprocess_sent_message(self.anna.partner_id, [])
        rows = messages.notification_ids.filtered(
            lambda row: row.res_partner_id == self.anna.partner_id
        )
        self.assertEqual(set(rows.mapped("notification_status")), {"sent"})
        self.assertFalse(mail.exists() or own.exists(), "the digest's own message goes with it")
        self.assertTrue(messages.exists())

    def test_says_why_and_how_to_stop_it(self):
        for body in ("A", "B"):
            self.post(body=body)
        self.clock.move_to(SLOT)
        mail = self.review()
        (email,) = mail._prepare_outgoing_list()
        self.assertIn("by the schedule “Every day”", email["body_alternative"])
        self.assertIn("/odoo/my-notifications", email["body_alternative"])
        self.assertIn("/odoo/my-notifications", email["body"])
        self.assertEqual(email["headers"]["List-Unsubscribe-Post"], "List-Unsubscribe=One-Click")
        self.assertEqual(email["headers"]["Auto-Submitted"], "auto-generated")

    # ------------------------------------------------------------
    # CHECKED AGAIN
    # ------------------------------------------------------------

    def test_n10_held_then_access_is_revoked(self):
        message = self.post()
        self.env["ir.rule"].create(
            {
                "name": "Not any more",
                "model_id": self.env["ir.model"]._get_id("res.partner"),
                "domain_force": [("id", "!=", self.document.id)],
                "perm_read": True,
            }
        )
        self.clock.move_to(SLOT)
        self.assertFalse(self.review())
        self.assertEqual(self.dropped(), {("Anna", "no_access")})
        self.assertEqual(self.row(message, self.anna).notification_status, "canceled")

    def test_n10_access_is_asked_for_each_reader_where_rules_speak_of_them(self):
        self.wants(self.chloe, schedule_id=self.daily.id)
        message = self.post()
        self.env["ir.rule"].create(
            {
                "name": "Only Anna",
                "model_id": self.env["ir.model"]._get_id("res.partner"),
                "domain_force": f"[(1, '=', 1)] if user.id != {self.chloe.id} else"
                f" [('id', '!=', {self.document.id})]",
            }
        )
        self.clock.move_to(SLOT)
        self.assertEqual(self.review().recipient_ids, self.anna.partner_id)
        self.assertEqual(self.dropped(), {("Chloé", "no_access")})
        row = self.row(message, self.chloe)
        self.assertEqual((row.notification_type, row.notification_status), ("inbox", "sent"))
        self.assertFalse(row.is_read, "in Odoo it stays as it was")

    def test_n12_document_is_deleted_meanwhile(self):
        self.post()
        self.document.unlink()
        self.clock.move_to(SLOT)
        self.assertFalse(self.review())
        gone = self.env["notify.suppression"].search([("partner_id", "=", self.anna.partner_id.id)])
        self.assertEqual((gone.reason, gone.document_name), ("gone", "Document"))

    def test_still_unread_is_asked_if_wanted(self):
        self.wants(self.chloe, schedule_id=self.daily.id)
        for recheck, told in (("exists", True), ("none", True), ("unread", False)):
            with self.subTest(recheck):
                self.env["ir.config_parameter"].set_param("notify_routing.recheck", recheck)
                self.clock.move_to("2026-11-22 10:00:00")
                message = self.post()
                self.row(message, self.chloe).is_read = True
                self.clock.move_to(SLOT)
                told_people = self.review().recipient_ids
                self.assertEqual(self.chloe.partner_id in told_people, told)
                self.assertIn(self.anna.partner_id, told_people, "who is not told in Odoo")
        self.assertEqual(self.dropped(), {("Chloé", "read")})

    def test_person_is_archived_meanwhile(self):
        self.post()
        self.anna.active = False
        self.anna.partner_id.active = False
        self.clock.move_to(SLOT)
        self.assertFalse(self.review())
        self.assertEqual(self.dropped(), {("Anna", "inactive")})

    def test_person_without_address_meanwhile_shows_as_failed(self):
        message = self.post()
        self.anna.partner_id.email = False
        self.clock.move_to(SLOT)
        self.assertFalse(self.review())
        row = self.row(message, self.anna)
        self.assertEqual(
            (row.notification_status, row.failure_type), ("exception", "mail_email_missing")
        )
        self.assertEqual(self.dropped(), {("Anna", "no_address")})

    def test_server_that_slept_for_two_days_sends_one_mail(self):
        for day in (22, 23, 24):
            self.clock.move_to(f"2026-11-{day} 10:00:00")
            self.post(body=f"Day {day}")
        self.clock.move_to("2026-11-26 03:00:00")
        mail = self.review()
        self.assertEqual(len(mail), 1)
        self.assertEqual(mail.subject, "3 news on Document")

    def test_one_mail_that_cannot_be_made_holds_up_nobody_else(self):
        self.wants(self.chloe, schedule_id=self.daily.id)
        self.post(body="A")
        bad = self.post(body="B")
        bad.notification_ids.filtered(lambda row: row.res_partner_id == self.chloe.partner_id)
        original = type(self.Review)._digest_values

        def values(review, reading, who, *args):
            if who == self.chloe.partner_id.id:
                raise ValueError("no layout")
            return original(review, reading, who, *args)

        self.clock.move_to(SLOT)
        with (
            patch.object(type(self.Review), "_digest_values", values),
            mute_logger("odoo.addons.notify_routing.models.schedule.notify_review"),
        ):
            self.assertEqual(self.review().recipient_ids, self.anna.partner_id)
        row = self.row(bad, self.chloe)
        self.assertEqual((row.notification_status, row.failure_reason), ("exception", "no layout"))

    def test_queries_grow_little_with_people(self):
        people = self.env["res.users"].create(
            [
                {
                    "name": f"User {number}",
                    "login": f"user{number}",
                    "tz": "Europe/Paris",
                    "email": f"user{number}@company.example",
                    "group_ids": [(6, 0, self.env.ref("base.group_user").ids)],
                }
                for number in range(60)
            ]
        )
        self.Preference.create(
            [
                {"user_id": user.id, "channel": False, "schedule_id": self.daily.id}
                for user in people
            ]
        )
        counts = {}
        for size in (10, 60):
            self.clock.move_to("2026-11-22 10:00:00")
            document = self.env["res.partner"].create({"name": "Many"})
            document.message_subscribe(people[:size].partner_id.ids)
            for number in range(3):
                self.post(document, body=f"Number {number}")
            self.clock.move_to(SLOT)
            self.env.flush_all()
            self.env.invalidate_all()
            before = self.env.cr.sql_log_count
            self.assertEqual(len(self.review()), size)
            counts[size] = self.env.cr.sql_log_count - before
            self.clock.move_to("2026-11-22 10:00:00")
        self.assertLess((counts[60] - counts[10]) / 50, 0.2, counts)


@tagged("post_install", "-at_install")
class TestBurst(ScheduleCase):
    """A line that waits makes one mail of a burst, for externals too."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.scheme = cls.env["notify.scheme"].create(
            {"name": "Leads", "model_id": cls.env["ir.model"]._get_id("crm.lead")}
        )
        cls.lead = cls.env["crm.lead"].create(
            {"name": "Boats", "user_id": False, "partner_id": cls.client.id}
        )
        role = cls.env["notify.role"].create(
            {
                "name": "Customer",
                "code": "customer_x",
                "path": "partner_id",
                "model_id": cls.scheme.model_id.id,
            }
        )
        cls.env["notify.scheme.line"].create(
            {
                "scheme_id": cls.scheme.id,
                "event_id": cls.env.ref("notify_routing.event_file_added").id,
                "role_id": role.id,
                "email": True,
                "wait": 5,
                "own_act": True,
            }
        )
        cls.env.cr.flush()

    def setUp(self):
        super().setUp()
        clock = freeze_time("2026-11-22 10:00:00")
        self.clock = clock.start()
        self.addCleanup(clock.stop)

    def upload(self, name):
        file = self.env["ir.attachment"].create(
            {"name": name, "raw": name.encode(), "res_model": "crm.lead", "res_id": self.lead.id}
        )
        # Each file is an act of its own, as in a request of its own.
        self.env.cr.flush()
        return file

    def test_n11_ten_files_one_mail(self):
        for number in range(10):
            self.clock.move_to(f"2026-11-22 10:00:{number * 5:02}")
            self.upload(f"A-{number}.pdf")
        rows = self.env["mail.notification"].search([("res_partner_id", "=", self.client.id)])
        self.assertEqual(rows.mapped("notify_due"), [datetime(2026, 11, 22, 10, 5)] * 10)
        self.assertFalse(self.review(), "not yet")
        self.clock.move_to("2026-11-22 10:05:00")
        mail = self.review()
        self.assertEqual((len(mail), mail.recipient_ids), (1, self.client))
        for number in range(10):
            self.assertIn(f"A-{number}.pdf", mail.body_html)
        self.upload("B.pdf")
        rows = self.env["mail.notification"].search([("notify_due", "!=", False)])
        self.assertEqual(rows.notify_due, datetime(2026, 11, 22, 10, 10), "the next window")

    def test_n12_files_deleted_in_the_window_drop_out(self):
        files = [self.upload(f"A-{number}.pdf") for number in range(4)]
        (files[1] | files[3]).unlink()
        self.clock.move_to("2026-11-22 10:05:00")
        mail = self.review()
        for number, told in enumerate((True, False, True, False)):
            self.assertEqual(f"A-{number}.pdf" in mail.body_html, told)
        self.assertEqual(self.dropped(), {("Mister Client", "gone")})

    def test_n12_one_of_two_files_of_one_act_drops_out(self):
        values = {"raw": b"x", "res_model": "crm.lead", "res_id": self.lead.id}
        one, _two = self.env["ir.attachment"].create(
            [{"name": "One.pdf", **values}, {"name": "Two.pdf", **values}]
        )
        self.env.cr.flush()
        one.unlink()
        self.clock.move_to("2026-11-22 10:05:00")
        mail = self.review()
        self.assertNotIn("One.pdf", mail.body_html)
        self.assertIn("File added: Two.pdf", mail.body_html)

    def test_n12_all_files_deleted_nothing_leaves(self):
        for number in range(3):
            self.upload(f"A-{number}.pdf").unlink()
        file = self.upload("B.pdf")
        self.clock.move_to("2026-11-22 10:01:00")
        file.unlink()
        self.clock.move_to("2026-11-22 10:05:00")
        self.assertFalse(self.review())
        self.assertEqual(self.dropped(), {("Mister Client", "gone")})

    def test_without_recheck_deleted_files_are_told(self):
        self.env["ir.config_parameter"].set_param("notify_routing.recheck", "none")
        self.upload("A.pdf").unlink()
        self.clock.move_to("2026-11-22 10:05:00")
        self.assertIn("A.pdf", self.review().body_html)

    def test_a_single_file_is_its_plain_mail(self):
        self.upload("A.pdf")
        self.clock.move_to("2026-11-22 10:05:00")
        self.assertEqual(self.review().notify_review, "plain")

    def test_a_schedule_holds_longer_than_the_window(self):
        self.lead.partner_id = self.anna.partner_id
        self.env.cr.flush()
        self.upload("A.pdf")
        row = self.env["mail.notification"].search([("notify_due", "!=", False)])
        self.assertEqual((row.notify_due, row.notify_burst), (datetime(2026, 11, 23, 7), False))
