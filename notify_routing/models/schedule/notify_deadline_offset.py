from odoo import api, fields, models
from odoo.exceptions import ValidationError

from ...tools.deadline import Offset
from .notify_deadline import FURTHEST


class NotifyDeadlineOffset(models.Model):
    """When people are alerted, seen from the date of the document."""

    _name = "notify.deadline.offset"
    _description = "Time of Alerts"
    _order = "deadline_id, place, id"

    deadline_id = fields.Many2one("notify.deadline", required=True, ondelete="cascade", index=True)
    when = fields.Selection(
        [("before", "Days before"), ("on", "On the day"), ("after", "Every so many days after")],
        required=True,
        default="before",
    )
    days = fields.Integer(default=1)
    times = fields.Integer("At Most", default=3, help="How often after the date.")
    place = fields.Integer(compute="_compute_place", store=True)

    @api.depends("when", "days")
    def _compute_place(self):
        sign = {"before": -1, "on": 0, "after": 1}
        for offset in self:
            offset.place = sign[offset.when or "on"] * offset.days

    @api.depends("when", "days", "times")
    @api.depends_context("lang")
    def _compute_display_name(self):
        for offset in self:
            time = self.env["notify.time"]._length(offset.days, "days")
            if offset.when == "before":
                name = self.env._("%(time)s before", time=time)
            elif offset.when == "after":
                name = self.env._(
                    "%(times)s× after (interval: %(time)s)", times=offset.times, time=time
                )
            else:
                name = self.env._("on the day")
            offset.display_name = name

    @api.constrains("when", "days", "times")
    def _check_days(self):
        for offset in self:
            if offset.when == "on":
                continue
            furthest = offset.days * (offset.times if offset.when == "after" else 1)
            if offset.days < 1 or furthest > FURTHEST:
                raise ValidationError(
                    self.env._(
                        "Alerts are 1 to %(days)s days from the date, the last one included.",
                        days=FURTHEST,
                    )
                )
            if offset.when == "after" and offset.times < 1:
                raise ValidationError(self.env._("Say how often at most people are alerted."))

    def _frozen(self):
        """Return the line as the calendar reads it."""
        self.ensure_one()
        return Offset(self.when, self.days, self.times)
