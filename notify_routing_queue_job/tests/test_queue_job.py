from datetime import timedelta
from unittest.mock import patch

from odoo import fields
from odoo.tests import TransactionCase, tagged

from odoo.addons.queue_job.tests.common import trap_jobs


@tagged("post_install", "-at_install")
class TestQueueJob(TransactionCase):
    """The scheduled actions hand over to jobs; that jobs do the work is shown in the mail world."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.env["mail.mail"].search([]).unlink()
        cls.env["notify.intake"].search([]).unlink()
        cls.Delivery = cls.env["notify.delivery"]
        cls.Intake = cls.env["notify.intake"]

    def mails(self, *priorities, due=False):
        return self.env["mail.mail"].create(
            [
                {
                    "email_to": "p@customer.example",
                    "body_html": "<p>x</p>",
                    "notify_priority": priority,
                    "scheduled_date": due,
                }
                for priority in priorities
            ]
        )

    def jobs(self):
        return self.env["queue.job"]._notify_waiting().sorted("identity_key")

    def keys(self):
        return [key.removeprefix("notify_routing.") for key in self.jobs().mapped("identity_key")]

    def test_a_job_is_enqueued_in_our_channel_for_a_function_that_may_commit(self):
        self.mails(1)
        with trap_jobs() as trap:
            self.assertTrue(self.Delivery._work_queue())
            trap.assert_jobs_count(1)
            (job,) = trap.enqueued_jobs
        self.assertEqual(job.method_name, "_job_drain")
        self.assertEqual((job.priority, job.max_retries), (10, 1))
        self.assertEqual(job.job_config.channel, "root.notify")
        self.assertTrue(job.job_config.allow_commit)

    def test_no_two_equal_jobs_wait(self):
        self.mails(1)
        for _time in range(3):
            self.Delivery._work_queue()
        self.assertEqual(self.keys(), ["delivery.normal.1"])
        # What runs does not hinder that more is called.
        self.env.cr.execute("UPDATE queue_job SET state = 'started'")
        self.env.invalidate_all()
        self.Delivery._work_queue()
        self.assertEqual(self.keys(), ["delivery.normal.1"])

    def test_a_direct_mail_does_not_wait_behind_a_job_for_digests(self):
        self.mails(2)
        self.Delivery._work_queue()
        self.mails(1, 0)
        self.Delivery._work_queue()
        self.assertEqual(self.keys(), ["delivery.digest.1", "delivery.direct.1"])
        self.assertEqual(self.jobs().mapped("priority"), [20, 5])

    def test_a_long_queue_is_shared_by_a_few_jobs(self):
        self.mails(1)
        for count, shares in ((1999, 1), (2000, 2), (8000, 4)):
            self.jobs().unlink()
            with patch.object(type(self.Delivery), "_count_due", lambda *_args, n=count: n):
                self.Delivery._work_queue()
            self.assertEqual(len(self.jobs()), shares)

    def test_without_anything_due_there_is_no_job(self):
        self.mails(0, due=fields.Datetime.now() + timedelta(hours=1))
        self.assertFalse(self.Delivery._hand_over())
        self.assertFalse(self.Intake._hand_over())
        self.assertFalse(self.jobs())

    def test_who_may_not_see_jobs_can_call_one(self):
        self.Intake._store([b"From: a@customer.example\r\nMessage-Id: <1@x>\r\n\r\nHello"])
        user = self.env["res.users"].create({"name": "Anna", "login": "anna@x"})
        self.Intake.with_user(user).sudo()._cron_work()
        self.assertEqual(self.keys(), ["intake"])
        self.assertEqual(self.jobs().user_id, self.env.ref("base.user_root"))

    def test_when_nobody_runs_jobs_the_scheduled_actions_work(self):
        self.mails(1)
        self.assertTrue(self.Delivery._hand_over())
        self.assertTrue(self.Delivery._hand_over())
        self.env.cr.execute("UPDATE queue_job SET date_created = now() - interval '11 minutes'")
        self.env.invalidate_all()
        with self.assertLogs("odoo.addons.notify_routing_queue_job", "WARNING"):
            self.assertFalse(self.Delivery._hand_over())
        # Others' jobs say nothing about ours.
        self.env.cr.execute("UPDATE queue_job SET identity_key = 'another'")
        self.env.invalidate_all()
        self.assertTrue(self.Delivery._hand_over())

    def test_a_job_ends_when_its_time_is_up(self):
        job = self.env["queue.job"]
        Cron = self.env["ir.cron"].with_context(notify_job_until=job._notify_until())
        with patch.object(self.env.cr, "commit"):
            self.assertGreater(Cron._commit_progress(), 0)
            past = self.env["ir.cron"].with_context(notify_job_until=0)
            self.assertEqual(past._commit_progress(), 0)
            self.assertEqual(self.env["ir.cron"]._commit_progress(), float("inf"))
