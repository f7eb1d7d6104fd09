from odoo import api, models

from .notify_return_address import ALIASES


class MailAlias(models.Model):
    """Door: what a transaction remembers of aliases ends when they change."""

    _inherit = "mail.alias"

    @api.model_create_multi
    def create(self, vals_list):
        self.env.cr.cache.pop(ALIASES, None)
        return super().create(vals_list)

    def write(self, vals):
        self.env.cr.cache.pop(ALIASES, None)
        return super().write(vals)
