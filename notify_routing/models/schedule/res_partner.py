from odoo import models


class ResPartner(models.Model):
    """Door: mail that waits follows somebody who moves to another time zone."""

    _inherit = "res.partner"

    def write(self, vals):
        result = super().write(vals)
        if "tz" in vals and self.env["notify.preference"]._time_book():
            # sudo: their time zone was writable, their waiting mail follows
            self.sudo().with_context(active_test=False).user_ids._notify_reschedule()
        return result
