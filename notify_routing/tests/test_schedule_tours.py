from odoo.tests import HttpCase, tagged

from .test_schedule import ScheduleCase


@tagged("post_install", "-at_install")
class TestScheduleTours(HttpCase, ScheduleCase):
    def test_a3_a8_my_time_in_the_browser(self):
        """The screen says what immediately means, what is next, and lets go what waits."""
        sending = self.env.ref("mail.ir_cron_mail_scheduler_action")
        sending.write({"interval_number": 3, "interval_type": "minutes"})
        page = "/odoo/my-notifications"
        self.wants(self.anna).unlink()
        self.start_tour(page, "notify_my_time", login="anna")
        self.env.invalidate_all()
        row = self.wants(self.anna)
        self.assertEqual(row.schedule_id, self.daily)
        self.assertEqual((row.quiet_from, row.quiet_to), (22, 7))
        self.assertEqual(row.note_schedule_id, self.env.ref("notify_routing.schedule_hourly"))
        held = [self.row(self.post(), self.anna) for _time in range(2)]
        self.assertTrue(all(row.notify_due for row in held))
        self.start_tour(page, "notify_my_time_send_now", login="anna")
        self.env.invalidate_all()
        self.assertEqual(len(self.review()), 1)
