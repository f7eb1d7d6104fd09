from odoo import api, models

from ...tools.decision import Preference


class NotifyRouter(models.AbstractModel):
    """The router asks here how people want to be told."""

    _inherit = "notify.router"

    @api.model
    def _preferences(self, model, recipients):
        wishes = [
            {name: recipient[name] for name in ("uid", "ushare", "notif")}
            for recipient in recipients
        ]
        self.env["notify.preference"]._apply_channels(model, wishes)
        return [
            Preference(
                frozenset({"email", "inbox"} if wish.get("notify_both") else {wish["notif"]})
            )
            for wish in wishes
        ]

    @api.model
    def _pushes(self, model, recipients):
        allowed = self.env["notify.preference"].sudo()._pushed()
        return [(recipient["uid"], model) in allowed for recipient in recipients]
