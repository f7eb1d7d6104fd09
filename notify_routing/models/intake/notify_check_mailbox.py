import poplib
from datetime import timedelta
from imaplib import IMAP4

from odoo import api, fields, models
from odoo.exceptions import UserError

from odoo.addons.base.models.ir_cron import _intervalTypes

from ...tools import smtp_probe
from ..sender.notify_check import LATE, Verdict


class NotifyCheck(models.Model):
    """Incoming servers: can we log in, and is mail fetched in time?"""

    _inherit = "notify.check"

    kind = fields.Selection(
        selection_add=[("mailbox", "Incoming server"), ("incoming", "Mail comes in")],
        ondelete={"mailbox": "cascade", "incoming": "cascade"},
    )

    @api.model
    def _checks(self):
        checks = super()._checks()
        checks.append(
            {
                "kind": "incoming",
                "key": "incoming",
                "topic": "incoming",
                "sequence": 50,
                "hours": 0,
                "is_scheduled": True,
            }
        )
        for server in self._incoming_servers():
            checks.append(
                {
                    "kind": "mailbox",
                    "key": f"mailbox:{server.id}",
                    "target": server.name,
                    "topic": "incoming",
                    "sequence": 51,
                    "res_model": "fetchmail.server",
                    "res_id": server.id,
                    "hours": 0,
                    "is_scheduled": True,
                }
            )
        return checks

    @api.model
    def _incoming_servers(self):
        """Return the servers that Odoo fetches from, or would if they were confirmed."""
        return self.env["fetchmail.server"].sudo().search([("server_type", "!=", "local")])

    @api.model
    def _jobs(self):
        fetch = self.env.ref("mail.ir_cron_mail_gateway_action", raise_if_not_found=False)
        if not fetch or not self._incoming_servers().filtered(lambda s: s.state == "done"):
            return super()._jobs()
        return super()._jobs() | fetch.sudo()

    def _check_incoming(self):
        """There is a way in at all, and what comes in gets on."""
        late = fields.Datetime.now() - timedelta(minutes=LATE)
        Intake = self.env["notify.intake"].sudo()
        stuck = [("state", "=", "waiting"), ("date", "<", late)]
        if count := Intake.search_count(stuck):
            faulty = Intake.search([*stuck, ("error", "!=", False)], order="id", limit=1)
            sentence = self.env._(
                "%(count)s incoming messages wait for more than %(minutes)s minutes. They are "
                "stored and tried again by themselves; see what is in their way.",
                count=count,
                minutes=LATE,
            )
            return Verdict("red", sentence, faulty.error or "")
        if self._incoming_servers():
            return Verdict("green", self.env._("There is an incoming server."))
        sentence = self.env._(
            "No incoming server is set up: answers and bounces come back only if a mail server "
            "hands them to Odoo by itself (odoo-mailgate). If none does, add an incoming server."
        )
        return Verdict("amber", sentence)

    def _check_mailbox(self):
        """One incoming server."""
        server = self.env["fetchmail.server"].sudo().browse(self.res_id)
        evidence = self._mailbox_evidence(server)
        if server.state != "done":
            sentence = self.env._(
                "This server is not confirmed, so nothing is fetched from it. Open it and press "
                "“Test & Confirm”; archive it if it is not used."
            )
            return Verdict("red", sentence, evidence)
        try:
            server._connect__().disconnect()
        except UserError:
            raise
        except (OSError, UnicodeError, IMAP4.error, poplib.error_proto) as error:
            return self._mailbox_trouble(error, evidence)
        return self._fetched_in_time(server, evidence)

    @api.model
    def _mailbox_evidence(self, server):
        evidence = self.env._("Last fetch: %(date)s (UTC).", date=server.date or "–")
        if server.error_message:
            evidence += f"\n{server.error_date}: {server.error_message}"
        return evidence

    @api.model
    def _hear_of_mailbox(self, server):
        """Take in at once that a mailbox cannot be read, or that it can again."""
        verdict = None
        if server.error_date:
            Check = self._for_administrators()
            sentence = Check.env._(
                "Mail is not fetched, for the reason below. It is tried again by itself."
            )
            verdict = Verdict("red", sentence, Check._mailbox_evidence(server))
        self._hear(f"mailbox:{server.id}", verdict)

    @api.model
    def _mailbox_trouble(self, error, evidence):
        if isinstance(error, (IMAP4.abort, TimeoutError)):
            sentence = self.env._("It does not answer as a mailbox does. Check port and SSL/TLS.")
        elif isinstance(error, (IMAP4.error, poplib.error_proto)):
            sentence = self.env._(
                "It refuses user name or password. Enter them again; some providers ask for an "
                "application password."
            )
        else:
            sentence = self._mailbox_sentences().get(
                smtp_probe.trouble_of(error),
                self.env._(
                    "Its certificate is not accepted. Have its operator renew it, and enter the "
                    "host name that it bears."
                ),
            )
        sentence = self.env._("Mail is not fetched: %(sentence)s", sentence=sentence)
        return Verdict("red", sentence, f"{error}\n{evidence}")

    @api.model
    def _mailbox_sentences(self):
        """Return what mends a connection that fails, by ``smtp_probe.trouble_of``."""
        return {
            "unknown_host": self.env._("Its host name is not known. Correct the name."),
            "no_answer": self.env._(
                "It does not answer. Check host name and port, and that a firewall lets Odoo "
                "reach it."
            ),
            "tls_other": self.env._(
                "It does not understand SSL/TLS on this port. Correct the port, or untick SSL/TLS."
            ),
        }

    @api.model
    def _fetched_in_time(self, server, evidence):
        cron = self.env.ref("mail.ir_cron_mail_gateway_action").sudo()
        interval = _intervalTypes[cron.interval_type](cron.interval_number)
        now = fields.Datetime.now()
        since = server.date or server.write_date
        if since + 2 * interval + timedelta(minutes=LATE) < now:
            sentence = self.env._(
                "The login works, but nothing was fetched for %(minutes)s minutes. See the "
                "scheduled action that fetches.",
                minutes=int((now - since).total_seconds() // 60),
            )
            return Verdict("red", sentence, evidence)
        if server.error_date:
            sentence = self.env._(
                "The login works, but the last fetch failed. It is tried again by itself; if this "
                "stays red, mend what the server answered, or ask its operator."
            )
            return Verdict("red", sentence, evidence)
        return Verdict("green", self.env._("The login works, and mail is fetched."), evidence)
