import time

from odoo import api, fields, models

from odoo.addons.notify_routing.models.delivery.notify_delivery_queue import LONG
from odoo.addons.notify_routing.models.delivery.notify_delivery_rows import CLASSES, class_of

#: The most jobs that share a long queue; how many run at a time is up to the channel.
SHARES = 4
#: Priorities of the jobs, by the class of the most urgent mail: direct, normal, digest.
PRIORITIES = (5, 10, 20)


class NotifyDelivery(models.Model):
    """Door: the scheduled action hands the queue over to jobs."""

    _inherit = "notify.delivery"

    @api.model
    def _work_queue(self, *args, **kwargs):
        return self._hand_over() or super()._work_queue(*args, **kwargs)

    @api.model
    def _hand_over(self):
        """Have jobs send what is due, more than one if it is much.

        There is one key a class of mail, so that a password does not wait behind a job that was
        called for digests; each job sends the most urgent mail first, whatever it was called for.

        :return: whether jobs do it
        """
        count = self._count_due(SHARES * LONG)
        QueueJob = self.env["queue.job"]
        if not count or QueueJob._notify_is_stalled():
            return False
        urgent = self._most_urgent()
        for share in range(min(count // LONG + 1, SHARES)):
            QueueJob._notify_hand_over(
                self._job_drain,
                f"delivery.{CLASSES[urgent]}.{share + 1}",
                PRIORITIES[urgent],
                self.env._("Send the e-mail that is due"),
            )
        return True

    @api.model
    def _most_urgent(self):
        """Return the class of the mail that leaves next, e.g. 0: direct."""
        Mail = self.env["mail.mail"].sudo()
        mail = Mail.search(
            [
                ("state", "=", "outgoing"),
                "|",
                ("scheduled_date", "=", False),
                ("scheduled_date", "<=", fields.Datetime.now()),
            ],
            order="notify_priority, id",
            limit=1,
        )
        return class_of(mail)

    @api.model
    def _job_drain(self):
        """Send for a while; what is still due then is handed over again."""
        until = self.env["queue.job"]._notify_until()
        self.with_context(notify_job_until=until)._drain()
        # What is due before that is reserved by somebody: a next job would only meet it again.
        if time.monotonic() >= until and self._count_due(1):
            self._trigger()
