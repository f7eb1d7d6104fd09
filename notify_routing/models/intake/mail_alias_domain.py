from odoo import api, fields, models


class MailAliasDomain(models.Model):
    _inherit = "mail.alias.domain"

    notify_fallback_ref = fields.Reference(
        selection="_notify_selection_fallback",
        string="Answers to Removed Documents",
        help="The document that takes answers to documents that were removed. Without one they are "
        "kept in quarantine.",
    )

    @api.model
    def _notify_selection_fallback(self):
        return self.env["notify.quarantine"]._selection_document()
