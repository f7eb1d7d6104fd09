from odoo import models

from .loose import forget


class NotifySubscription(models.Model):
    """Notifications that name a default let it go without a foreign key."""

    _inherit = "notify.subscription"

    def unlink(self):
        forget(self)
        return super().unlink()
