from odoo import fields, models

from .notify_unsubscribe import ALERT


class MailMail(models.Model):
    """Door: alerts and mail that waited say how to be told otherwise; a digest has its own text."""

    _inherit = "mail.mail"

    notify_review = fields.Selection(
        [("plain", "One message that waited"), ("digest", "Digest")],
        string="Left the Review As",
        readonly=True,
    )
    notify_text = fields.Text("Plain Text", readonly=True)

    def _prepare_outgoing_list(self, *args, **kwargs):
        outgoing = super()._prepare_outgoing_list(*args, **kwargs)
        if self.model == ALERT:
            headers = self.env[ALERT].browse(self.res_id).exists()._unsubscribe_headers()
            for email in outgoing:
                email["headers"] = {**email["headers"], **headers}
        if not self.notify_review:
            return outgoing
        for email in outgoing:
            headers = self.env["notify.review"]._unsubscribe_headers(self, email["partner_id"])
            email["headers"] = {**email["headers"], **headers}
            if self.notify_text:
                email["body_alternative"] = self.notify_text
        return outgoing

    def unlink(self):
        # A digest tells of messages; the one that stands behind its own mail is nothing by itself.
        messages = self.filtered(lambda mail: mail.notify_review == "digest").mail_message_id
        result = super().unlink()
        messages.unlink()
        return result
