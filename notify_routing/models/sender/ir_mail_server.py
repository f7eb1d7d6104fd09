import base64
import json

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.tools import email_normalize

#: Carries the decision from the mail to the session; never leaves.
HEADER = "X-Notify-Sender"


def pack(wish):
    """Return a wish as the header's value: one word, in which nothing is decoded on the way."""
    return base64.urlsafe_b64encode(json.dumps(wish).encode()).decode()


def unpack(value):
    """Return the wish that :func:`pack` packed."""
    return json.loads(base64.urlsafe_b64decode("".join(value.split())))


class IrMailServer(models.Model):
    """Door: the session that is really used has the last word on From."""

    _inherit = "ir.mail_server"

    notify_effective_from = fields.Char(
        "Effective From",
        compute="_compute_notify_effective_from",
        help="How a mail that you write now would be signed, if it left through this server.",
    )
    notify_test_result = fields.Text("Last Test", readonly=True, copy=False)

    @api.depends_context("uid", "company")
    def _compute_notify_effective_from(self):
        Sender = self.env["notify.sender"]
        for server in self:
            server.notify_effective_from = Sender._effective(self.env.company, server=server)[
                "from"
            ]

    def _active_usages_compute(self):
        usages = super()._active_usages_compute()
        # sudo: whoever archives a server may not see all companies' policies
        policies = self.env["notify.sender"].sudo()
        for policy in policies.search([("server_id", "in", self.ids)]):
            usages.setdefault(policy.server_id.id, []).append(
                self.env._("%s (Sender Policy)", policy.name)
            )
        return usages

    def _prepare_email_message__(self, message, smtp_session):
        wish = message[HEADER]
        if not wish:
            return super()._prepare_email_message__(message, smtp_session)
        del message[HEADER]
        wish = unpack(wish)
        accepted = self._notify_accepted(wish, getattr(smtp_session, "from_filter", False))
        if not accepted:
            return super()._prepare_email_message__(message, smtp_session)
        message.replace_header("From", accepted)
        server = self
        if wish["envelope"] == "from":
            server = self.with_context(domain_bounce_address=email_normalize(accepted))
        before = getattr(smtp_session, "smtp_from", None)
        try:
            if before is not None:
                # Odoo writes the address for which it opened the session into From.
                smtp_session.smtp_from = accepted
            return super(IrMailServer, server)._prepare_email_message__(message, smtp_session)
        finally:
            if before is not None:
                smtp_session.smtp_from = before

    def _notify_owned_by(self, email_from):
        """Tell whether one of these servers is an author's own, which goes before all policies."""
        return any(
            server.owner_user_id and self._match_from_filter(email_from, server.from_filter)
            for server in self
        )

    @api.model
    def _notify_accepted(self, wish, from_filter):
        """Return the first From of a wish that a session accepts, ``None`` if Odoo has to find one.

        :param dict wish: see ``notify.sender._wish``
        """
        for address in (wish["from"], wish["instead"]):
            if address and self._match_from_filter(address, from_filter):
                return address
        return None

    # ------------------------------------------------------------
    # TEST
    # ------------------------------------------------------------

    def action_notify_send_test(self):
        """Send the current user a mail through this server, and record what became of it."""
        self.ensure_one()
        mail = self._notify_test_mail(self.env.user, self.name)
        mail.mail_server_id = self
        error = mail._notify_send_now()
        to = self.env.user.email
        now = fields.Datetime.to_string(fields.Datetime.now())
        said = (
            self.env._("The test to %(to)s failed: %(error)s", to=to, error=error)
            if error
            else self.env._("The server took the test to %(to)s.", to=to)
        )
        self.notify_test_result = f"{now} UTC: {said}"
        return self._notify_say(said, not error)

    @api.model
    def _notify_test_mail(self, user, name):
        if not email_normalize(user.email):
            raise UserError(self.env._("The test goes to your own address: give yourself one."))
        # sudo: managers may send a test, and cannot otherwise write mails
        return self.env["mail.mail"].sudo().create(
            {
                "subject": self.env._("Test of %s", name),
                "body_html": self.env._("This mail left as all mails of “%s” do.", name),
                "email_from": user.email_formatted,
                "email_to": user.email_formatted,
                "author_id": user.partner_id.id,
                "message_type": "comment",
                "record_company_id": self.env.company.id,
                "record_alias_domain_id": self.env.company.alias_domain_id.id,
            }
        )  # fmt: skip

    @api.model
    def _notify_say(self, said, success):
        return {
            "type": "ir.actions.client",
            "tag": "display_notification",
            "params": {
                "message": said,
                "type": "success" if success else "danger",
                "sticky": not success,
                "next": {"type": "ir.actions.client", "tag": "soft_reload"},
            },
        }
