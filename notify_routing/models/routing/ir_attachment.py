from odoo import api, models

#: Values of an attachment that are its content.
CONTENT = {"raw", "datas", "db_datas", "store_fname"}


class IrAttachment(models.Model):
    """Door: a file that is added to a document, or replaced, is an event."""

    _inherit = "ir.attachment"

    @api.model_create_multi
    def create(self, vals_list):
        attachments = super().create(vals_list)
        attachments._notify_files("file_added")
        return attachments

    def write(self, vals):
        moved = {"res_model", "res_id"} & vals.keys() and self.filtered(
            lambda attachment: not attachment.res_id
        )
        result = super().write(vals)
        if moved:
            moved._notify_files("file_added")
        elif CONTENT & vals.keys():
            self._notify_files("file_changed")
        return result

    def _notify_files(self, code):
        """Fire an event on the documents of these files. Costs nothing without schemes."""
        book = self.env["notify.scheme"]._book()
        if not book:
            return
        for attachment in self.sudo():
            # A file behind a field of the document is no deposit.
            if attachment.res_id and not attachment.res_field and attachment.res_model in book:
                document = self.env[attachment.res_model].browse(attachment.res_id)
                self.env["notify.router"]._fire(document, code, attachment)
