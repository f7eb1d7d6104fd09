from odoo import api, fields, models

#: Priority of the jobs: between a person's mail that leaves and a notification.
PRIORITY = 8


class NotifyIntake(models.Model):
    """Door: the scheduled action hands what came in over to a job."""

    _inherit = "notify.intake"

    @api.model
    def _cron_work(self, *args, **kwargs):
        return self._hand_over() or super()._cron_work(*args, **kwargs)

    @api.model
    def _hand_over(self):
        """Have a job route what waits.

        :return: whether a job does it
        """
        due = [("state", "=", "waiting"), ("next_try", "<=", fields.Datetime.now())]
        QueueJob = self.env["queue.job"]
        if not self.search_count(due, limit=1) or QueueJob._notify_is_stalled():
            return False
        QueueJob._notify_hand_over(
            self._job_work, "intake", PRIORITY, self.env._("Route incoming messages")
        )
        return True

    @api.model
    def _job_work(self):
        """Route for a while, then have the scheduled action see to the rest when it is due."""
        self.with_context(notify_job_until=self.env["queue.job"]._notify_until())._work()
        self._wake()
