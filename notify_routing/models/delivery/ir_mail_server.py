import logging
from datetime import timedelta

from odoo import api, fields, models
from odoo.exceptions import UserError

_logger = logging.getLogger(__name__)

#: Pauses of a broken server, in minutes; the last one is kept.
PAUSES = (1, 2, 5, 10, 20, 30)
#: How long a server that asked for it gets half of the sessions.
CALM = timedelta(minutes=10)


class IrMailServer(models.Model):
    """Door: how much a server gets, and whether it works."""

    _inherit = "ir.mail_server"

    notify_sessions = fields.Integer(
        "Sessions",
        default=8,
        help="How many connections each worker of the queue opens at the same time, at "
        "most; twice as many on a line with a round trip of more than 15 ms.",
    )
    notify_rate_minute = fields.Integer(
        "Mails a Minute", help="The queue sends no more than this. 0: no limit."
    )
    notify_rate_day = fields.Integer(
        "Mails a Day", help="The queue sends no more than this in 24 hours. 0: no limit."
    )
    notify_rate_domain = fields.Integer(
        "Mails a Minute and Domain",
        help="The queue sends no more than this to one domain of recipients. 0: no limit.",
    )
    notify_broken_until = fields.Datetime(
        "Paused Until", readonly=True, copy=False, help="The queue tries this server again then."
    )
    notify_broken_reason = fields.Text("Reason of the Pause", readonly=True, copy=False)
    notify_broken_count = fields.Integer(readonly=True, copy=False)
    notify_calm_until = fields.Datetime(
        "Fewer Sessions Until",
        readonly=True,
        copy=False,
        help="The server said that it was sent too much at once.",
    )
    notify_waiting_count = fields.Integer("Mails Waiting", compute="_compute_notify_waiting_count")

    def _compute_notify_waiting_count(self):
        counts = dict(
            self.env["notify.delivery"]
            .sudo()
            ._read_group(
                [("server_id", "in", self.ids), ("state", "in", ("waiting", "retrying"))],
                ["server_id"],
                ["__count"],
            )
        )
        for server in self:
            server.notify_waiting_count = counts.get(server, 0)

    @api.model_create_multi
    def create(self, vals_list):
        servers = super().create(vals_list)
        self.env["notify.delivery"].sudo()._wake([("server_id", "=", False), ("code", "=", False)])
        return servers

    def write(self, vals):
        result = super().write(vals)
        if any(name.startswith("smtp_") or name == "active" for name in vals):
            self.action_notify_resume()
        return result

    # ------------------------------------------------------------
    # FOR THE COURIER (an empty server is the one of the configuration file)
    # ------------------------------------------------------------

    def _notify_connect(self, smtp_from):
        """Open a connection as Odoo does.

        :raise Exception: whatever Odoo raises
        """
        connection = self.env["ir.mail_server"]._connect__(
            mail_server_id=self.id or False, smtp_from=smtp_from
        )
        if not connection:
            raise UserError(self.env._("E-mails are switched off."))
        seconds = self.env["ir.config_parameter"].sudo().get_param("notify_routing.smtp_timeout")
        if seconds and connection.sock:
            connection.sock.settimeout(float(seconds))
        return connection

    def _notify_session_count(self):
        """Return how many sessions the server gets now."""
        most = self.notify_sessions or 8
        calm = self.notify_calm_until and self.notify_calm_until > fields.Datetime.now()
        return max(most // 2, 1) if calm else most

    def _notify_break(self, reason):
        """Leave a server alone for a while, and tell the managers the first time; commits."""
        if not self:
            return
        self.env.cr.commit()  # pylint: disable=invalid-commit
        self.invalidate_recordset()
        now = fields.Datetime.now()
        if self.notify_broken_until and self.notify_broken_until > now:
            return
        pause = PAUSES[min(self.notify_broken_count, len(PAUSES) - 1)]
        first = not self.notify_broken_count
        self.write(
            {
                "notify_broken_until": now + timedelta(minutes=pause),
                "notify_broken_reason": reason,
                "notify_broken_count": self.notify_broken_count + 1,
            }
        )
        _logger.error("Mail server %s is left alone for %s minutes: %s", self.name, pause, reason)
        if first:
            self._notify_alarm(reason)
        self.env.cr.commit()  # pylint: disable=invalid-commit

    def _notify_alarm(self, reason):
        """Hook for extensions: tell the managers that a server does not work."""
        Check = self.env["notify.check"]
        Check._hear(f"outgoing:{self.id}", Check._for_administrators()._paused(self.sudo(), reason))
        for user in self.env["notify.fault"]._managers():
            user._bus_send(
                "simple_notification",
                {
                    "type": "danger",
                    "sticky": True,
                    "title": self.env._("The mail server %s does not work", self.name),
                    "message": reason,
                },
            )

    def _notify_mend(self):
        """Close the circuit of a server that answers again; its mail leaves now."""
        if self and self.notify_broken_count:
            self.action_notify_resume()

    def _notify_slow_down(self):
        """Give a server half of its sessions for a while; commits."""
        if self and not (self.notify_calm_until and self.notify_calm_until > fields.Datetime.now()):
            self.env.cr.commit()  # pylint: disable=invalid-commit
            self.notify_calm_until = fields.Datetime.now() + CALM
            self.env.cr.commit()  # pylint: disable=invalid-commit

    def action_notify_resume(self):
        """Try again now."""
        broken = self.filtered("notify_broken_count")
        broken.write(
            {
                "notify_broken_until": False,
                "notify_broken_reason": False,
                "notify_broken_count": 0,
            }
        )
        for server in broken:
            self.env["notify.check"]._hear(f"outgoing:{server.id}")
        self.env["notify.delivery"].sudo()._wake([("server_id", "in", self.ids)])
