from odoo import models


class MailThread(models.AbstractModel):
    """Door: each recipient is told the way they prefer, and when."""

    _inherit = "mail.thread"

    def _notify_get_recipients(self, message, msg_vals=False, **kwargs):
        recipients = super()._notify_get_recipients(message, msg_vals=msg_vals, **kwargs)
        model = (msg_vals or {}).get("model") or message.model
        # Discuss decides by itself how the members of a channel are told.
        if recipients and model != "discuss.channel":
            Preference, Time = self.env["notify.preference"], self.env["notify.time"]
            open_ = [recipient for recipient in recipients if not recipient.get("notify_decided")]
            Preference._apply_channels(model, open_)
            Time._apply(model, open_)
            delegates = Time._delegates(self, recipients)
            Preference._apply_channels(model, delegates)
            Time._apply(model, delegates)
            recipients += delegates
        return recipients

    def _notify_thread_by_email(self, message, recipients_data, *args, **kwargs):
        held, told = [], []
        for recipient in recipients_data:
            waits = recipient["notif"] == "email" and recipient.get("notify_due")
            (held if waits else told).append(recipient)
        if held:
            self.env["notify.review"]._hold(self, message, held, kwargs)
        return super()._notify_thread_by_email(message, told, *args, **kwargs)

    def unlink(self):
        self.env["notify.review"]._forget_deleted(self)
        return super().unlink()
