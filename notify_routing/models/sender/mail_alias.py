from odoo import api, models

#: What makes an alias another address.
ADDRESS = {"alias_name", "alias_domain_id"}


class MailAlias(models.Model):
    """Door: what is remembered of aliases ends when they change."""

    _inherit = "mail.alias"

    def write(self, vals):
        result = super().write(vals)
        if ADDRESS & set(vals):
            self._forget_aliases()
        return result

    def unlink(self):
        result = super().unlink()
        self._forget_aliases()
        return result

    @api.model
    def _forget_aliases(self):
        if self.env["notify.return.address"]._book()["places"]:
            self.env.registry.clear_cache()
