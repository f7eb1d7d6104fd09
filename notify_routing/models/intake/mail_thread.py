from odoo import api, models

from ...tools import header_memory, mail_repair
from ...tools.incoming import Incoming
from .set_aside import SetAside


class MailThread(models.AbstractModel):
    """Door: incoming messages. Where an answer belongs is asked of ``notify.answer``, what a mail
    server says of our mail goes to ``notify.bounce``; all the rest is Odoo's."""

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
    def message_process(self, model, message, *args, **kwargs):
        if self.env.context.get("notify_incoming"):
            return super().message_process(model, message, *args, **kwargs)
        incoming = Incoming()
        thread = self.with_context(notify_incoming=incoming)
        try:
            return super(MailThread, thread).message_process(model, message, *args, **kwargs)
        except SetAside as error:
            # It was taken, so who handed it over must not give it back to its sender.
            self.env["notify.quarantine"]._keep_given(message, error)
            return False

    @api.model
    def message_parse(self, message, *args, **kwargs):
        self._notify_incoming(message)
        header_memory.remember(message)
        mail_repair.repair(message)
        return super().message_parse(message, *args, **kwargs)

    @api.model
    def message_route(self, message, message_dict, *args, **kwargs):
        incoming = self._notify_incoming(message)
        Answer = self.env["notify.answer"]
        if self.env.context.get("notify_document"):
            return Answer._route_by_hand(message_dict, *self.env.context["notify_document"])
        if not message_dict.get("is_bounce"):
            if self.env["notify.bounce"]._note(incoming):
                return []
            Answer._aim(incoming, message_dict)
        if incoming.fallback is not None:
            fallback = (incoming.fallback._name, incoming.fallback.id)
            routes = Answer._route_by_hand(message_dict, *fallback)
            return Answer._sift(incoming, message_dict, routes)
        try:
            routes = super().message_route(message, message_dict, *args, **kwargs)
        except ValueError as error:
            # Who hands a message over is told that it belongs nowhere; what was fetched is kept.
            if not incoming.intake:
                raise
            if not incoming.is_automatic:
                raise SetAside("no_route", str(error)) from error
            routes = []
        if incoming.broken_alias and not routes:
            raise SetAside(
                "failed",
                self.env._("The alias %(name)s is not set up well.", name=incoming.broken_alias),
            )
        return Answer._sift(incoming, message_dict, routes)

    @api.model
    def _message_route_process(self, message, message_dict, routes):
        incoming = self._notify_incoming()
        message_id = message_dict["message_id"]
        if incoming.received:
            message_dict["notify_received"] = incoming.received
        result = super()._message_route_process(message, message_dict, routes)
        if incoming.intake and routes:
            incoming.outcome = incoming.outcome or "posted"
            if not incoming.mail_message_id:
                posted = self.env["mail.message"].sudo()
                posted = posted.search([("message_id", "=", message_id)], limit=1)
                incoming.mail_message_id = posted.id
        return result

    def _get_message_create_valid_field_names(self):
        return super()._get_message_create_valid_field_names() | {"notify_received"}

    # ------------------------------------------------------------
    # WHAT A PROGRAM WROTE
    # ------------------------------------------------------------

    def _notify_get_recipients(self, message, msg_vals=False, **kwargs):
        recipients = super()._notify_get_recipients(message, msg_vals=msg_vals, **kwargs)
        incoming = self.env.context.get("notify_incoming")
        if incoming and incoming.wrote(message.message_id):
            incoming.mail_message_id = message.id
            return [] if incoming.received == "automatic" else recipients
        return recipients

    def _notify_thread_with_out_of_office_get_additional_users(self, message, *args, **kwargs):
        users = super()._notify_thread_with_out_of_office_get_additional_users(
            message, *args, **kwargs
        )
        incoming = self.env.context.get("notify_incoming")
        return users.browse() if incoming and incoming.is_program else users

    @api.model
    def _routing_create_bounce_email(self, email_from, body_html, message, *args, **kwargs):
        incoming = self._notify_incoming(message)
        if incoming.is_automatic or self.env.context.get("notify_tell_nobody"):
            return None
        if incoming.is_program:
            # RFC 3834: nothing is sent in answer to a program. But somebody may miss it.
            raise SetAside(
                "no_route", self.env._("It was refused, and comes from a program or a list.")
            )
        incoming.outcome = "refused"
        return super()._routing_create_bounce_email(email_from, body_html, message, *args, **kwargs)

    @api.model
    def _detect_write_to_catchall(self, msg_dict):
        to_catchall = super()._detect_write_to_catchall(msg_dict)
        incoming = self._notify_incoming()
        if to_catchall and incoming.intake and incoming.answered and not incoming.is_program:
            # A customer who answers us must not be told that they did something wrong. (What a mail
            # server's script hands over stays as Odoo has it.)
            raise SetAside(
                "no_route",
                self.env._("This answers a message, but a relay rewrote which one."),
            )
        return to_catchall

    @api.model
    def _detect_loop_sender(self, message, message_dict, routes):
        if self._notify_incoming(message).received == "automatic":
            # It is filed, and tells nobody: no loop can come of it.
            return False
        return super()._detect_loop_sender(message, message_dict, routes)

    # ------------------------------------------------------------
    # WHAT A MAIL SERVER SAYS OF OUR MAIL
    # ------------------------------------------------------------

    @api.model
    def _detect_is_bounce(self, message, message_dict):
        guess = super()._detect_is_bounce(message, message_dict)
        return self.env["notify.bounce"]._is_bounce(self._notify_incoming(message), guess)

    @api.model
    def _message_parse_extract_bounce(self, email_message, message_dict):
        values = super()._message_parse_extract_bounce(email_message, message_dict)
        if values["is_bounce"]:
            values.update(
                self.env["notify.bounce"]._identify(self._notify_incoming(email_message), values)
            )
        return values

    @api.model
    def _routing_handle_bounce(self, email_message, message_dict):
        Bounce = self.env["notify.bounce"]
        incoming = self._notify_incoming(email_message)
        thread = Bounce._weigh(self, incoming, message_dict)
        result = super(MailThread, thread)._routing_handle_bounce(email_message, message_dict)
        Bounce._mark(incoming, message_dict)
        return result


class MailThreadBlacklist(models.AbstractModel):
    """Door: what may work tomorrow does not count against an address."""

    _inherit = "mail.thread.blacklist"

    def _message_receive_bounce(self, email, partner):
        if self.env.context.get("notify_soft_bounce"):
            return None
        return super()._message_receive_bounce(email, partner)

    def _message_reset_bounce(self, email):
        self.env["notify.bounce"]._forget_soft(self)
        return super()._message_reset_bounce(email)
