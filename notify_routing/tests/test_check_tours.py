from datetime import timedelta
from unittest.mock import patch

from odoo import fields
from odoo.tests import HttpCase, new_test_user, tagged

from .common import NotifyCase


@tagged("post_install", "-at_install")
class TestCheckTours(HttpCase, NotifyCase):
    """The set-up check and the senders, as an administrator works with them."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.boss = new_test_user(
            cls.env,
            "boss",
            "base.group_system,notify_routing.group_notify_manager",
            name="Boss",
            email="boss@company.example",
        )

    def work_at_once(self):
        """Run checks when they are asked for: no scheduled action comes while a tour runs."""
        Check = type(self.env["notify.check"])
        action_run = Check.action_run

        def run(checks):
            action_run(checks)
            checks.env["notify.check"]._cron_work()

        for target, name, function in (
            (Check, "action_run", run),
            # Asks the world's name servers.
            (Check, "_from_domains", lambda self: {}),
            (
                type(self.env["ir.cron"]),
                "_commit_progress",
                lambda self, *_args, **_kwargs: self.env.flush_all() or float("inf"),
            ),
        ):
            patcher = patch.object(target, name, function)
            patcher.start()
            self.addCleanup(patcher.stop)

    def test_checks_are_run_mended_and_run_again(self):
        self.work_at_once()
        now = fields.Datetime.now()
        self.env["notify.check"]._jobs().write(
            {"active": True, "nextcall": now + timedelta(hours=1)}
        )
        self.env["mail.mail"].search([]).unlink()
        mail = self.env["mail.mail"].create({"subject": "Old", "email_to": "x@customer.example"})
        self.env.flush_all()
        self.env.cr.execute(
            "UPDATE mail_mail SET create_date = %s WHERE id = %s",
            [now - timedelta(minutes=25), mail.id],
        )
        job = self.env.ref("mail.ir_cron_mail_scheduler_action")
        job.active = False
        self.start_tour(
            "/odoo/action-notify_routing.notify_check_action_open",
            "notify_check_mend",
            login="boss",
        )
        self.assertTrue(job.active)

    def test_sender_is_made_from_a_usual_set_up_and_tried(self):
        self.start_tour(
            "/odoo/action-notify_routing.notify_sender_start_action",
            "notify_sender_start",
            login="boss",
        )
        alerts = self.env["notify.sender"].search([("kind", "=", "alert")])
        self.assertEqual(alerts.name_pattern, "Desk of %(company)s")
        self.assertEqual(alerts.server_id.smtp_host, "smtp.company.example")
