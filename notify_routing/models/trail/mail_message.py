from odoo import api, fields, models
from odoo.exceptions import UserError


class MailMessage(models.Model):
    """Door: who was told of a message, and why."""

    _inherit = "mail.message"

    @api.readonly
    def read_why(self):
        """Return everybody who was told of this message, how, why, and what became of it.

        :return: e.g. ``{
            "subject": "S00012", "date": "2026-11-22 08:00:00", "author": "Anna",
            "event": "Message",
            "forgotten": False,  # whether Odoo may have removed rows, see below
            "rows": [{
                "id": 5, "partner_id": 7, "name": "Mister Client",
                "email": "client@example.com", "external": True,
                "channel": "E-mail", "reason": "was chosen as recipient",
                "because": "from team Europe", "state": "sent", "state_name": "Delivered",
                "failure": False, "read": False, "hint": "The receiving server took it. …",
            }],
        }``; internal people first, then by name
        :raise AccessError: if the message may not be read
        """
        self.ensure_one()
        if not self.env.user._is_internal():
            raise UserError(self.env._("Only internal users can see who was told of a message."))
        self.check_access("read")
        # sudo: who may read the message may know who else was told of it
        notifications = self.sudo().notification_ids
        because = self._why_because(notifications.res_partner_id)
        # No foreign key removes a link to a default that was deleted while this was posted.
        defaults = notifications.notify_subscription_id.exists()
        return {
            "subject": self.record_name or self.subject or False,
            "date": fields.Datetime.to_string(self.date),
            "author": self.author_id.sudo().display_name or self.email_from,
            "event": self._why_event(notifications),
            "forgotten": self.date < self.env["notify.retention"]._before(),
            "rows": [
                notification._why_row(because, defaults)
                for notification in notifications.sorted(
                    lambda row: (row._why_external(), row._why_name().lower())
                )
            ],
        }

    def _why_event(self, notifications):
        """Return in words what the message tells of, e.g. ``"Announced change: Won"``."""
        subtype = self.sudo().subtype_id
        event = notifications.filtered("notify_event")[:1].notify_event or self.env[
            "mail.thread"
        ]._notify_event(self.message_type, subtype.id)
        names = dict(notifications._fields["notify_event"]._description_selection(self.env))
        name = names.get(event, event)
        return f"{name}: {subtype.name}" if event == "subtype" and subtype else name

    def _why_because(self, partners):
        """Return where the subscription of those who follow now comes from, by partner."""
        Subscription = self.env["notify.subscription"]
        followers = self.env["mail.followers"].sudo().search_fetch(
            [
                ("res_model", "=", self.model),
                ("res_id", "=", self.res_id),
                ("partner_id", "in", partners.ids),
            ],
            ["partner_id", "notify_origin", "notify_subscription_id"],
        )  # fmt: skip
        return {
            follower.partner_id.id: Subscription._because(
                follower.notify_origin, follower.notify_subscription_id
            )
            for follower in followers
        }


class MailNotification(models.Model):
    _inherit = "mail.notification"

    def _why_label(self, name):
        """Return the words for a selection value in the reader's language."""
        return dict(self._fields[name]._description_selection(self.env)).get(self[name]) or False

    def _why_external(self):
        return not self.res_partner_id or self.res_partner_id.partner_share

    def _why_name(self):
        return self.res_partner_id.display_name or self.mail_email_address or ""

    def _why_channel(self):
        if self.notify_in_app:
            return self.env._("E-mail and in Odoo")
        names = {"email": self.env._("E-mail"), "inbox": self.env._("In Odoo")}
        return names.get(self.notification_type) or self._why_label("notification_type")

    def _why_subscribed(self, because, defaults):
        """Return where the follower's subscription came from: as recorded, else as it is today."""
        if self.notify_reason != "follower":
            return False
        if self.notify_origin:
            Subscription = self.env["notify.subscription"]
            return Subscription._because(self.notify_origin, self.notify_subscription_id & defaults)
        return because.get(self.res_partner_id.id, False)

    def _why_state(self):
        """Return what became of it: a state of Odoo's, or ``held``."""
        held = self.notify_due and self.notification_status == "ready"
        return "held" if held else self.notification_status

    def _why_hint(self):
        """Return where to look next if the person says that no mail arrived."""
        by_mail = self.notification_type == "email"
        return by_mail and self.env["notify.trail"]._hints().get(self._why_state(), False)

    def _why_row(self, because, defaults):
        """Return one row of :meth:`mail.message.read_why`."""
        self.ensure_one()
        in_app = self.notify_in_app or self.notification_type == "inbox"
        state = self._why_state()
        failed = state in ("exception", "bounce")
        return {
            "id": self.id,
            "partner_id": self.res_partner_id.id,
            "name": self._why_name(),
            "email": self.res_partner_id.email or self.mail_email_address or False,
            "external": self._why_external(),
            "channel": self._why_channel(),
            "reason": self._why_label("notify_reason"),
            "because": self._why_subscribed(because, defaults),
            "state": state,
            "state_name": (
                self.env["notify.trail"]._held_name(self.notify_due)
                if state == "held"
                else self._why_label("notification_status")
            ),
            "hint": self._why_hint(),
            "failure": failed and (self.failure_reason or self._why_label("failure_type")),
            "read": in_app and self.is_read,
        }
