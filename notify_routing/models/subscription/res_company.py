from odoo import models


class ResCompany(models.Model):
    """Door: a company's defaults go with the company."""

    _inherit = "res.company"

    def unlink(self):
        result = super().unlink()
        # The database deletes the lines, and tells no cache.
        self.env["notify.subscription"]._forget_deleted()
        return result
