from odoo.http import request

from odoo.addons.html_editor.controllers import main


class HTML_Editor(main.HTML_Editor):
    """Door: an image that is put into a text of a document is no file deposited on it."""

    def _attachment_create(self, *args, **kwargs):
        request.update_context(notify_in_text=True)
        return super()._attachment_create(*args, **kwargs)
