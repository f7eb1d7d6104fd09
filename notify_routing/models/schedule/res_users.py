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
    notify_both = fields.Boolean(
        "By e-mail as well",
        compute="_compute_notify_both",
        inverse="_inverse_notify_both",
        help="What you are told in Odoo also comes to your e-mail address.",
    )
    notify_preference_ids = fields.One2many("notify.preference", "user_id")

    @property
    def SELF_READABLE_FIELDS(self):
        return [*super().SELF_READABLE_FIELDS, "notify_channel", "notify_both"]

    @property
    def SELF_WRITEABLE_FIELDS(self):
        return [*super().SELF_WRITEABLE_FIELDS, "notify_channel", "notify_both"]

    @api.depends(
        "notification_type", "notify_preference_ids.channel", "notify_preference_ids.model_id"
    )
    def _compute_notify_channel(self):
        channels = self.env["notify.preference"].sudo()._channels()
        for user in self:
            both = channels.get((user._origin.id, None)) == "both"
            user.notify_channel = (
                "both" if both and user.notification_type == "inbox" else user.notification_type
            )

    def _inverse_notify_channel(self):
        # What is chosen only lives in the cache, which changes of groups empty: read it all first.
        chosen = {user.id: user.notify_channel for user in self}
        # sudo: people choose their own channel, administrators that of others, as stock's field
        Preference = self.env["notify.preference"].sudo()
        own = Preference.search([("user_id", "in", self.ids), ("model_id", "=", False)])
        both = {user_id for user_id, channel in chosen.items() if channel == "both"}
        kept = own.filtered(lambda preference: preference.user_id.id in both)
        (own - kept)._forget("channel")
        for channel in ("email", "inbox"):
            users = self.filtered(lambda user, channel=channel: chosen[user.id] == channel)
            users.notification_type = channel
        kept.channel = "both"
        missing = both - set(kept.user_id.ids)
        Preference.create([{"user_id": user_id, "channel": "both"} for user_id in sorted(missing)])

    @api.depends("notify_channel")
    def _compute_notify_both(self):
        for user in self:
            user.notify_both = user.notify_channel == "both"

    def _inverse_notify_both(self):
        both = self.filtered("notify_both")
        (self - both)._forget_everywhere()
        both.notify_channel = "both"

    def write(self, vals):
        result = super().write(vals)
        keep = vals.get("notify_both") or self.env.context.get("notify_keep_preference")
        if "notification_type" in vals and not keep:
            self._forget_everywhere()
        elif "group_ids" in vals:
            self._forget_outdated()
        return result

    def _notify_reschedule(self):
        """Let what waits for these users wait until the time that their choices say now."""
        self.env["notify.review"]._reschedule(self)

    def _forget_outdated(self):
        """Stock's field follows a group as well: what contradicts it now is older."""
        channels = self.env["notify.preference"].sudo()._channels()
        if not channels:
            return
        self.sudo().filtered(
            lambda user: (
                (user.id, None) in channels
                and (channels[user.id, None] == "email") != (user.notification_type == "email")
            )
        )._forget_everywhere()

    def _forget_everywhere(self):
        """Forget what people want everywhere: stock's field says it, or is newer."""
        # sudo: the row only repeats the field that was just written
        self.env["notify.preference"].sudo().search(
            [("user_id", "in", self.ids), ("model_id", "=", False)]
        )._forget("channel")


class ResGroups(models.Model):
    """Door: the group behind stock's choice can be given from its own side, too."""

    _inherit = "res.groups"

    def write(self, vals):
        inbox = self.env.ref("mail.group_mail_notification_type_inbox")
        if "user_ids" not in vals or inbox not in self:
            return super().write(vals)
        before = inbox.sudo().user_ids
        result = super().write(vals)
        (before | inbox.sudo().user_ids)._forget_outdated()
        return result
