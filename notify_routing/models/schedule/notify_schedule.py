from odoo import api, fields, models
from odoo.exceptions import ValidationError
from odoo.tools import format_duration

from ...tools.slots import Slots

WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


class NotifySchedule(models.Model):
    """When e-mail that may wait leaves: named, so that many people and types can share it."""

    _name = "notify.schedule"
    _description = "Notification Schedule"
    _order = "sequence, id"

    name = fields.Char(required=True, translate=True)
    active = fields.Boolean(default=True)
    sequence = fields.Integer(default=50)
    kind = fields.Selection(
        [
            ("now", "Immediately"),
            ("hours", "Every so many hours"),
            ("daily", "Every day"),
            ("weekly", "On some days of the week"),
        ],
        required=True,
        default="daily",
    )
    hours = fields.Integer(default=1, help="Counted from midnight of the person's own time zone.")
    at = fields.Float(default=8.0, help="In the person's own time zone.")
    monday = fields.Boolean(default=True)
    tuesday = fields.Boolean(default=True)
    wednesday = fields.Boolean(default=True)
    thursday = fields.Boolean(default=True)
    friday = fields.Boolean(default=True)
    saturday = fields.Boolean()
    sunday = fields.Boolean()
    working_hours = fields.Boolean(
        "Only in Working Hours",
        help="What is due outside of the person's or company's working hours leaves when they "
        "begin. Without a calendar of working hours, this has no effect.",
    )

    @api.constrains("kind", "hours", "at", *WEEKDAYS)
    def _check_slots(self):
        for schedule in self:
            if schedule.kind == "hours" and not 1 <= schedule.hours <= 24:
                raise ValidationError(
                    self.env._("“%(name)s”: choose from 1 to 24 hours.", name=schedule.name)
                )
            if schedule.kind in ("daily", "weekly") and not 0 <= schedule.at < 24:
                raise ValidationError(
                    self.env._("“%(name)s”: choose a time from 00:00 to 23:59.", name=schedule.name)
                )
            if schedule.kind == "weekly" and not schedule._weekdays():
                raise ValidationError(
                    self.env._(
                        "“%(name)s” has no day of the week: nothing would ever leave. Choose one.",
                        name=schedule.name,
                    )
                )

    def _weekdays(self):
        return frozenset(number for number, name in enumerate(WEEKDAYS) if self[name])

    def _slots(self):
        """Return the schedule as :mod:`notify_routing.tools.slots` reads it."""
        self.ensure_one()
        return Slots(
            kind=self.kind,
            hours=self.hours,
            at=round(self.at * 60),
            weekdays=self._weekdays(),
            working_hours=self.working_hours,
        )

    @api.depends("name", "kind", "at", "hours")
    @api.depends_context("notify_times")
    def _compute_display_name(self):
        """With ``notify_times`` in the context, the name says the time as well."""
        for schedule in self:
            schedule.display_name = schedule.name
            if self.env.context.get("notify_times") and schedule.kind in ("daily", "weekly"):
                schedule.display_name = f"{schedule.name} ({format_duration(schedule.at)})"

    # ------------------------------------------------------------
    # CRUD: read through a cache; what waits follows
    # ------------------------------------------------------------

    @api.model_create_multi
    def create(self, vals_list):
        schedules = super().create(vals_list)
        self.env.registry.clear_cache("stable")
        return schedules

    def write(self, vals):
        result = super().write(vals)
        self.env.registry.clear_cache("stable")
        if set(vals) - {"name", "sequence"}:
            self.env["notify.preference"]._people_on(self)._notify_reschedule()
        return result

    def unlink(self):
        people = self.env["notify.preference"]._people_on(self)
        result = super().unlink()
        self.env.registry.clear_cache("stable")
        people._notify_reschedule()
        return result
