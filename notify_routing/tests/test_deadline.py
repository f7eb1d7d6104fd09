from datetime import date, timedelta

from freezegun import freeze_time

from odoo.exceptions import UserError
from odoo.fields import Command

from .deadline_common import TODAY, DeadlineCase


class TestDeadline(DeadlineCase):
    def test_one_mail_sums_up_all_documents(self):
        for name in ("Boats", "Oars", "Sails"):
            self.lead(name)
        self.lead("Anchors", user=self.ben)
        self.run_at(TODAY)
        self.assertEqual(
            self.told(),
            [("Anna", "Boats"), ("Anna", "Oars"), ("Anna", "Sails"), ("Ben", "Anchors")],
        )
        self.assertEqual(len(self.alerts), 2)
        alert = self.alerts.filtered(lambda alert: alert.partner_id == self.anna.partner_id)
        (message,) = self.messages(alert)
        for name in ("Boats", "Oars", "Sails"):
            self.assertIn(name, message.body)
        self.assertNotIn("Anchors", message.body)
        self.assertIn("alerts@company.example", message.email_from)
        self.assertEqual(message.subject, "Expected closing: 3 documents")

    def test_several_deadlines_are_one_mail(self):
        self.make_deadline(name="Call again")
        self.lead()
        self.run_at(TODAY)
        (alert,) = self.alerts
        (message,) = self.messages(alert)
        self.assertEqual(len(alert.line_ids), 2)
        self.assertIn("Call again", message.body)
        self.assertIn("Expected closing", message.body)

    def test_days_before_on_the_day_and_after(self):
        self.lead(due=TODAY)
        days = [TODAY + timedelta(days=distance) for distance in range(-4, 12)]
        for day in days:
            self.run_at(day)
        lines = self.env["notify.deadline.alert.line"].search([], order="sent_on")
        self.assertEqual([(line.sent_on - TODAY).days for line in lines], [-3, 0, 2, 4, 6])
        self.assertEqual(lines.mapped("day"), lines.mapped("sent_on"))

    def test_run_twice_alerts_once(self):
        self.lead()
        self.run_at(TODAY)
        self.run_at(TODAY, 7, 30)
        # Even if the job forgot that it ran.
        self.company.notify_alert_day = TODAY - timedelta(days=1)
        self.run_at(TODAY, 8)
        self.assertEqual(len(self.messages()), 1)

    def test_run_late_alerts_once(self):
        self.lead()
        self.run_at(TODAY, 15)
        self.run_at(TODAY, 16)
        self.run_at(TODAY + timedelta(days=1), 7)
        self.assertEqual(len(self.messages()), 1)

    def test_two_days_asleep_one_alert_with_what_was_missed(self):
        late = self.lead("Missed", due=TODAY + timedelta(days=1))
        self.lead("Today", due=TODAY + timedelta(days=2))
        self.lead("Done meanwhile", due=TODAY + timedelta(days=1)).probability = 100
        self.run_at(TODAY - timedelta(days=4))
        self.run_at(TODAY + timedelta(days=2), 9)
        (alert,) = self.alerts
        self.assertEqual(self.told(), [("Anna", "Missed"), ("Anna", "Today")])
        self.assertEqual(len(self.messages(alert)), 1)
        missed = alert.line_ids.filtered(lambda line: line.res_id == late.id)
        self.assertEqual(missed.day, TODAY + timedelta(days=1))
        self.assertIn("since yesterday", self.messages(alert).body)
        self.run_at(TODAY + timedelta(days=2), 10)
        self.assertEqual(len(self.alerts), 1)

    def test_times_of_alerts_in_words(self):
        for days, words in ((2, "2 days"), (1, "1 day")):
            self.deadline.offset_ids.days = days
            before, _on, after = self.deadline.offset_ids.mapped("display_name")
            self.assertEqual((before, after), (f"{words} before", f"3× after (interval: {words})"))

    def test_a_long_outage_makes_up_for_the_last_days_only(self):
        self.deadline.catch_up = 2
        self.lead("Long ago", due=TODAY)
        self.deadline.offset_ids = [Command.clear(), Command.create({"when": "on"})]
        self.run_at(TODAY + timedelta(days=5))
        self.assertEqual(self.told(), [])

    def test_nothing_before_it_was_switched_on(self):
        self.deadline.active = False
        self.lead(due=TODAY - timedelta(days=1))
        self.deadline.offset_ids = [Command.clear(), Command.create({"when": "on"})]
        with freeze_time("2026-05-06 04:00:00"):
            self.deadline.active = True
        self.run_at(TODAY)
        self.assertEqual(self.told(), [])
        self.assertEqual(self.deadline.since, TODAY)

    def test_a_first_deadline_waits_for_the_hour(self):
        self.deadline.unlink()
        self.company.notify_alert_day = False
        self.lead()
        with freeze_time("2026-05-06 09:00:00"):
            self.make_deadline()
            self.run_job()
        self.assertEqual(self.told(), [])
        self.run_at(TODAY + timedelta(days=1))
        self.assertEqual(self.told(), [("Anna", "Boats")])

    def test_who_comes_in_charge_later_is_alerted_too(self):
        lead = self.lead()
        self.run_at(TODAY)
        lead.user_id = self.ben
        self.run_at(TODAY + timedelta(days=1))
        self.assertEqual(self.told(), [("Anna", "Boats"), ("Ben", "Boats")])

    def test_a_date_that_moves_alerts_once_a_day(self):
        lead = self.lead()
        self.run_at(TODAY)
        lead.date_deadline = TODAY + timedelta(days=2)
        self.company.notify_alert_day = TODAY - timedelta(days=1)
        self.run_at(TODAY, 9)
        self.assertEqual(len(self.messages()), 1)
        self.run_at(TODAY + timedelta(days=2))
        self.assertEqual(len(self.messages()), 2)

    def test_no_date_no_alert(self):
        self.lead(due=False)
        self.run_at(TODAY)
        self.assertFalse(self.alerts)

    def test_the_29th_of_february(self):
        with freeze_time("2028-02-01"):
            self.deadline.active = False
            self.deadline.active = True
            self.company.notify_alert_day = date(2028, 2, 1)
        self.lead(due=date(2028, 2, 29))
        for day in range(20, 30):
            self.run_at(date(2028, 2, day), zone_hours=1)
        for day in range(1, 9):
            self.run_at(date(2028, 3, day), zone_hours=1)
        lines = self.env["notify.deadline.alert.line"].search([], order="sent_on")
        self.assertEqual(
            lines.mapped(lambda line: line.sent_on.strftime("%d.%m.")),
            ["26.02.", "29.02.", "02.03.", "04.03.", "06.03."],
        )

    def test_a_moment_is_on_the_day_of_the_company(self):
        """23:30 of the 6th in Paris is still the 6th there, and the 7th in Kathmandu."""
        self.deadline.write(
            {
                "date_field": "date_conversion",
                "offset_ids": [Command.clear(), Command.create({"when": "on"})],
            }
        )
        self.lead(due=False, date_conversion="2026-05-06 21:30:00")
        self.run_at(TODAY - timedelta(days=1))
        self.assertEqual(self.told(), [])
        self.run_at(TODAY)
        self.assertEqual(self.told(), [("Anna", "Boats")])
        self.env["crm.lead"].search([("name", "=", "Boats")]).unlink()
        self.company.notify_alert_tz = "Asia/Kathmandu"
        self.lead("Oars", due=False, date_conversion="2026-05-06 21:30:00")
        self.company.notify_alert_day = TODAY - timedelta(days=1)
        with freeze_time("2026-05-06 02:00:00"):
            self.run_job()
        self.assertEqual(len(self.told()), 1)
        with freeze_time("2026-05-07 02:00:00"):
            self.run_job()
        self.assertEqual(self.told(), [("Anna", "Boats"), ("Anna", "Oars")])

    def test_activities(self):
        self.deadline.write(
            {
                "model_id": self.env["ir.model"]._get_id("mail.activity"),
                "date_field": "date_deadline",
                "domain": False,
            }
        )
        lead = self.lead()
        activity = lead.activity_schedule(
            "mail.mail_activity_data_todo", TODAY, "Call them", user_id=self.ben.id
        )
        self.run_at(TODAY)
        self.assertEqual(self.told(), [("Ben", "Boats · Call them")])
        self.assertIn(f"model=crm.lead&amp;res_id={lead.id}", self.messages().body)
        action = self.alerts.line_ids.action_open()
        self.assertEqual((action["res_model"], action["res_id"]), ("crm.lead", lead.id))
        activity.action_done()
        self.run_at(TODAY + timedelta(days=2))
        self.assertEqual(len(self.alerts), 1, "what is done is nobody's deadline")


