from odoo import models


class MailAlias(models.Model):
    """Door: a customer does not hear of it when an alias is set up wrongly; the message is kept."""

    _inherit = "mail.alias"

    def _alias_bounce_incoming_email(self, message, message_dict, set_invalid=True, **kwargs):
        incoming = self.env.context.get("notify_incoming")
        alias = self
        if set_invalid and incoming and incoming.intake:
            incoming.broken_alias = self.display_name
            alias = self.with_context(notify_tell_nobody=True)
        return super(MailAlias, alias)._alias_bounce_incoming_email(
            message, message_dict, set_invalid=set_invalid, **kwargs
        )
