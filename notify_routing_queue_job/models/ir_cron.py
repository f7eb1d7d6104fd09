import time

from odoo import api, models


class IrCron(models.Model):
    """Door: the time of a job ends, as that of a scheduled action does."""

    _inherit = "ir.cron"

    @api.model
    def _commit_progress(self, *args, **kwargs):
        left = super()._commit_progress(*args, **kwargs)
        until = self.env.context.get("notify_job_until")
        return left if until is None else max(min(left, until - time.monotonic()), 0)