class TestDeadlinePeople(DeadlineCase):
    def test_k6_opt_out_table(self):
        """Company and person opted out or not, mandatory or not: who is alerted."""
        table = [
            # company out, person out, mandatory → alerted
            (False, False, False, True),
            (False, True, False, False),
            (True, False, False, False),
            (True, True, False, False),
            (False, False, True, True),
            (False, True, True, True),
            (True, False, True, True),
            (True, True, True, True),
        ]
        self.deadline.offset_ids = [Command.clear(), Command.create({"when": "on"})]
        self.deadline.catch_up = 0
        for number, (company_out, person_out, mandatory, alerted) in enumerate(table):
            with self.subTest(company=company_out, person=person_out, mandatory=mandatory):
                name = f"Lead {number}"
                day = TODAY + timedelta(days=10 * number)
                self.deadline.write(
                    {
                        "quiet_company_ids": [Command.set(self.company.ids * company_out)],
                        "opted_out_ids": [Command.set(self.anna.partner_id.ids * person_out)],
                        "mandatory": mandatory,
                    }
                )
                self.lead(name, due=day)
                self.run_at(day)
                self.assertEqual(self.told(day), [("Anna", name)] * alerted)

    def test_k6_people_opt_out_themselves(self):
        as_anna = self.deadline.with_user(self.anna)
        as_anna.opt_out()
        self.assertEqual(self.deadline.opted_out_ids, self.anna.partner_id)
        self.assertEqual(self.anna.with_user(self.anna).notify_deadline_off_ids, as_anna)
        self.lead()
        self.run_at(TODAY)
        self.assertEqual(self.reasons(), [("Anna", "opted_out")])
        self.assertFalse(self.alerts)
        as_anna.opt_in()
        self.assertFalse(self.deadline.opted_out_ids)

    def test_k6_opt_out_from_the_alert(self):
        """The link in the mail leads to the alert, where one's own can be stopped."""
        self.make_deadline(name="Always", mandatory=True)
        self.lead()
        self.run_at(TODAY)
        self.assertIn(
            f"model=notify.deadline.alert&amp;res_id={self.alerts.id}", self.messages().body
        )
        as_anna = self.alerts.with_user(self.anna)
        self.assertTrue(as_anna.can_stop)
        with self.assertRaises(UserError):
            self.alerts.with_user(self.env.ref("base.user_admin")).action_stop()
        as_anna.action_stop()
        self.assertEqual(self.deadline.opted_out_ids, self.anna.partner_id)
        self.assertFalse(as_anna.can_stop, "what is left is mandatory")

    def test_k6_preferences_list(self):
        anna = self.anna.with_user(self.anna)
        anna.notify_deadline_off_ids = [Command.link(self.deadline.id)]
        self.assertEqual(self.deadline.opted_out_ids, self.anna.partner_id)
        anna.notify_deadline_off_ids = [Command.clear()]
        self.assertFalse(self.deadline.opted_out_ids)

    def test_k6_nobody_opts_out_of_what_is_mandatory(self):
        self.deadline.mandatory = True
        with self.assertRaisesRegex(UserError, "mandatory"):
            self.deadline.with_user(self.anna).opt_out()
        with self.assertRaisesRegex(UserError, "mandatory"):
            self.anna.with_user(self.anna).notify_deadline_off_ids = [
                Command.link(self.deadline.id)
            ]

    def test_access_lost_nothing_listed(self):
        lead = self.lead()
        mine = self.lead("Mine", user=self.ben)
        self.ben.group_ids = [
            Command.set(
                (
                    self.env.ref("base.group_user") | self.env.ref("sales_team.group_sale_salesman")
                ).ids
            )
        ]
        role = self.env["notify.role"].create(
            {"name": "Ben", "code": "ben", "kind": "path", "path": "team_id.user_id"}
        )
        self.europe.user_id = self.ben
        self.deadline.role_ids = role
        (lead | mine).team_id = self.europe
        self.run_at(TODAY)
        self.assertEqual(self.told(), [("Ben", "Mine")])
        self.assertEqual(self.reasons(), [("Ben", "no_access")])
        self.assertNotIn("Boats", self.messages().body)

    def test_who_left_is_not_alerted(self):
        lead = self.lead()
        self.anna.active = False
        lead.flush_recordset()
        self.run_at(TODAY)
        self.assertEqual((self.told(), self.reasons()), ([], [("Anna", "inactive")]))

    def test_a_muted_document_is_silent_unless_mandatory(self):
        lead = self.lead()
        self.env["notify.bell"].with_user(self.anna).set_bell("crm.lead", lead.id, "mute")
        self.run_at(TODAY)
        self.assertEqual(self.reasons(), [("Anna", "muted")])
        self.deadline.mandatory = True
        self.run_at(TODAY + timedelta(days=2))
        self.assertEqual(self.told(), [("Anna", "Boats")])

    def test_channels_as_each_person_prefers(self):
        for user in (self.anna, self.ben, self.chloe):
            self.lead(user.name, user=user)
        self.run_at(TODAY)
        told = {
            row.res_partner_id.name: (row.notification_type, row.notify_in_app)
            for row in self.messages().notification_ids
        }
        self.assertEqual(
            told, {"Anna": ("email", False), "Ben": ("inbox", False), "Chloé": ("email", True)}
        )

    def test_channels_of_two_deadlines_stay_apart(self):
        """One is for mail, one for Odoo: each channel gets one message with its own documents."""
        self.deadline.write({"prefer": False, "email": True})
        self.make_deadline(
            name="In Odoo only", prefer=False, inbox=True, domain="[('name', '=', 'Oars')]"
        )
        self.lead("Boats")
        self.lead("Oars")
        self.run_at(TODAY)
        (alert,) = self.alerts
        by_type = {
            message.notification_ids.notification_type: message for message in self.messages(alert)
        }
        self.assertEqual(set(by_type), {"email", "inbox"})
        self.assertIn("Boats", by_type["email"].body)
        self.assertNotIn("Boats", by_type["inbox"].body)

    def test_unreachable(self):
        self.anna.partner_id.email = False
        self.deadline.write({"prefer": False, "email": True})
        self.lead()
        self.run_at(TODAY)
        self.assertEqual(self.reasons(), [("Anna", "unreachable")])

    def test_externals_get_mail_without_links_into_odoo(self):
        role = self.env["notify.role"].create(
            {"name": "Customer", "code": "customer", "kind": "path", "path": "partner_id"}
        )
        self.deadline.role_ids = role
        self.deadline.write({"inbox": True})
        self.lead(partner_id=self.client.id)
        self.run_at(TODAY)
        (message,) = self.messages()
        self.assertEqual(message.notification_ids.notification_type, "email")
        self.assertIn("Boats", message.body)
        self.assertNotIn("/mail/view", message.body)

    def test_sender_policy_for_alerts_goes_before_the_company_s_address(self):
        self.env["notify.sender"].create(
            {"name": "Alerts", "kind": "alert", "mode": "fixed", "address": "mail@company.example"}
        )
        self.lead()
        self.run_at(TODAY)
        mail = self.env["mail.mail"].search([("mail_message_id", "=", self.messages().id)])
        policy = self.env["notify.sender"]._of(mail)
        self.assertEqual((policy.kind, policy.address), ("alert", "mail@company.example"))

    def test_followers(self):
        lead = self.lead()
        lead.message_subscribe(self.ben.partner_id.ids)
        self.deadline.role_ids = self.env.ref("notify_routing.role_follower")
        self.run_at(TODAY)
        self.assertIn(("Ben", "Boats"), self.told())

    def test_escalation_to_the_manager(self):
        """Two alerts past the date did not help: from the third on the team's leader is told."""
        self.deadline.write(
            {"escalate_after": 2, "escalate_role_ids": [Command.set(self.manager.ids)]}
        )
        self.lead()
        for distance in range(-3, 7):
            self.run_at(TODAY + timedelta(days=distance))
        lines = self.env["notify.deadline.alert.line"].search(
            [("partner_id", "=", self.chloe.partner_id.id)]
        )
        self.assertEqual([(line.sent_on - TODAY).days for line in lines], [6])
        self.assertTrue(lines.escalated)
        self.assertEqual(len(self.told()), 6)

    def test_a_new_date_starts_to_count_again(self):
        self.deadline.write(
            {"escalate_after": 1, "escalate_role_ids": [Command.set(self.manager.ids)]}
        )
        lead = self.lead()
        for distance in range(3):
            self.run_at(TODAY + timedelta(days=distance))
        lead.date_deadline = TODAY + timedelta(days=3)
        for distance in range(3, 6):
            self.run_at(TODAY + timedelta(days=distance))
        self.assertNotIn(("Chloé", "Boats"), self.told())

    def test_company_of_documents(self):
        other = self.env["res.company"].create({"name": "Other"})
        self.anna.company_ids |= other
        self.lead(company_id=other.id, team_id=False)
        self.lead("Oars", company_id=self.company.id)
        self.company.notify_alert_hour = 7
        other.write({"notify_alert_hour": 9, "notify_alert_tz": "Europe/Paris"})
        other.notify_alert_day = TODAY - timedelta(days=1)
        self.run_at(TODAY)
        self.assertEqual(self.told(), [("Anna", "Oars")])
        self.run_at(TODAY, 9)
        self.assertEqual(self.told(), [("Anna", "Boats"), ("Anna", "Oars")])
        self.assertEqual(self.alerts.company_id, other | self.company)

    def test_documents_of_no_company_are_alerted_of_once(self):
        other = self.env["res.company"].create({"name": "Other"})
        other.write({"notify_alert_hour": 7, "notify_alert_tz": "Europe/Paris"})
        other.notify_alert_day = TODAY - timedelta(days=1)
        lead = self.lead(team_id=False)
        lead.company_id = False
        self.anna.write({"company_ids": [Command.link(other.id)], "company_id": other.id})
        self.run_at(TODAY)
        self.assertEqual(self.alerts.company_id, other)

    def test_own_alerts_can_be_read_and_others_not(self):
        self.lead()
        self.lead("Oars", user=self.ben)
        self.run_at(TODAY)
        Alert = self.env["notify.deadline.alert"].with_user(self.anna)
        self.assertEqual(Alert.search([]).partner_id, self.anna.partner_id)
        self.assertEqual(Alert.search([]).line_ids.name, "Boats")


