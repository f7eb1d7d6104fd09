from odoo import models


class ResUsers(models.Model):
    """Door: a user's default choices go with the user."""

    _inherit = "res.users"

    def unlink(self):
        result = super().unlink()
        # The database deletes the lines, and tells no cache.
        self.env["notify.subscription"]._forget_deleted()
        return result
