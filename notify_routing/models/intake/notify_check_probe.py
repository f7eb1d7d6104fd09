import logging
import re
import secrets

from odoo import api, fields, models

_logger = logging.getLogger(__name__)

#: The whole subject of a probe. Relays may strip headers, a subject they leave alone.
SUBJECT = re.compile(r"\s*notify-check-([0-9a-f]{32})\s*")


class NotifyCheckProbe(models.Model):
    """A mail that a check has sent and that must come back through the mailbox."""

    _name = "notify.check.probe"
    _description = "Probe Mail of a Set-up Check"
    _order = "id"

    check_id = fields.Many2one("notify.check", required=True, index=True, ondelete="cascade")
    address = fields.Char(required=True)
    purpose = fields.Char(required=True, help="What the check wants to know by it.")
    token = fields.Char(required=True, default=lambda self: secrets.token_hex(16))
    sent_at = fields.Datetime()
    answer = fields.Char(help="Of the outgoing server, if it refused.")
    arrived_at = fields.Datetime()
    arrived_by = fields.Char(help="Incoming server that brought it.")

    _token_unique = models.UniqueIndex("(token)")

    def _subject(self):
        return f"notify-check-{self.token}"

    @api.model
    def _recognize(self, subject):
        """Tell whether an incoming mail is a probe, and note that it has come.

        No document may come of a probe, not even of one that came late: anything that looks like
        one counts.

        :param str subject: of the mail
        """
        found = SUBJECT.fullmatch(subject or "")
        if not found:
            return False
        # sudo: whatever user fetches mail
        probe = self.sudo().search([("token", "=", found[1])])
        if probe and not probe.arrived_at:
            server_id = self.env.context.get("default_fetchmail_server_id")
            server = self.env["fetchmail.server"].sudo().browse(server_id or [])
            probe.write({"arrived_at": fields.Datetime.now(), "arrived_by": server.name})
            if all(probe.check_id.probe_ids.mapped("arrived_at")):
                self.env.ref("notify_routing.ir_cron_check").sudo()._trigger()
        elif not probe:
            _logger.info("A probe of a set-up check that nobody waits for any more was left aside")
        return True

    def _line(self):
        """Return what became of it: ``sales@company.example: arrived after 12 s by Mailbox``."""
        self.ensure_one()
        if self.answer:
            fate = self.env._("refused: %(answer)s", answer=self.answer)
        elif not self.arrived_at:
            fate = self.env._("did not arrive")
        else:
            seconds = int((self.arrived_at - self.sent_at).total_seconds())
            by = self.arrived_by or self.env._("another way")
            fate = self.env._("arrived after %(seconds)s s by %(by)s", seconds=seconds, by=by)
        return f"{self.address}: {fate}"
