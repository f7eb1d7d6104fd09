from odoo import api, fields, models

from ...tools.email_faults import fault_of


class ResPartner(models.Model):
    """Door: what is wrong with somebody's e-mail address is said where it is entered."""

    _inherit = "res.partner"

    notify_email_fault = fields.Char(
        "Why No E-mail Arrives",
        compute="_compute_notify_email_fault",
        help="What is wrong with the e-mail address, as far as one sees without writing to it.",
    )

    @api.depends("email")
    def _compute_notify_email_fault(self):
        for partner in self:
            # A contact without an address is no fault.
            partner.notify_email_fault = partner.email and self._notify_fault_of(partner.email)

    @api.model
    def _notify_fault_of(self, email):
        """Return what is wrong with an e-mail address, or False."""
        fault = fault_of(email)
        return bool(fault) and self._notify_fault_sentences(fault[1])[fault[0]]

    @api.model
    def _notify_fault_sentences(self, address):
        return {
            "missing": self.env._("There is no e-mail address."),
            "no_at": self.env._(
                "“%(address)s” is no e-mail address: the @ is missing.", address=address
            ),
            "blank": self.env._("“%(address)s” has a blank in it.", address=address),
            "local": self.env._(
                "What stands before the @ in “%(address)s” is not allowed.", address=address
            ),
            "domain": self.env._(
                "What stands after the @ in “%(address)s” is no domain.", address=address
            ),
            "no_dot": self.env._(
                "What stands after the @ in “%(address)s” is incomplete, e.g. “.com” is missing.",
                address=address,
            ),
            "reserved": self.env._(
                "“%(address)s” is a made-up address: it leads nowhere.", address=address
            ),
        }
