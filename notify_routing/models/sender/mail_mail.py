from odoo import models
from odoo.tools import str2bool


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
        return outgoing

    def _hides_recipients(self):
        """Tell whether externals must not see each other's addresses."""
        value = self.env["ir.config_parameter"].sudo().get_param("notify_routing.hide_recipients")
        return str2bool(value or "", False)
