from odoo import api, models

#: Values of an attachment that are its content.
CONTENT = {"raw", "datas", "db_datas", "store_fname"}
#: Values that say whose it is.
PLACE = {"res_model", "res_id"}


class IrAttachment(models.Model):
    """Door: a file that is added to a document, or replaced, is an event."""

    _inherit = "ir.attachment"

    @api.model_create_multi
    def create(self, vals_list):
        attachments = super().create(vals_list)
        if self._notify_counts(vals_list):
            attachments._notify_files("file_added")
        return attachments

    def write(self, vals):
        if not (CONTENT | PLACE) & vals.keys() or not self._notify_counts([vals]):
            return super().write(vals)
        # sudo: to compare, for nobody to see
        before = {file.id: (file.res_model, file.res_id, file.checksum) for file in self.sudo()}
        result = super().write(vals)
        moved = self.sudo().filtered(
            lambda file: before[file.id][:2] != (file.res_model, file.res_id)
        )
        moved._notify_files("file_added")
        changed = (self.sudo() - moved).filtered(lambda file: before[file.id][2] != file.checksum)
        changed._notify_files("file_changed")
        return result

    @api.model
    def _notify_counts(self, vals_list):
        """Tell whether some scheme may speak of these values. Costs nothing without schemes.

        An image that is put into a text, and the copy that the editor makes of it, are no deposit.
        """
        return (
            self.env["notify.router"]._watches()
            and not self.env.context.get("notify_in_text")
            and not all(vals.get("original_id") for vals in vals_list)
            and bool(self.env["notify.scheme"]._book())
        )

    def _notify_files(self, code):
        """Fire an event on the documents of these files."""
        book = self.env["notify.scheme"]._book()
        for file in self.sudo():
            # A file behind a field of the document is no deposit.
            if file.res_id and not file.res_field and file.res_model in book:
                document = self.env[file.res_model].browse(file.res_id)
                self.env["notify.router"]._fire(document, code, file)
