import logging
import time
from datetime import timedelta

from odoo import SUPERUSER_ID, api, fields, models

_logger = logging.getLogger(__name__)

#: Start of our jobs' identity keys.
PREFIX = "notify_routing."
#: Seconds that a job works; well below the time limit of the requests that jobs run in.
SECONDS = 30
#: When a job has waited so long, nobody runs jobs.
PATIENCE = timedelta(minutes=10)


class QueueJob(models.Model):
    """Door: how this addon's jobs get into the queue.

    A job is only a call to work on what is due. What is due, who has reserved it and when it is
    tried again stay in our own tables: a job that is lost, or fails, loses nothing, and the job
    queue has nothing to retry.
    """

    _inherit = "queue.job"

    @api.model
    def _notify_hand_over(self, work, name, priority, description):
        """Have a method called by a job, unless one that does the same waits already.

        :param work: bound method of a model
        :param str name: of the work, for the identity key
        :param int priority: low ones run first
        """
        recordset = work.__self__.with_user(SUPERUSER_ID)
        delayed = recordset.with_delay(
            priority=priority,
            max_retries=1,
            identity_key=PREFIX + name,
            description=description,
        )
        getattr(delayed, work.__name__)()

    @api.model
    def _notify_is_stalled(self):
        """Tell whether jobs of ours have waited for so long that nobody seems to run any."""
        before = fields.Datetime.now() - PATIENCE
        stalled = bool(self._notify_waiting(("date_created", "<", before)))
        if stalled:
            _logger.warning("The job queue does not run; mail is sent and routed without it")
        return stalled

    @api.model
    def _notify_waiting(self, *domain):
        """Return our jobs that did not start yet.

        :param domain: further conditions
        """
        # sudo: whoever fetches mail needs no right to see jobs
        return self.sudo().search(
            [
                ("identity_key", "=like", f"{PREFIX}%"),
                ("state", "in", ("wait_dependencies", "pending", "enqueued")),
                *domain,
            ]
        )

    @api.model
    def _notify_until(self):
        """Return when a job that starts now has to end, on the clock of scheduled actions."""
        return time.monotonic() + SECONDS
