from odoo import models


class NotifySchemeLine(models.Model):
    """Each change of a cell, wherever it was made, is noted in the scheme's chatter."""

    _name = "notify.scheme.line"
    _inherit = ["notify.scheme.line", "notify.audit"]

    def _audited(self):
        # A scheme that was just made, copied or installed says so itself.
        scheme = self.scheme_id
        return scheme if scheme.create_date != self.env.cr.now() else None

    def _absence(self):
        return self.env._("no cell")
