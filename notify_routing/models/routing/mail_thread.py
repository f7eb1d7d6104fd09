import contextlib

from odoo import api, models

from ...tools.identity import ByIdentity
from ...tools.reasons import mentioned, reason_of
from .mail_notification import DECISIONS

#: What a recipient's data carries into the row of ``mail.notification``.
DECISION = (
    "notify_event",
    "notify_event_id",
    "notify_line_id",
    "notify_reason",
    "notify_origin",
    "notify_subscription_id",
    "notify_due",
    "notify_burst",
)


class Dropped(ByIdentity, list):
    """What was decided against during one post."""


class MailThread(models.AbstractModel):
    """Door: each recipient that Odoo found carries why, into the row that Odoo makes of it."""

    _inherit = "mail.thread"

    def _notify_get_recipients(self, message, msg_vals=False, **kwargs):
        recipients = super()._notify_get_recipients(message, msg_vals=msg_vals, **kwargs)
        recipients, dropped = self.env["notify.router"]._route(
            self, message, msg_vals or {}, recipients
        )
        if dropped and self.env.context.get("notify_dropped") is not None:
            self.env.context["notify_dropped"].extend(dropped)
        if recipients:
            self._notify_explain(message, msg_vals or {}, recipients)
        return recipients

    def _notify_thread(self, message, msg_vals=False, **kwargs):
        if not self or not self.env["notify.scheme"]._book().get(self._name):
            return super()._notify_thread(message, msg_vals=msg_vals, **kwargs)
        dropped = Dropped()
        routed = self.with_context(notify_dropped=dropped)
        result = super(MailThread, routed)._notify_thread(message, msg_vals=msg_vals, **kwargs)
        # A message that is put off is decided about again when it really leaves.
        if dropped and not self._is_notification_scheduled(kwargs.get("scheduled_date")):
            self.env["notify.router"]._record(message, dropped)
        return result

    def _notify_explain(self, message, msg_vals, recipients):
        """Write on the recipients' data why they are told, under the names of the columns of
        ``mail.notification``."""

        def value(name):
            return msg_vals[name] if name in msg_vals else message.sudo()[name]

        direct = (
            msg_vals["partner_ids"] if "partner_ids" in msg_vals else message.sudo().partner_ids.ids
        )
        mentions = mentioned(str(value("body") or "")) if direct else set()
        subtype_id = (
            msg_vals["subtype_id"] if "subtype_id" in msg_vals else message.sudo().subtype_id.id
        )
        event = self._notify_event(value("message_type"), subtype_id)
        origins = self.env["mail.followers"]._origins(
            self, [recipient["id"] for recipient in recipients if recipient["is_follower"]]
        )
        for recipient in recipients:
            recipient["notify_origin"], recipient["notify_subscription_id"] = origins.get(
                recipient["id"], (False, False)
            )
            recipient["notify_event"] = "act" if self.env.context.get("notify_act") else event
            recipient["notify_reason"] = recipient.get("notify_reason") or reason_of(
                recipient["id"],
                direct=direct,
                mentions=mentions,
                is_follower=recipient["is_follower"],
            )

    def _notify_event(self, message_type, subtype_id):
        """Return the code of the event that a message tells of."""
        to_id = self.env["ir.model.data"]._xmlid_to_res_id
        if message_type == "user_notification":
            return "direct"
        if subtype_id == to_id("mail.mt_note"):
            return "note"
        if subtype_id and subtype_id != to_id("mail.mt_comment"):
            return "subtype"
        return "reply" if message_type == "email" else "message"

    # Who wants both, e-mail and in-app, is told in-app as anybody else; the e-mail then joins the
    # same row of mail.notification.

    def _notify_thread_by_inbox(self, message, recipients_data, *args, **kwargs):
        told = self._told_in_app(recipients_data)
        with self._notify_deciding(message, told, "inbox"):
            return super()._notify_thread_by_inbox(message, told, *args, **kwargs)

    def _notify_thread_by_email(self, message, recipients_data, *args, **kwargs):
        with self._notify_deciding(message, recipients_data, "email"):
            return super()._notify_thread_by_email(message, recipients_data, *args, **kwargs)

    def _notify_thread_by_web_push(self, message, recipients_data, *args, **kwargs):
        told = [
            # Odoo pushes in-app notifications; of a scheme's decisions only those that say push.
            {**recipient, "notif": "inbox" if recipient["notify_push"] else recipient["notif"]}
            if "notify_push" in recipient
            else recipient
            for recipient in self._told_in_app(recipients_data)
            if recipient.get("notify_push", True)
        ]
        return super()._notify_thread_by_web_push(message, told, *args, **kwargs)

    def _told_in_app(self, recipients_data):
        return [
            {**recipient, "notif": "inbox"} if recipient.get("notify_both") else recipient
            for recipient in recipients_data
        ]

    @contextlib.contextmanager
    def _notify_deciding(self, message, recipients_data, channel):
        """Let the rows of ``mail.notification`` find their decision when Odoo makes them.

        A column that nobody has a value for is not written at all: each costs time in a post to
        many. The decisions are no part of Odoo's context, where they would give the bus an
        environment of its own, that has to read the user's company again.
        """
        decisions = {
            recipient["id"] or recipient["email_normalized"]: {
                "both": recipient.get("notify_both", False),
                "held_id": recipient.get("notify_held_id", False),
                "row": {name: recipient[name] for name in DECISION if recipient.get(name)},
            }
            for recipient in recipients_data
            if recipient["notif"] == channel
        }
        before = DECISIONS.set((message.id, decisions))
        try:
            yield
        finally:
            DECISIONS.reset(before)

    # ------------------------------------------------------------
    # EVENTS THAT ARE NO MESSAGE IN STOCK
    # ------------------------------------------------------------

    @api.model_create_multi
    def create(self, vals_list):
        documents = super().create(vals_list)
        self.env["notify.router"]._watch(documents, created=True)
        return documents

    def write(self, vals):
        self.env["notify.router"]._watch(self)
        return super().write(vals)

    def _compute_field_value(self, field):
        self.env["notify.router"]._watch_computed(self, field)
        return super()._compute_field_value(field)

    def _message_auto_subscribe_followers(self, *args, **kwargs):
        result = super()._message_auto_subscribe_followers(*args, **kwargs)
        if result and self and self.env["notify.router"]._tells_assignment(self[:1]):
            # The scheme says who is told of an assignment, and how.
            result = [
                (partner_id, subtype_ids, False) for partner_id, subtype_ids, _template in result
            ]
        return result

    def notify_fire(self, code):
        """Say that an event happened on these documents; their schemes decide who is told.

        :param str code: code of a ``notify.event`` of the kind *a program says so*
        """
        for document in self:
            self.env["notify.router"]._fire(document, code)
