from smtplib import SMTPException

from odoo import models
from odoo.exceptions import UserError
from odoo.tools import email_normalize, formataddr, str2bool
from odoo.tools.mail import email_split_tuples

from odoo.addons.base.models.ir_mail_server import MailDeliveryException

from ...tools.address_token import HEADER_LENGTH
from .ir_mail_server import HEADER, pack


class MailMail(models.Model):
    """Door: what the header of each recipient's own mail says."""

    _inherit = "mail.mail"

    def _prepare_outgoing_list(self, *args, **kwargs):
        outgoing = super()._prepare_outgoing_list(*args, **kwargs)
        for email in outgoing:
            headers = email.get("headers")
            if headers and "X-Msg-To-Add" in headers and self._hides_recipients():
                # Odoo shows all externals in To, so that they can answer to all.
                email["headers"] = {
                    name: value for name, value in headers.items() if name != "X-Msg-To-Add"
                }
        if self._returns_to_us():
            for email in outgoing:
                email["reply_to"] = self._signed_reply_to(email)
        server = kwargs.get("mail_server") or (args[0] if args else None)
        policy = self.env["notify.sender"]._of(self, server or self.env["ir.mail_server"])
        if policy:
            self._send_as(policy, outgoing)
        return outgoing

    def _hides_recipients(self):
        """Tell whether externals must not see each other's addresses."""
        value = self.env["ir.config_parameter"].sudo().get_param("notify_routing.hide_recipients")
        return str2bool(value or "", False)

    # ------------------------------------------------------------
    # RETURN ADDRESSES
    # ------------------------------------------------------------

    def _returns_to_us(self):
        """Tell whether answers come to Odoo, for a message that is still there then."""
        self.ensure_one()
        addresses = self.env["notify.return.address"]
        book = addresses._book()
        if not book["places"]:
            return False
        message = self.sudo().mail_message_id
        if message.reply_to_force_new or not message.model:
            return False
        if self.auto_delete and not self.is_notification:
            # Odoo deletes the message along with the mail: an answer could not find it.
            return False
        address = email_normalize(self.reply_to)
        if not address or address in book["own"]:
            return bool(address)
        # Also the address of an alias (a team's, a project's): answers would make a new document
        # there once their headers are lost. An address that somebody chose is left alone.
        return address.partition("@")[2] in book["names"] and addresses._is_alias(address)

    def _signed_reply_to(self, email):
        """Return the Reply-To of one recipient's mail, with the name that Odoo gave it.

        :param dict email: as :meth:`_prepare_outgoing_list` makes them
        """
        recipient = email["partner_id"] or ", ".join(email["email_to"])
        address = self.env["notify.return.address"]._reply_address(
            self.mail_message_id, recipient, self.env.company
        )
        if not address:
            return email["reply_to"]
        names = [name for name, _address in email_split_tuples(email["reply_to"]) if name]
        named = formataddr((names[0], address)) if names else address
        # Beyond that length some signatures of relays break when the header is folded.
        return named if len(named) <= HEADER_LENGTH else address

    # ------------------------------------------------------------
    # SENDERS
    # ------------------------------------------------------------

    def _send_as(self, policy, outgoing):
        """Note on each recipient's mail what a policy asks for; the session decides on it."""
        wish = pack(self.env["notify.sender"]._wish(policy, self))
        for email in outgoing:
            # Odoo shares one dict of headers between the recipients.
            email["headers"] = {**(email.get("headers") or {}), HEADER: wish}
            if policy.reply_mode == "fixed":
                email["reply_to"] = policy.reply_to
            elif policy.reply_mode == "author":
                email["reply_to"] = self.email_from

    def _filter_mail_mail_servers(self, mail_servers):
        allowed = super()._filter_mail_mail_servers(mail_servers)
        if not self.env["notify.sender"]._book() or not allowed:
            return allowed
        for mail in self:
            policy = self.env["notify.sender"]._of(mail)
            wanted = allowed.filtered(lambda server, policy=policy: (
                policy and server.id == policy.server_id
            ))  # fmt: skip
            if wanted and not allowed._notify_owned_by(mail.email_from):
                allowed = wanted
        return allowed

    def _notify_send_now(self):
        """Send at once and return what went wrong, ``""`` for nothing."""
        try:
            self.send(raise_exception=True)
        except (MailDeliveryException, UserError, SMTPException, OSError) as error:
            return " ".join(str(part) for part in error.args)
        failed = self.exists().filtered(lambda mail: mail.state == "exception")
        return failed.failure_reason or ""
