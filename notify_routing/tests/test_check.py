from datetime import timedelta
from unittest.mock import patch

from odoo import fields
from odoo.exceptions import AccessError, UserError
from odoo.tests.common import HttpCase, new_test_user, tagged

from .common import NotifyCase

HEALTH = "/notify_routing/health"


@tagged("post_install", "-at_install")
class TestCheckBoard(NotifyCase):
    def test_managers_read_and_only_administrators_run(self):
        manager = new_test_user(self.env, "manager", "notify_routing.group_notify_manager")
        self.env["notify.check"]._sync()
        check = self.env["notify.check"].search([], limit=1)
        self.assertTrue(check.with_user(manager).display_name)
        with self.assertRaises(AccessError):
            check.with_user(manager).action_run()
        with self.assertRaises(AccessError):
            check.with_user(self.anna).display_name  # noqa: B018
        check.with_user(self.env.ref("base.user_admin")).action_run()
        self.assertEqual(check.status, "queued")

    def test_rows_follow_what_there_is_and_keep_their_results(self):
        Check = self.env["notify.check"]
        server = self.env["ir.mail_server"].create({"name": "Mine", "smtp_host": "mx.example"})
        Check._sync()
        check = Check.search([("key", "=", f"outgoing:{server.id}")])
        check.write({"state": "red", "is_scheduled": False})
        server.name = "Ours"
        Check._sync()
        self.assertEqual((check.target, check.state, check.is_scheduled), ("Ours", "red", False))
        server.active = False
        Check._sync()
        self.assertFalse(check.exists())

    def test_addons_in_the_way_are_told_with_advice(self):
        check = self.env["notify.check"].create({"kind": "addons", "topic": "job", "key": "x"})
        with patch.object(
            type(check), "_conflicts", lambda self: {"mail": "is in the way. Do without."}
        ):
            verdict = check._check_addons()
        self.assertEqual(verdict.state, "amber")
        self.assertIn("mail is in the way. Do without.", verdict.sentence)

    def test_scheduled_action_that_is_late_or_off_is_red(self):
        cron = self.env.ref("mail.ir_cron_mail_scheduler_action")
        self.env["notify.check"]._sync()
        check = self.env["notify.check"].search([("key", "=", f"job:{cron.id}")])
        now = fields.Datetime.now()
        cron.write({"active": True, "nextcall": now + timedelta(minutes=5)})
        self.assertEqual(check._check_job().state, "green")
        cron.nextcall = now - timedelta(hours=2)
        self.assertEqual(check._check_job().state, "red")
        self.assertIn("120 minutes", check._check_job().sentence)
        cron.active = False
        self.assertIn("switched off", check._check_job().sentence)

    def test_mail_that_is_stuck_or_fails_in_mass_is_told(self):
        self.env["notify.delivery"].search([]).unlink()
        self.env["notify.check"]._sync()
        check = self.env["notify.check"].search([("key", "=", "delivery")])
        self.assertEqual(check._check_delivery().state, "green")
        now = fields.Datetime.now()

        def deliveries(count, **values):
            values = {"email": "client@customer.example", "date": now, **values}
            return self.env["notify.delivery"].create([values] * count)

        late = deliveries(9, state="retrying", date=now - timedelta(hours=5))
        verdict = check._check_delivery()
        self.assertEqual(verdict.state, "amber", "a few addresses may be at fault themselves")
        self.assertIn("more than an hour: 9", verdict.sentence)
        late |= deliveries(1, state="retrying", date=now - timedelta(hours=5))
        verdict = check._check_delivery()
        self.assertEqual(verdict.state, "red")
        self.assertIn("more than four hours: 10", verdict.sentence)
        late.state = "canceled"
        deliveries(20, state="failed")
        self.assertEqual(check._check_delivery().state, "red")
        self.assertIn("20 of 20", check._check_delivery().sentence)
        deliveries(80, state="sent")
        self.assertEqual(check._check_delivery().state, "green", "a fifth fails: bad addresses")
        deliveries(1, state="doubt")
        self.assertIn("in doubt: 1", check._check_delivery().sentence)

    def test_quarantine_that_nobody_looks_at_is_told(self):
        Quarantine = self.env["notify.quarantine"]
        Quarantine.search([]).stage = "discarded"
        self.env["notify.check"]._sync()
        check = self.env["notify.check"].search([("key", "=", "quarantine")])
        self.assertEqual(check._check_quarantine().state, "green")
        kept = self.keep(1)
        self.assertEqual(check._check_quarantine().state, "amber")
        kept.intake_id.date = fields.Datetime.now() - timedelta(days=4)
        verdict = check._check_quarantine()
        self.assertEqual(verdict.state, "red")
        self.assertIn("for 3 days: 1", verdict.sentence)
        self.env["ir.config_parameter"].set_param("notify_routing.quarantine_alarm", "5")
        self.assertEqual(check._check_quarantine().state, "amber")
        self.keep(20)
        self.assertIn("in a day: 20", check._check_quarantine().sentence)

    def keep(self, count):
        """Put messages into quarantine."""
        raws = [b"Message-Id: <%d-%d@x>\n\nHello" % (count, number) for number in range(count)]
        intakes = self.env["notify.intake"]._store(raws)
        kept = self.env["notify.quarantine"]
        for intake in intakes:
            kept |= kept._keep(intake, "no_route", "")
        return kept

    def test_alarm_is_one_for_each_manager_whoever_finds_the_trouble(self):
        manager = new_test_user(self.env, "manager", "notify_routing.group_notify_manager")
        server = self.env["ir.mail_server"].create({"name": "Mine", "smtp_host": "mx.example"})
        server.notify_broken_until = fields.Datetime.now() + timedelta(minutes=1)
        server._notify_alarm("421 too busy")
        check = self.env["notify.check"].search([("key", "=", f"outgoing:{server.id}")])
        self.assertEqual((check.state, check.work), ("red", "queued"))
        self.assertIn("Try Again Now", check.sentence)
        self.assertEqual(check.evidence, "421 too busy")
        alarms = check.activity_ids
        self.assertLessEqual(manager | self.env.ref("base.user_admin"), alarms.user_id)
        check._conclude(check._failed(UserError("It does not answer.")))
        server._notify_alarm("421 too busy")
        self.assertEqual(check.activity_ids, alarms, "the same alarm")
        check._conclude(check._failed(UserError("It does not answer."))._replace(state="green"))
        self.assertFalse(check.activity_ids)

    def test_n1_invalid_address_is_flagged_on_the_contact_and_before_sending(self):
        self.assertFalse(self.client.notify_email_fault)
        self.client.email = "client@customer"
        self.assertIn("incomplete", self.client.notify_email_fault)
        document = self.europe
        preview = self.env["notify.router"].preview(
            document._name, document.id, "mail.mt_comment", self.client.ids
        )
        (person,) = [p for p in preview["people"] if p["partner_id"] == self.client.id]
        self.assertIn("“client@customer”", person["fault"])
        self.client.email = "client@customer.example"
        preview = self.env["notify.router"].preview(
            document._name, document.id, "mail.mt_comment", self.client.ids
        )
        (person,) = [p for p in preview["people"] if p["partner_id"] == self.client.id]
        self.assertFalse(person["fault"])


