import logging

from odoo import SUPERUSER_ID, api, fields, models
from odoo.exceptions import UserError
from odoo.modules.registry import Registry

from ...tools import mailbox_idle
from ...tools.mailbox import ImapMailbox, PopMailbox

_logger = logging.getLogger(__name__)


class FetchmailServer(models.Model):
    """Door: what is fetched is stored first and routed after; a mailbox in trouble is never
    switched off, and its managers hear of it at once."""

    _inherit = "fetchmail.server"

    notify_position = fields.Json(
        "Read Up To",
        readonly=True,
        copy=False,
        help="Which messages of the mailbox are read, by the numbers that its server gives them.",
    )
    notify_idle = fields.Boolean(
        "Fetch on Arrival",
        help="Odoo stays connected, and the server tells it of new mail (IMAP IDLE): an answer is "
        "in its document within seconds. It takes one connection to the mailbox for each worker "
        "that runs scheduled actions. Mail is fetched by schedule as well, in any case.",
    )
    notify_trouble_since = fields.Datetime("In Trouble Since", readonly=True, copy=False)
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
        keeping = self.with_context(notify_keep_confirmed=True, notify_stay=True)
        return super(FetchmailServer, keeping)._fetch_mails(**kwargs)

    def _connect__(self, *args, **kwargs):
        connection = super()._connect__(*args, **kwargs)
        if not self.env.context.get("notify_store"):
            return connection
        kind = self._get_connection_type()
        doors = (self.notify_position, self._notify_keep, self._notify_moved, self._notify_refused)
        if kind == "imap":
            since = self.date and self.date.date()
            stay = self.notify_idle and self.env.context.get("notify_stay") and self._notify_stay
            return ImapMailbox(connection, *doors, since, stay or None)
        return PopMailbox(connection, *doors) if kind == "pop" else connection

    def _notify_keep(self, mails):
        """Store messages for good, whatever becomes of the fetching."""
        with self.env.registry.cursor() as cr:
            server = self.with_env(self.env(cr=cr, su=True))
            server.env["notify.intake"]._store([mail.raw for mail in mails], server)

    def _notify_moved(self, position):
        self.notify_position = position

    def _notify_refused(self, reply):
        """Tell of messages that stay in the mailbox; all others are stored by now."""
        raise UserError(
            self.env._(
                "All other mail was fetched. But there are messages that the server does not hand "
                "over, or does not delete: %(reply)s",
                reply=reply,
            )
        )

    def _notify_stay(self, client):
        """Wait for new mail in a session that is open, in a thread of its own.

        :return: whether somebody does
        """
        database = self.env.cr.dbname

        def arrived():
            with Registry(database).cursor() as cr:
                env = api.Environment(cr, SUPERUSER_ID, {})
                fetch = env.ref("mail.ir_cron_mail_gateway_action", raise_if_not_found=False)
                if fetch:
                    fetch._trigger()

        return mailbox_idle.wait((database, self.id), client, arrived)

    # ------------------------------------------------------------
    # TROUBLE
    # ------------------------------------------------------------

    def set_draft(self):
        if self.env.context.get("notify_keep_confirmed"):
            _logger.info("Mailboxes %s stay confirmed, and are tried again", self.ids)
            return True
        return super().set_draft()

    def _notify_troubles(self):
        """Have the set-up check hear of mailboxes that came into trouble, and that came out of it:
        it alarms the managers."""
        now = fields.Datetime.now()
        for server in self.sudo().exists():
            if bool(server.error_date) != bool(server.notify_trouble_since):
                server.notify_trouble_since = server.error_date and now
                self.env["notify.check"]._hear_of_mailbox(server)
        self.env.cr.commit()  # pylint: disable=invalid-commit
