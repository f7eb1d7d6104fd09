from odoo import api, fields, models
from odoo.exceptions import ValidationError

from odoo.addons.mail.models.mail_alias import dot_atom_text

SETTINGS = {"name", "catchall_alias", "bounce_alias", "notify_return_mode", "notify_return_domain"}


class MailAliasDomain(models.Model):
    """Door: how the addresses to which answers and bounces return are made."""

    _inherit = "mail.alias.domain"

    notify_return_mode = fields.Selection(
        [
            ("plain", "As Odoo does"),
            ("plus", "Plus addresses"),
            ("wildcard", "A domain of their own"),
        ],
        string="Return Addresses",
        required=True,
        default="plain",
        help="As Odoo does: all answers go to the catchall address, and find their document by "
        "hidden headers, which some relays and mail programs destroy.\n"
        "Plus addresses: the answer's address itself names the message and the recipient, signed: "
        "catchall+token@domain. The mailbox must take what is written to catchall+anything and to "
        "bounce+anything.\n"
        "A domain of their own: token@reply.domain. The mailbox must take everything that is "
        "written to that domain.",
    )
    notify_return_domain = fields.Char(
        "Domain for Answers",
        help="A domain whose mail all arrives in a mailbox that Odoo reads, e.g. "
        "reply.company.example. Nobody else may have an address in it.",
    )

    @api.constrains("notify_return_mode", "notify_return_domain")
    def _check_notify_return_domain(self):
        for domain in self:
            answers = domain.notify_return_domain
            if domain.notify_return_mode == "wildcard" and not answers:
                raise ValidationError(
                    self.env._("Say which domain takes the answers, e.g. reply.%s.", domain.name)
                )
            if answers and not dot_atom_text.match(answers):
                raise ValidationError(
                    self.env._("“%s” is no domain: write it as reply.company.example.", answers)
                )

    @api.model_create_multi
    def create(self, vals_list):
        domains = super().create(vals_list)
        self.env.registry.clear_cache("stable")
        return domains

    def write(self, vals):
        result = super().write(vals)
        if SETTINGS & set(vals):
            self.env.registry.clear_cache("stable")
        return result

    def unlink(self):
        result = super().unlink()
        self.env.registry.clear_cache("stable")
        return result

    @api.model
    def _find_aliases(self, email_list):
        """Signed addresses are ours as well: nobody is to become a contact or recipient by one."""
        ours = set(super()._find_aliases(email_list))
        read = self.env["notify.return.address"]._read
        return [email for email in email_list if email in ours or read(email)["state"] != "none"]
