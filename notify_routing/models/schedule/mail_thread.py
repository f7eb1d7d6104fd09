from odoo import models


class MailThread(models.AbstractModel):
    """Door: each recipient that Odoo found is told the way they prefer."""

    _inherit = "mail.thread"

    def _notify_get_recipients(self, message, msg_vals=False, **kwargs):
        recipients = super()._notify_get_recipients(message, msg_vals=msg_vals, **kwargs)
        model = (msg_vals or {}).get("model") or message.model
        # Discuss decides by itself how the members of a channel are told.
        if recipients and model != "discuss.channel":
            self.env["notify.preference"]._apply_channels(model, recipients)
        return recipients
