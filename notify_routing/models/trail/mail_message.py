from odoo import api, fields, models
from odoo.exceptions import UserError


class MailMessage(models.Model):
    """Door: who was told of a message, and why."""

    _inherit = "mail.message"

    def read_why(self):
        """Return everybody who was told of this message, how, why, and what became of it.

        :return: e.g. ``{
            "subject": "S00012", "date": "2026-11-22 08:00:00", "author": "Anna",
            "event": "Message",
            "rows": [{
                "id": 5, "name": "Mister Client", "email": "client@example.com", "external": True,
                "channel": "E-mail", "reason": "was chosen as recipient",
                "because": "from team Europe", "state": "sent", "state_name": "Delivered",
                "failure": False, "read": False,
            }],
        }``
        :raise AccessError: if the message may not be read
        """
        self.ensure_one()
        self.check_access("read")
        if not self.env.user._is_internal():
            raise UserError(self.env._("Only internal users can see who was told of a message."))
        # sudo: who may read the message may know who else was told of it
        notifications = self.sudo().notification_ids
        because = self._why_because(notifications.res_partner_id)
        events = notifications.filtered("notify_event")
        return {
            "subject": self.record_name or self.subject or False,
            "date": fields.Datetime.to_string(self.date),
            "author": self.author_id.sudo().display_name or self.email_from,
            "event": self._label(events[:1], "notify_event") if events else False,
            "rows": [
                notification._why_row(because)
                for notification in notifications.sorted(lambda row: (row._why_external(), row._why_name().lower()))
            ],
        }

    def _why_because(self, partners):
        """Return where people's subscription comes from: ``{partner_id: text}``."""
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
            follower.partner_id.id: Subscription._because(follower.notify_origin, follower.notify_subscription_id)
            for follower in followers
        }

    @api.model
    def _label(self, record, name):
        """Return the words for a selection value in the reader's language."""
        labels = dict(record._fields[name]._description_selection(self.env))
        return labels.get(record[name]) or False


class MailNotification(models.Model):
    _inherit = "mail.notification"

    def _why_external(self):
        return not self.res_partner_id or self.res_partner_id.partner_share

    def _why_name(self):
        return self.res_partner_id.display_name or self.mail_email_address or ""

    def _why_row(self, because):
        """Return one row of :meth:`mail.message.read_why`."""
        self.ensure_one()
        label = self.env["mail.message"]._label
        in_app = self.notify_in_app or self.notification_type == "inbox"
        failed = self.notification_status in ("exception", "bounce")
        return {
            "id": self.id,
            "partner_id": self.res_partner_id.id,
            "name": self._why_name(),
            "email": self.res_partner_id.email or self.mail_email_address or False,
            "external": self._why_external(),
            "channel": self.env._("E-mail and in Odoo") if self.notify_in_app else label(self, "notification_type"),
            "reason": label(self, "notify_reason"),
            "because": because.get(self.res_partner_id.id, False) if self.notify_reason == "follower" else False,
            "state": self.notification_status,
            "state_name": label(self, "notification_status"),
            "failure": (self.failure_reason or label(self, "failure_type")) if failed else False,
            "read": in_app and self.is_read,
        }
