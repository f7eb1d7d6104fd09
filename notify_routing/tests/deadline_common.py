from datetime import date, datetime, timedelta
from unittest.mock import patch

from freezegun import freeze_time

from odoo.fields import Command

from .common import NotifyCase

#: A Wednesday; alerts leave at 7:00, which is 5:00 UTC on this summer day in Paris.
TODAY = date(2026, 5, 6)


class DeadlineCase(NotifyCase):
    """Leads of Anna and Ben with a date; a deadline: 3 days before, on the day, every 2 after."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        commit = patch.object(
            type(cls.env["ir.cron"]),
            "_commit_progress",
            lambda self, *_args, **_kwargs: self.env.flush_all() or float("inf"),
        )
        cls.startClassPatcher(commit)
        cls.env["notify.deadline"].with_context(active_test=False).search([]).unlink()
        cls.company = cls.env.company
        cls.company.write(
            {
                "notify_alert_hour": 7,
                "notify_alert_tz": "Europe/Paris",
                "notify_alert_email": "alerts@company.example",
            }
        )
        cls.responsible = cls.env.ref("notify_routing.role_responsible")
        cls.manager = cls.env.ref("notify_routing.role_manager")
        cls.deadline = cls.make_deadline()
        with freeze_time("2026-05-01 12:00:00"):
            cls.run_job()

    @classmethod
    @freeze_time("2026-05-01 12:00:00")
    def make_deadline(cls, **values):
        """Make a deadline that is on since the first of May."""
        return cls.env["notify.deadline"].create(
            {
                "name": "Expected closing",
                "active": True,
                "model_id": cls.env["ir.model"]._get_id("crm.lead"),
                "date_field": "date_deadline",
                "domain": "[('probability', '<', 100)]",
                "role_ids": [Command.set(cls.responsible.ids)],
                "offset_ids": [
                    Command.create({"when": "before", "days": 3}),
                    Command.create({"when": "on"}),
                    Command.create({"when": "after", "days": 2, "times": 3}),
                ],
                **values,
            }
        )

    @classmethod
    def run_job(cls):
        cls.env["notify.deadline"]._cron_alert()
        cls.env.invalidate_all()

    @classmethod
    def run_at(cls, day, hour=7, minute=0, zone_hours=2):
        """Run the job at an hour of a day in Paris (in summer)."""
        wall = datetime.combine(day, datetime.min.time()) + timedelta(hours=hour, minutes=minute)
        with freeze_time(wall - timedelta(hours=zone_hours)):
            cls.run_job()

    def lead(self, name="Boats", due=TODAY, user=None, **values):
        return self.env["crm.lead"].create(
            {
                "name": name,
                "type": "opportunity",
                "user_id": (user or self.anna).id,
                "date_deadline": due,
                "probability": 10,
                **values,
            }
        )

    @property
    def alerts(self):
        return self.env["notify.deadline.alert"].search([], order="id")

    def told(self, day=None):
        """Return who was alerted of what: ``{("Anna", "Boats")}``, on one day or ever."""
        domain = [("reason", "=", False)]
        if day:
            domain.append(("sent_on", "=", day))
        lines = self.env["notify.deadline.alert.line"].search(domain)
        return sorted((line.partner_id.name, line.name) for line in lines)

    def reasons(self):
        lines = self.env["notify.deadline.alert.line"].search([("reason", "!=", False)])
        return sorted((line.partner_id.name, line.reason) for line in lines)

    def messages(self, alert=None):
        alert = alert or self.alerts
        return self.env["mail.message"].search(
            [("model", "=", "notify.deadline.alert"), ("res_id", "in", alert.ids)]
        )
