from odoo import models


class MailThread(models.AbstractModel):
    """Door: each recipient that Odoo found is told the way they prefer."""

    _inherit = "mail.thread"

    def _notify_get_recipients(self, message, msg_vals=False, **kwargs):
        recipients = super()._notify_get_recipients(message, msg_vals=msg_vals, **kwargs)
        model = (msg_vals or {}).get("model") or message.model
        # Discuss decides by itself how the members of a channel are told.
        if recipients and model != "discuss.channel":
            open_ = [recipient for recipient in recipients if not recipient.get("notify_decided")]
            self.env["notify.preference"]._apply_channels(model, open_)
        return recipients
