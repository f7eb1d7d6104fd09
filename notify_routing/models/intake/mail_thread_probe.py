from odoo import api, models


class MailThread(models.AbstractModel):
    """Door: probes of the set-up checks end here, before they could become documents."""

    _inherit = "mail.thread"

    @api.model
    def message_route(self, message, message_dict, *args, **kwargs):
        if self.env["notify.check.probe"]._recognize(message_dict.get("subject")):
            return []
        return super().message_route(message, message_dict, *args, **kwargs)
