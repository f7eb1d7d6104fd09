import logging

from markupsafe import Markup

from odoo import Command, api, fields, models

from ...tools.mailbox import ImapMailbox, PopMailbox

_logger = logging.getLogger(__name__)


class FetchmailServer(models.Model):
    """Door: what is fetched is stored first and routed after; a mailbox in trouble is never
    switched off, and its managers hear of it at once."""

    _inherit = "fetchmail.server"

    notify_position = fields.Json(
        "Read Up To", readonly=True, copy=False, help="UIDVALIDITY and the next UID to read."
    )
    notify_trouble_since = fields.Datetime("In Trouble Since", readonly=True, copy=False)
    notify_alarm_ids = fields.Many2many("mail.activity", string="Alarms", readonly=True, copy=False)
    notify_trusted_servers = fields.Char(
        "Servers That Check Senders",
        help="Names at the start of the Authentication-Results headers that your mail server adds, "
        "e.g. mx.example.com. With it, a message that says it is from one of your users and fails "
        "DMARC is kept for review. Without it, nothing is checked.",
    )
    notify_waiting_count = fields.Integer("Waiting", compute="_compute_notify_counts")
    notify_quarantine_count = fields.Integer("In Quarantine", compute="_compute_notify_counts")

    def _compute_notify_counts(self):
        # sudo: numbers only, for whoever may see the mailbox
        rows = self.env["notify.intake"].sudo()._read_group(
            [("server_id", "in", self.ids), ("state", "in", ("waiting", "quarantine"))],
            ["server_id", "state"],
            ["__count"],
        )  # fmt: skip
        counts = {(server.id, state): count for server, state, count in rows}
        for server in self:
            server.notify_waiting_count = counts.get((server.id, "waiting"), 0)
            server.notify_quarantine_count = counts.get((server.id, "quarantine"), 0)

    # ------------------------------------------------------------
    # FETCH
    # ------------------------------------------------------------

    def _fetch_mail(self, *args, **kwargs):
        storing = self.with_context(notify_store=True)
        result = super(FetchmailServer, storing)._fetch_mail(*args, **kwargs)
        self._notify_troubles()
        self.env["notify.intake"].sudo()._cron_work()
        return result

    @api.model
    def _fetch_mails(self, **kwargs):
        keeping = self.with_context(notify_keep_confirmed=True)
        return super(FetchmailServer, keeping)._fetch_mails(**kwargs)

    def _connect__(self, *args, **kwargs):
        connection = super()._connect__(*args, **kwargs)
        if not self.env.context.get("notify_store"):
            return connection
        kind = self._get_connection_type()
        if kind == "imap":
            since = self.date and self.date.date()
            return ImapMailbox(
                connection, self.notify_position, self._notify_keep, self._notify_moved, since
            )
        return PopMailbox(connection, self._notify_keep) if kind == "pop" else connection

    def _notify_keep(self, mails):
        """Store messages for good, whatever becomes of the fetching."""
        with self.env.registry.cursor() as cr:
            server = self.with_env(self.env(cr=cr, su=True))
            server.env["notify.intake"]._store([mail.raw for mail in mails], server)

    def _notify_moved(self, position):
        self.notify_position = position

    # ------------------------------------------------------------
    # TROUBLE
    # ------------------------------------------------------------

    def set_draft(self):
        if self.env.context.get("notify_keep_confirmed"):
            _logger.info("Mailboxes %s stay confirmed, and are tried again", self.ids)
            return True
        return super().set_draft()

    def _notify_troubles(self):
        """Alarm the managers of mailboxes that just came into trouble, and calm them after."""
        now = fields.Datetime.now()
        for server in self.sudo().exists():
            if server.error_date and not server.notify_trouble_since:
                server.notify_trouble_since = now
                server.notify_alarm_ids = [Command.set(server._notify_alarm().ids)]
            elif not server.error_date and server.notify_trouble_since:
                server.notify_alarm_ids.filtered("active").action_feedback(
                    feedback=self.env._("The mailbox can be read again.")
                )
                server.write({"notify_trouble_since": False, "notify_alarm_ids": [Command.clear()]})
        self.env.cr.commit()  # pylint: disable=invalid-commit

    def _notify_alarm(self):
        """Give each manager of notifications an activity about this mailbox.

        :return: the activities
        """
        self.ensure_one()
        return self.env["mail.activity"].create(
            [
                {
                    "user_id": manager.id,
                    "activity_type_id": self.env.ref("mail.mail_activity_data_warning").id,
                    "summary": self.with_context(lang=manager.lang).env._(
                        "Mailbox %(name)s cannot be read", name=self.name
                    ),
                    "note": Markup("<p>%s</p>") % (self.error_message or ""),
                    "automated": True,
                }
                for manager in self.env["notify.fault"]._managers()
            ]
        )
