from odoo import models
from odoo.tools import email_normalize, formataddr, str2bool
from odoo.tools.mail import email_split_tuples

from ...tools.address_token import HEADER_LENGTH


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
        book = self.env["notify.return.address"]._book()
        if not book["places"]:
            return False
        message = self.sudo().mail_message_id
        if message.reply_to_force_new or not (message.model and message.res_id):
            return False
        if self.auto_delete and not self.is_notification:
            # Odoo deletes the message along with the mail: an answer could not find it.
            return False
        address = email_normalize(self.reply_to)
        if not address or address in book["catchalls"]:
            return bool(address)
        # Also the address of an alias (a team's, a project's): answers would make a new document
        # there once their headers are lost. An address that somebody chose is left alone.
        domains = self.env["mail.alias.domain"].sudo()
        return bool(domains._find_aliases([address]))

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
