from datetime import date, datetime, timedelta

from freezegun import freeze_time

from odoo.exceptions import AccessError, ValidationError
from odoo.tests import new_test_user, tagged

from .common import NotifyCase


class ScheduleCase(NotifyCase):
    """Anna gets e-mail every day at eight, in Paris; Ben in-app, Chloé both."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.Preference = cls.env["notify.preference"]
        cls.Review = cls.env["notify.review"]
        cls.daily = cls.env.ref("notify_routing.schedule_daily")
        cls.at_once = cls.env.ref("notify_routing.schedule_now")
        (cls.anna | cls.ben | cls.chloe).tz = "Europe/Paris"
        cls.wants(cls.anna, schedule_id=cls.daily.id)
        cls.document = cls.env["res.partner"].create({"name": "Document"})
        cls.document.message_subscribe(
            (cls.anna | cls.ben | cls.chloe).partner_id.ids, (cls.comment | cls.note).ids
        )

    @classmethod
    def wants(cls, user, **values):
        """Write what somebody wants for everything, or with ``model`` for one type."""
        model = values.pop("model", None)
        model_id = cls.env["ir.model"]._get_id(model) if model else False
        row = cls.Preference.search([("user_id", "=", user.id), ("model_id", "=", model_id)])
        if row:
            row.write(values)
        else:
            row = cls.Preference.create(
                {"user_id": user.id, "model_id": model_id, "channel": False, **values}
            )
        return row

    def post(self, document=None, body="Hello", **values):
        values = {"message_type": "comment", "subtype_id": self.comment.id, **values}
        return (document or self.document).message_post(body=body, **values).sudo()

    def row(self, message, user):
        return message.notification_ids.filtered(lambda row: row.res_partner_id == user.partner_id)

    def due(self, user, **values):
        """Return when the e-mail of a new message leaves, for one person."""
        return self.row(self.post(**values), user).notify_due

    def review(self):
        """Run the review; return the mails that it made."""
        known = self.env["mail.mail"].search([])
        self.env.flush_all()
        held = self.Review._claim()
        if held:
            self.Review._release(held)
        self.env.invalidate_all()
        return self.env["mail.mail"].search([]) - known

    def dropped(self):
        return {
            (row.partner_id.name, row.reason) for row in self.env["notify.suppression"].search([])
        }


@tagged("post_install", "-at_install")
class TestHold(ScheduleCase):
    """What may wait is a row that is due; what may not leaves as ever."""

    @freeze_time("2026-11-22 10:00:00")
    def test_a3_held_until_the_slot_of_the_review(self):
        message = self.post()
        row = self.row(message, self.anna)
        self.assertEqual(row.notify_due, datetime(2026, 11, 23, 7))
        self.assertEqual((row.notification_type, row.notification_status), ("email", "ready"))
        self.assertFalse(row.mail_mail_id)
        mails = self.env["mail.mail"].search([("mail_message_id", "=", message.id)])
        self.assertEqual(mails.recipient_ids, self.chloe.partner_id)
        cron = self.env.ref("notify_routing.ir_cron_review")
        triggers = self.env["ir.cron.trigger"].search([("cron_id", "=", cron.id)])
        self.assertIn(datetime(2026, 11, 23, 7), triggers.mapped("call_at"))

    @freeze_time("2026-11-22 10:00:00")
    def test_one_slot_wakes_the_review_once(self):
        for _time in range(3):
            self.post()
        cron = self.env.ref("notify_routing.ir_cron_review")
        triggers = self.env["ir.cron.trigger"].search([("cron_id", "=", cron.id)])
        self.assertEqual(len(triggers), 1)

    @freeze_time("2026-11-22 10:00:00")
    def test_a7_direct_messages_and_mentions_pass(self):
        self.assertFalse(self.due(self.anna, partner_ids=self.anna.partner_id.ids))
        self.document.message_notify(
            body="For you", partner_ids=self.anna.partner_id.ids, subject="You"
        )
        row = self.env["mail.notification"].search(
            [("res_partner_id", "=", self.anna.partner_id.id)], order="id DESC", limit=1
        )
        self.assertEqual((row.notify_event, row.notify_due), ("direct", False))

    @freeze_time("2026-11-22 10:00:00")
    def test_externals_are_told_at_once(self):
        portal = new_test_user(self.env, "portal", "base.group_portal", email="p@customer.example")
        self.document.message_subscribe((self.client | portal.partner_id).ids, self.comment.ids)
        message = self.post()
        for person in (self.client, portal.partner_id):
            row = message.notification_ids.filtered(
                lambda row, person=person: row.res_partner_id == person
            )
            self.assertFalse(row.notify_due)
            self.assertTrue(row.mail_mail_id)

    @freeze_time("2026-11-22 10:00:00")
    def test_both_in_app_at_once_and_email_held_in_one_row(self):
        self.wants(self.chloe, schedule_id=self.daily.id)
        message = self.post()
        row = self.row(message, self.chloe)
        self.assertEqual(len(row), 1)
        self.assertTrue(row.notify_in_app and row.notify_due and not row.is_read)
        self.assertEqual(row.notification_type, "email")
        inbox = self.env["mail.message"].with_user(self.chloe).search([("needaction", "=", True)])
        self.assertIn(message, inbox)

    @freeze_time("2026-11-22 10:00:00")
    def test_in_app_never_waits(self):
        self.wants(self.ben, schedule_id=self.daily.id)
        row = self.row(self.post(), self.ben)
        self.assertEqual((row.notification_type, row.notify_due), ("inbox", False))

    @freeze_time("2026-11-22 10:00:00")
    def test_document_type_and_event_class(self):
        self.wants(self.anna, model="res.partner", schedule_id=self.at_once.id)
        self.assertFalse(self.due(self.anna))
        lead = self.env["crm.lead"].create({"name": "Lead", "user_id": False})
        lead.message_subscribe(self.anna.partner_id.ids, (self.comment | self.note).ids)
        self.assertEqual(self.due(self.anna, document=lead), datetime(2026, 11, 23, 7))
        monday = self.env.ref("notify_routing.schedule_monday")
        self.wants(self.anna, note_schedule_id=monday.id)
        note = {"subtype_id": self.note.id}
        self.assertEqual(self.due(self.anna, document=lead, **note), datetime(2026, 11, 23, 7))
        monday.at = 9
        self.assertEqual(self.due(self.anna, document=lead, **note), datetime(2026, 11, 23, 8))
        self.assertEqual(self.due(self.anna, document=lead), datetime(2026, 11, 23, 7))
        self.assertFalse(self.due(self.anna, **note), "the document type comes first")

    def test_quiet_hours_hold_and_silence(self):
        self.wants(self.ben, quiet_from=22, quiet_to=7)
        self.wants(self.chloe, quiet_from=22, quiet_to=7)
        with freeze_time("2026-11-22 22:30:00"):
            message = self.post()
            self.assertEqual(self.row(message, self.chloe).notify_due, datetime(2026, 11, 23, 6))
            self.assertFalse(self.row(message, self.ben).notify_due)
            recipients = self.document._notify_get_recipients(message, {})
            quiet = [data for data in recipients if data["id"] == self.ben.partner_id.id]
            self.assertIs(quiet[0]["notify_push"], False)
        with freeze_time("2026-11-22 12:00:00"):
            self.assertFalse(self.due(self.chloe))

    @freeze_time("2026-11-22 10:00:00")
    def test_absence_holds_and_tells_the_delegate(self):
        self.wants(self.anna, schedule_id=False, back_on=date(2026, 12, 1), delegate_id=self.ben.id)
        self.document.message_unsubscribe(self.ben.partner_id.ids)
        message = self.post()
        self.assertEqual(self.row(message, self.anna).notify_due, datetime(2026, 11, 30, 23))
        stand_in = self.row(message, self.ben)
        self.assertEqual(
            (stand_in.notification_type, stand_in.notify_reason, stand_in.notify_event),
            ("inbox", "delegate", "message"),
        )
        direct = self.post(partner_ids=self.anna.partner_id.ids)
        self.assertFalse(self.row(direct, self.anna).notify_due)
        self.assertFalse(self.row(direct, self.ben), "what passes reaches its owner only")

    @freeze_time("2026-11-22 10:00:00")
    def test_delegates_pass_it_on_and_never_in_a_circle(self):
        away = {"schedule_id": False, "back_on": date(2026, 12, 1)}
        self.document.message_unsubscribe((self.ben | self.chloe).partner_id.ids)
        self.wants(self.anna, delegate_id=self.ben.id, **away)
        self.wants(self.ben, delegate_id=self.chloe.id, **away)
        message = self.post()
        self.assertEqual(self.row(message, self.chloe).notify_reason, "delegate")
        self.assertFalse(self.row(message, self.ben))
        self.wants(self.chloe, delegate_id=self.anna.id, **away)
        message = self.post()
        self.assertEqual(message.notification_ids.res_partner_id, self.anna.partner_id)
        words = self.Preference.with_user(self.anna).read_my_time()["warnings"]
        self.assertIn("Nobody stands in for you", words[0])

    @freeze_time("2026-11-22 10:00:00")
    def test_a_delegate_who_may_not_read_is_not_told(self):
        self.wants(self.anna, schedule_id=False, back_on=date(2026, 12, 1), delegate_id=self.ben.id)
        self.document.message_unsubscribe(self.ben.partner_id.ids)
        self.env["ir.rule"].create(
            {
                "name": "Not for Ben",
                "model_id": self.env["ir.model"]._get_id("res.partner"),
                "domain_force": f"[('id', '!=', {self.document.id})] if user.id == {self.ben.id}"
                " else [(1, '=', 1)]",
            }
        )
        self.assertFalse(self.row(self.post(), self.ben))

    @freeze_time("2026-11-22 10:00:00")
    def test_time_zone_that_does_not_exist_is_the_companys(self):
        self.env.cr.execute(
            "UPDATE res_partner SET tz = 'Atlantis/Capital' WHERE id = %s",
            [self.anna.partner_id.id],
        )
        self.env.invalidate_all()
        self.env.company.partner_id.tz = "Asia/Kolkata"
        self.assertEqual(self.due(self.anna), datetime(2026, 11, 23, 2, 30))
        (words,) = self.Preference.with_user(self.anna).read_my_time()["warnings"]
        self.assertIn("“Atlantis/Capital” does not exist any more", words)
        self.assertIn("Asia/Kolkata", words)

    @freeze_time("2026-11-21 10:00:00")
    def test_working_hours(self):
        if "resource_calendar_id" not in self.env["res.company"]._fields:
            self.skipTest("no calendar of working hours is installed")
        calendar = self.env["resource.calendar"].create({"name": "Office", "tz": "Europe/Paris"})
        self.env.company.resource_calendar_id = calendar
        self.at_once.working_hours = True
        self.wants(self.anna, schedule_id=self.at_once.id)
        due = self.due(self.anna)
        opens = min(
            calendar.attendance_ids.filtered(lambda day: day.dayofweek == "0").mapped("hour_from")
        )
        self.assertEqual(due, datetime(2026, 11, 23) + timedelta(hours=opens - 1))
        with freeze_time("2026-11-23 10:00:00"):
            self.assertFalse(self.due(self.anna))


@tagged("post_install", "-at_install")
class TestChangeOfMind(ScheduleCase):
    """Whatever changes while mail waits: it leaves as the choices of now say, and none is lost."""

    def setUp(self):
        super().setUp()
        with freeze_time("2026-11-22 10:00:00"):
            self.held = self.row(self.post(), self.anna)

    @freeze_time("2026-11-22 11:00:00")
    def test_another_schedule(self):
        self.wants(self.anna, schedule_id=self.env.ref("notify_routing.schedule_hourly").id)
        self.assertEqual(self.held.notify_due, datetime(2026, 11, 22, 12))

    @freeze_time("2026-11-22 11:00:00")
    def test_immediately_lets_go_what_waits(self):
        self.wants(self.anna, schedule_id=self.at_once.id)
        self.assertEqual(self.held.notify_due, datetime(2026, 11, 22, 11))
        self.assertEqual(self.review().recipient_ids, self.anna.partner_id)

    @freeze_time("2026-11-22 11:00:00")
    def test_schedule_is_changed_or_deleted(self):
        self.daily.at = 18
        self.assertEqual(self.held.notify_due, datetime(2026, 11, 22, 17))
        self.daily.unlink()
        self.assertEqual(self.held.notify_due, datetime(2026, 11, 22, 11))
        self.assertFalse(self.due(self.anna))

    @freeze_time("2026-11-22 11:00:00")
    def test_user_moves_to_another_zone(self):
        self.anna.tz = "America/New_York"
        self.assertEqual(self.held.notify_due, datetime(2026, 11, 22, 13))
        self.anna.tz = "Asia/Kolkata"
        self.assertEqual(self.held.notify_due, datetime(2026, 11, 23, 2, 30))

    @freeze_time("2026-11-22 11:00:00")
    def test_absence_holds_longer_and_return_lets_go(self):
        self.wants(self.anna, back_on=date(2026, 12, 1))
        self.assertEqual(self.held.notify_due, datetime(2026, 12, 1, 7))
        self.wants(self.anna, back_on=False)
        self.assertEqual(self.held.notify_due, datetime(2026, 11, 23, 7))

    @freeze_time("2026-11-23 08:00:00")
    def test_channel_changed_meanwhile_still_gets_the_mail_that_was_decided(self):
        self.anna.notify_channel = "inbox"
        self.assertEqual(self.review().recipient_ids, self.anna.partner_id)

    def test_choice_of_time_survives_a_change_of_channel(self):
        for channel in ("both", "inbox", "email"):
            self.anna.notify_channel = channel
            self.assertEqual(
                self.Preference._time_book().schedule_id(self.anna.id, None, None), self.daily.id
            )

    @freeze_time("2026-11-22 11:00:00")
    def test_send_me_what_is_waiting_now(self):
        mine = self.Preference.with_user(self.anna)
        self.assertEqual(mine.read_my_time()["waiting"], 1)
        words = mine.send_mine_now()["next"]
        self.assertIn("(now), 1 waiting", words)
        self.assertEqual(self.review().recipient_ids, self.anna.partner_id)
        self.assertEqual(mine.read_my_time()["waiting"], 0)


@tagged("post_install", "-at_install")
class TestPreferenceOfTime(ScheduleCase):
    """What people get wrong is refused in words; what they chose is told in words."""

    def test_bad_input_is_refused_in_words(self):
        Schedule = self.env["notify.schedule"]
        nothing = dict.fromkeys(("monday", "tuesday", "wednesday", "thursday", "friday"), False)
        for call, words in (
            (
                lambda: Schedule.create({"name": "Never", "kind": "weekly", **nothing}),
                "has no day of the week",
            ),
            (lambda: Schedule.create({"name": "X", "kind": "hours", "hours": 0}), "1 to 24 hours"),
            (lambda: Schedule.create({"name": "X", "kind": "daily", "at": 24}), "00:00 to 23:59"),
            (lambda: self.wants(self.anna, quiet_from=0, quiet_to=24), "cover the whole day"),
            (lambda: self.wants(self.anna, quiet_from=-1, quiet_to=24), "00:00 to 24:00"),
            (lambda: self.wants(self.anna, delegate_id=self.anna.id), "somebody else"),
            (
                lambda: self.wants(self.anna, model="crm.lead", quiet_from=1, quiet_to=2),
                "hold for all document types",
            ),
            (
                lambda: self.Preference.with_user(self.anna).set_my_time({"channel": "fax"}),
                "no such preferences",
            ),
        ):
            with self.subTest(words), self.assertRaisesRegex(ValidationError, words):
                call()
                self.env.flush_all()
            self.env.invalidate_all()

    def test_nobody_chooses_the_time_of_others(self):
        row = self.wants(self.anna)
        with self.assertRaises(AccessError):
            row.with_user(self.ben).schedule_id = False
        with self.assertRaises(AccessError):
            self.daily.with_user(self.ben).at = 3
        portal = new_test_user(self.env, "portal", "base.group_portal")
        with self.assertRaises(AccessError):
            self.Preference.with_user(portal).read_my_time()

    @freeze_time("2026-11-22 17:00:00")
    def test_a3_a8_what_happens_next_in_words(self):
        sending = self.env.ref("mail.ir_cron_mail_scheduler_action")
        sending.write(
            {
                "interval_number": 3,
                "interval_type": "minutes",
                "nextcall": datetime(2026, 11, 22, 17, 2),
            }
        )
        mine = self.Preference.with_user(self.anna)
        told = mine.read_my_time()
        self.assertEqual(told["next"], "Next digest: Monday 08:00 (in 14 h), nothing is waiting")
        for _time in range(3):
            self.post()
        told = mine.read_my_time()
        self.assertEqual(told["next"], "Next: Monday 08:00 (in 14 h), 3 waiting")
        self.assertIn("(interval: 3 minutes): expect it by Monday 08:02", told["arrival"])
        told = self.Preference.with_user(self.chloe).read_my_time()
        self.assertEqual(told["next"], "E-mail leaves immediately; nothing is waiting.")
        self.assertIn("handed to the sending job (interval: 3 minutes)", told["arrival"])

    def test_my_time_is_written_and_forgotten(self):
        mine = self.Preference.with_user(self.ben)
        told = mine.set_my_time({"quiet_from": 22, "quiet_to": 7})
        self.assertEqual(told["quiet"], {"from": "22:00", "to": "07:00"})
        told = mine.set_my_time({"schedule_id": self.daily.id, "quiet_from": 0, "quiet_to": 0})
        self.assertEqual(told["quiet"], {"from": "", "to": ""})
        self.assertIn(
            {"field": "schedule_id", "name": "E-mail Leaves", "value": self.daily.id},
            told["classes"],
        )
        mine.set_my_time({"schedule_id": False})
        self.assertFalse(mine.search([]), "a row that says nothing goes")
        table = mine.set_my_schedule("crm.lead", self.daily.id)
        (kind,) = [kind for kind in table["types"] if kind["model"] == "crm.lead"]
        self.assertEqual(kind["schedule"], self.daily.id)
        mine.set_my_schedule("crm.lead", False)
        self.assertFalse(mine.search([]))