class TestDeadlineHours(DeadlineCase):
    def times(self, zone, hour, start, hours):
        """Run the job every half hour for a while; return when alerts left, in UTC."""
        self.company.write({"notify_alert_tz": zone, "notify_alert_hour": hour})
        with freeze_time(start) as clock:
            self.deadline.active = False
            self.deadline.active = True
            self.deadline.offset_ids = [
                Command.clear(),
                Command.create({"when": "before", "days": 9}),
                Command.create({"when": "after", "days": 1, "times": 30}),
                Command.create({"when": "on"}),
            ]
            self.lead(due=clock().date())
            self.company.notify_alert_day = clock().date() - timedelta(days=2)
            seen = []
            for _step in range(hours * 2):
                before = len(self.messages())
                self.run_job()
                if len(self.messages()) > before:
                    seen.append(clock().strftime("%d %H:%M"))
                clock.tick(timedelta(minutes=30))
        return seen

    def test_k6_hour_in_half_hour_zones(self):
        self.assertEqual(
            self.times("Asia/Kolkata", 7.5, "2026-05-06 00:00", 30), ["06 02:00", "07 02:00"]
        )

    def test_clocks_forward_at_the_skipped_hour(self):
        self.assertEqual(
            self.times("Europe/Paris", 2.5, "2026-03-28 00:00", 72),
            ["28 01:30", "29 01:30", "30 00:30"],
        )

    def test_clocks_back_at_the_repeated_hour(self):
        self.assertEqual(
            self.times("Europe/Paris", 2.5, "2026-10-24 00:00", 72),
            ["24 00:30", "25 00:30", "26 01:30"],
        )

    def test_k6_the_job_is_woken_at_each_company_s_hour(self):
        other = self.env["res.company"].create({"name": "Other"})
        other.write({"notify_alert_hour": 6.25, "notify_alert_tz": "Asia/Kathmandu"})
        cron = self.env.ref("notify_routing.ir_cron_deadline")
        with freeze_time("2026-05-06 04:00:00"):
            self.env["ir.cron.trigger"].search([("cron_id", "=", cron.id)]).unlink()
            self.run_job()
            first = self.env["ir.cron.trigger"].search([("cron_id", "=", cron.id)])
        self.assertEqual(str(first.call_at), "2026-05-06 05:00:00")
        with freeze_time("2026-05-06 05:00:00"):
            self.run_job()
            triggers = self.env["ir.cron.trigger"].search([("cron_id", "=", cron.id)]) - first
        self.assertEqual(str(triggers.call_at), "2026-05-07 00:30:00")
        with freeze_time("2026-05-06 05:00:00"):
            self.run_job()
        again = self.env["ir.cron.trigger"].search([("cron_id", "=", cron.id)]) - first
        self.assertEqual(again, triggers, "woken once is enough")

    def test_moving_the_hour_later_on_the_same_day_alerts_nobody_again(self):
        self.lead()
        self.run_at(TODAY)
        self.company.notify_alert_hour = 15
        self.run_at(TODAY, 15)
        self.assertEqual(len(self.messages()), 1)
