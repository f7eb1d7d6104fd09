from odoo.exceptions import UserError


class SetAside(UserError):
    """A message that people must look at before anything is done with it.

    :param str reason: value of ``notify.quarantine``'s field *reason*
    :param str detail: what exactly, for those who look at it
    :param document: the document that it seems to belong to, if any
    """

    def __init__(self, reason, detail, document=None):
        super().__init__(detail)
        self.reason = reason
        self.document = document
