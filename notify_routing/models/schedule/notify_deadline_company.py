from datetime import UTC, timezone

from odoo import api, fields, models
from odoo.exceptions import ValidationError
from odoo.tools import email_normalize, formataddr
from odoo.tools.misc import format_datetime

from odoo.addons.base.models.res_partner import _tz_get

from ...tools.deadline import find_zone, next_round


class ResCompany(models.Model):
    """When a company's deadline alerts leave, and from which address."""

    _inherit = "res.company"

    notify_alert_hour = fields.Float(
        "Hour of Alerts", default=7.0, help="When the company's deadline alerts leave, every day."
    )
    notify_alert_tz = fields.Selection(
        _tz_get,
        string="Time Zone of Alerts",
        default=lambda self: self.env.user.tz or "UTC",
        help="The hour, and where one day ends and the next begins, are those of this time zone.",
    )
    notify_alert_email = fields.Char(
        "Sender of Alerts", help="Deadline alerts come from here. Empty: the company's e-mail."
    )
    notify_alert_day = fields.Date(
        "Alerts Done", readonly=True, copy=False, help="Day of the last alerts that left."
    )
    notify_next_alert = fields.Char("Next Alerts", compute="_compute_notify_next_alert")

    @api.depends("notify_alert_hour", "notify_alert_tz")
    def _compute_notify_next_alert(self):
        for company in self:
            company.notify_next_alert = company._notify_next_alert_words()

    @api.constrains("notify_alert_hour")
    def _check_notify_alert_hour(self):
        for company in self:
            if not 0 <= company.notify_alert_hour < 24:
                raise ValidationError(self.env._("The hour of alerts is between 0:00 and 23:59."))

    @api.constrains("notify_alert_email")
    def _check_notify_alert_email(self):
        for company in self:
            address = company.notify_alert_email
            if address and not email_normalize(address):
                raise ValidationError(
                    self.env._("“%(address)s” is no e-mail address.", address=address)
                )

    def write(self, vals):
        result = super().write(vals)
        if {"notify_alert_hour", "notify_alert_tz"} & set(vals):
            # sudo: who sets the hour of a company need not be the one who sets up deadlines
            deadlines = self.env["notify.deadline"].sudo()
            deadlines.search([("fault", "!=", False)])._mended()
            deadlines._wake()
        return result

    def _notify_zone(self):
        """Return the time zone of the alerts; UTC where the chosen one does not exist any more.

        :return: ``(zone, whether it is the one that was chosen)``
        """
        self.ensure_one()
        zone = find_zone(self.notify_alert_tz)
        return zone or timezone.utc, bool(zone or not self.notify_alert_tz)

    def _notify_next_alert_at(self):
        """Return when alerts leave next, in UTC, as Odoo stores it."""
        self.ensure_one()
        now = fields.Datetime.now().replace(tzinfo=UTC)
        zone, _known = self._notify_zone()
        return next_round(now, self.notify_alert_hour, zone).replace(tzinfo=None)

    def _notify_next_alert_words(self):
        """Return the same in words, with what is wrong with the time zone."""
        self.ensure_one()
        _zone, known = self._notify_zone()
        name = self.notify_alert_tz if known and self.notify_alert_tz else "UTC"
        at = format_datetime(
            self.env, self._notify_next_alert_at(), tz=name, dt_format="EEEE d MMMM, HH:mm"
        )
        if known:
            return self.env._("%(when)s (%(zone)s)", when=at, zone=name)
        return self.env._(
            "%(when)s (UTC, as there is no time zone “%(zone)s”: choose another one)",
            when=at,
            zone=self.notify_alert_tz,
        )

    def _notify_alert_from(self):
        """Return the address that the company's alerts come from, with its name."""
        self.ensure_one()
        address = self.notify_alert_email or self.email
        if address:
            return formataddr((self.name, email_normalize(address) or address))
        return self.partner_id.email_formatted or self.env.user.email_formatted
