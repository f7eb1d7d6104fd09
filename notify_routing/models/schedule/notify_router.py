from odoo import api, models

from ...tools.decision import Preference


class NotifyRouter(models.AbstractModel):
    """The router asks here how and when people want to be told."""

    _inherit = "notify.router"

    @api.model
    def _preferences(self, model, recipients, event):
        wishes = [
            {name: recipient[name] for name in ("id", "uid", "ushare", "notif")}
            | {"notify_event": event}
            for recipient in recipients
        ]
        self.env["notify.preference"]._apply_channels(model, wishes)
        channels = [
            frozenset({"email", "inbox"} if wish.get("notify_both") else {wish["notif"]})
            for wish in wishes
        ]
        for wish in wishes:
            # A line may send e-mail to people who prefer otherwise: their time holds all the same.
            wish["notif"] = "email"
        self.env["notify.time"]._apply(model, wishes)
        return [
            Preference(wanted, due=wish.get("notify_due"), quiet=wish.get("notify_push") is False)
            for wanted, wish in zip(channels, wishes, strict=True)
        ]

    @api.model
    def _pushes(self, model, recipients):
        allowed = self.env["notify.preference"].sudo()._pushed()
        return [(recipient["uid"], model) in allowed for recipient in recipients]
