from odoo import api, fields, models


class ResUsers(models.Model):
    """Door: stock's choice between e-mail and in-app becomes one of three, and stays in step."""

    _inherit = "res.users"

    notify_channel = fields.Selection(
        [
            ("email", "By Emails"),
            ("inbox", "In Odoo"),
            ("both", "Both"),
        ],
        string="Notifications",
        compute="_compute_notify_channel",
        inverse="_inverse_notify_channel",
        help="How you are told of what happens on documents:\n"
        "- By Emails: to your e-mail address\n"
        "- In Odoo: in your Odoo Inbox\n"
        "- Both: both at the same time",
    )
    notify_preference_ids = fields.One2many("notify.preference", "user_id")

    @property
    def SELF_READABLE_FIELDS(self):
        return [*super().SELF_READABLE_FIELDS, "notify_channel"]

    @property
    def SELF_WRITEABLE_FIELDS(self):
        return [*super().SELF_WRITEABLE_FIELDS, "notify_channel"]

    @api.depends("notification_type", "notify_preference_ids.channel", "notify_preference_ids.model_id")
    def _compute_notify_channel(self):
        channels = self.env["notify.preference"].sudo()._channels()
        for user in self:
            both = channels.get((user._origin.id, None)) == "both"
            user.notify_channel = "both" if both and user.notification_type == "inbox" else user.notification_type

    def _inverse_notify_channel(self):
        # sudo: people choose their own channel, administrators that of others, as stock's field
        Preference = self.env["notify.preference"].sudo()
        own = Preference.search([("user_id", "in", self.ids), ("model_id", "=", False)]).grouped("user_id")
        for user in self:
            preference = own.get(user, Preference)
            if user.notify_channel == "both":
                if preference:
                    preference.channel = "both"
                else:
                    Preference.create({"user_id": user.id, "channel": "both"})
            else:
                preference.unlink()
                user.notification_type = user.notify_channel

    def write(self, vals):
        result = super().write(vals)
        if "notification_type" in vals and not self.env.context.get("notify_keep_preference"):
            self._forget_both()
        return result

    def _forget_both(self):
        """Stock's field was written: that choice is newer than the one of both."""
        # sudo: the row only repeats the field that was just written
        self.env["notify.preference"].sudo().search(
            [("user_id", "in", self.ids), ("model_id", "=", False)]
        ).unlink()
