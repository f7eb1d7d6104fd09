import base64
import csv
import gzip
import io
from datetime import timedelta

from odoo import api, fields, models
from odoo.tools import str2bool

#: How long the trail is kept if nobody chose otherwise, in days.
DAYS = 365
#: Rows that one step archives and deletes; a step is a file.
STEP = 5000

#: What is kept of a row in the archive.
ARCHIVED = {
    "notify.delivery": [
        "id", "date", "res_model", "res_id", "mail_message_id", "email", "email_from", "subject",
        "message_id", "state", "attempts", "code", "enhanced", "reply", "date_sent",
    ],
    "notify.suppression": [
        "id", "date", "mail_message_id", "partner_id", "email", "channel", "reason", "event_id",
    ],
}  # fmt: skip
#: States of deliveries that are still on their way: those stay, however old they are.
UNDER_WAY = ("waiting", "claimed", "retrying", "doubt")


class NotifyRetention(models.AbstractModel):
    """How long the trail is kept, and the archive of what is deleted after that."""

    _name = "notify.retention"
    _description = "Retention of the Trail"

    @api.model
    def _days(self):
        """Return for how many days the trail is kept; 0 and what is no number mean the default."""
        value = self.env["ir.config_parameter"].sudo().get_param("notify_routing.trail_days")
        return int(value) if value and value.isdigit() and int(value) else DAYS

    @api.model
    def _before(self):
        return fields.Datetime.now() - timedelta(days=self._days())

    @api.autovacuum
    def _gc_trail(self):
        """Archive and delete a step of each kind of row that is older than what is kept.

        :return: ``(rows deleted, whether more may be left)``
        """
        done = [self._gc_step(model) for model in ARCHIVED]
        return sum(done), max(done) == STEP

    @api.model
    def _gc_step(self, model):
        """Archive and delete the oldest rows of a model, at most a step; return how many."""
        domain = [("date", "<", self._before())]
        if model == "notify.delivery":
            domain.append(("state", "not in", UNDER_WAY))
        # sudo: the scheduled clean-up works for everybody
        rows = self.env[model].sudo().search(domain, order="id", limit=STEP)
        if rows and self._archives():
            self._archive(rows)
        count = len(rows)
        rows.unlink()
        return count

    @api.model
    def _archives(self):
        value = self.env["ir.config_parameter"].sudo().get_param("notify_routing.trail_archive")
        return str2bool(value or "", False)

    @api.model
    def _archive(self, rows):
        """Keep rows as a compressed CSV file; see Settings / Technical / Attachments."""
        names = ARCHIVED[rows._name]
        text = io.StringIO()
        writer = csv.writer(text)
        writer.writerow(names)
        for values in rows.read(names, load=None):
            writer.writerow([values[name] for name in names])
        first, last = (fields.Date.to_string(row.date) for row in (rows[0], rows[-1]))
        return self.env["ir.attachment"].sudo().create(
            {
                "name": f"{rows._name}-{first}-{last}-{rows[0].id}.csv.gz",
                "datas": base64.b64encode(gzip.compress(text.getvalue().encode())),
                "mimetype": "application/gzip",
                "description": self.env._("Archive of the trail of notifications"),
            }
        )  # fmt: skip


class MailNotification(models.Model):
    """Door: Odoo forgets what was read half a year ago; the trail promises more."""

    _inherit = "mail.notification"

    @api.model
    def _gc_notifications(self, max_age_days=180, **kwargs):
        days = max(max_age_days, self.env["notify.retention"]._days())
        return super()._gc_notifications(max_age_days=days, **kwargs)


class ResConfigSettings(models.TransientModel):
    """Door: how long the trail is kept."""

    _inherit = "res.config.settings"

    notify_trail_days = fields.Integer(
        "Trail Kept For",
        config_parameter="notify_routing.trail_days",
        default=DAYS,
        help="Days for which it can be found out who was told of what, and what became of it. "
        "Notifications stay at least as long as Odoo itself keeps them.",
    )
    notify_trail_archive = fields.Boolean(
        "Archive the Trail",
        config_parameter="notify_routing.trail_archive",
        help="What is older is kept in compressed files before it is deleted.",
    )