@tagged("post_install", "-at_install")
class TestHealth(HttpCase):
    def ask(self, token=None):
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        return self.url_open(HEALTH, headers=headers)

    def test_a1_health_is_for_those_with_the_token_and_red_is_unavailable(self):
        parameters = self.env["ir.config_parameter"]
        parameters.set_param("notify_routing.health_token", False)
        self.assertEqual(self.ask("").status_code, 403, "without a token it does not answer")
        parameters.set_param("notify_routing.health_token", "secret-ü")
        self.assertEqual(self.ask().status_code, 403)
        self.assertEqual(self.ask("wrong").status_code, 403)
        parameters.set_param("notify_routing.health_token", "secret")
        self.env.ref("notify_routing.ir_cron_check").nextcall = fields.Datetime.now()
        self.env["notify.check"].search([]).unlink()
        check = self.env["notify.check"].create(
            {"kind": "queue", "topic": "outgoing", "key": "queue", "state": "green"}
        )
        answer = self.ask("secret")
        self.assertEqual((answer.status_code, answer.json()["state"]), (200, "green"))
        self.assertEqual(self.url_open(f"{HEALTH}?token=secret").status_code, 200)
        check.write({"state": "red", "sentence": "Do this."})
        answer = self.ask("secret")
        self.assertEqual((answer.status_code, answer.json()["state"]), (503, "red"))
        self.assertEqual(answer.json()["checks"][0]["sentence"], "Do this.")
        self.assertIn("oldest_seconds", answer.json()["queue"])

    def test_health_is_red_when_nothing_runs_in_the_background(self):
        self.env["ir.config_parameter"].set_param("notify_routing.health_token", "secret")
        late = fields.Datetime.now() - timedelta(hours=1)
        self.env.ref("notify_routing.ir_cron_check").nextcall = late
        answer = self.ask("secret")
        self.assertEqual(answer.status_code, 503)
        self.assertTrue(answer.json()["stalled"])
