from odoo import api, models

from ...tools import mail_repair
from ...tools.incoming import Incoming
from .set_aside import SetAside


class MailThread(models.AbstractModel):
    """Door: incoming messages."""

    _inherit = "mail.thread"

    @api.model
    def _notify_incoming(self, message=None):
        """Return what is known of the message that is on its way in.

        :param message: the ``EmailMessage``
        """
        incoming = self.env.context.get("notify_incoming") or Incoming()
        if message is not None and incoming.message is None:
            incoming.message = message
        return incoming

    @api.model
    def message_parse(self, message, *args, **kwargs):
        mail_repair.repair(message)
        return super().message_parse(message, *args, **kwargs)

    @api.model
    def message_route(self, message, message_dict, *args, **kwargs):
        if self.env.context.get("notify_document"):
            model, document_id = self.env.context["notify_document"]
            return [(model, document_id, None, self.env.uid, None)]
        try:
            return super().message_route(message, message_dict, *args, **kwargs)
        except ValueError as error:
            # Who hands a message over is told that it belongs nowhere; what was fetched is kept.
            if self._notify_incoming().intake:
                raise SetAside("no_route", str(error)) from error
            raise

    @api.model
    def _message_route_process(self, message, message_dict, routes):
        incoming = self._notify_incoming()
        message_id = message_dict["message_id"]
        result = super()._message_route_process(message, message_dict, routes)
        if incoming.intake and routes:
            incoming.outcome = incoming.outcome or "posted"
            posted = self.env["mail.message"].sudo()
            incoming.mail_message_id = posted.search([("message_id", "=", message_id)], limit=1).id
        return result
