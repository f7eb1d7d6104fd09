from odoo import api, fields, models
from odoo.exceptions import AccessError
from odoo.tools import SQL


class NotifyWaiting(models.Model):
    """What is held for people, and when it is due: a window on ``mail.notification``."""

    _name = "notify.waiting"
    _description = "Waiting Notification"
    _auto = False
    _order = "due, id"
    _rec_name = "subject"
    _depends = {
        "mail.notification": [
            "mail_message_id",
            "res_partner_id",
            "mail_email_address",
            "notification_status",
            "notify_event",
            "notify_due",
        ],
        "mail.message": ["author_id", "model", "res_id", "record_company_id", "date"],
    }

    mail_message_id = fields.Many2one("mail.message", string="Message", readonly=True)
    partner_id = fields.Many2one("res.partner", string="Person", readonly=True)
    email = fields.Char("Address", readonly=True)
    author_id = fields.Many2one("res.partner", readonly=True)
    subject = fields.Char(compute="_compute_subject")
    model_id = fields.Many2one("ir.model", string="Document Type", readonly=True)
    res_model = fields.Char("Document Model", readonly=True)
    res_id = fields.Many2oneReference("Document ID", model_field="res_model", readonly=True)
    company_id = fields.Many2one("res.company", readonly=True)
    event = fields.Selection(
        selection=lambda self: self.env["mail.notification"]._fields["notify_event"].selection,
        readonly=True,
    )
    date = fields.Datetime("Happened", readonly=True)
    due = fields.Datetime(readonly=True, help="When it leaves.")

    @property
    def _table_query(self):
        return SQL(
            """
            SELECT notification.id, notification.mail_message_id,
                   notification.res_partner_id AS partner_id,
                   notification.mail_email_address AS email,
                   message.author_id, message.model AS res_model, message.res_id,
                   model.id AS model_id, message.record_company_id AS company_id,
                   notification.notify_event AS event, message.date,
                   notification.notify_due AS due
              FROM mail_notification notification
              JOIN mail_message message ON message.id = notification.mail_message_id
         LEFT JOIN ir_model model ON model.model = message.model
             WHERE notification.notify_due IS NOT NULL
               AND notification.notification_status = 'ready'
            """
        )

    @api.depends("mail_message_id")
    def _compute_subject(self):
        for waiting in self:
            # sudo: who sees what is waiting sees of which document, not what the message says
            message = waiting.sudo().mail_message_id
            waiting.subject = message.record_name or message.subject or self.env._("Message")

    def _held(self):
        """Return the notifications themselves, once it is clear that the user may decide."""
        if not self.env.user.has_group("notify_routing.group_notify_manager"):
            raise AccessError(self.env._("Notification managers decide about what is waiting."))
        # Read anew under the rules: what has left meanwhile is no more in the window.
        ids = self.search([("id", "in", self.ids)]).ids
        # sudo: they are other people's rows
        return self.env["mail.notification"].sudo().browse(ids)

    def action_release(self):
        """Let it leave now."""
        held = self._held()
        self.env["notify.review"]._let_go(held)
        return self._done(self.env._("Notifications that leave now: %(count)s", count=len(held)))

    def action_cancel(self):
        """Never send it; who cancelled it stays on record."""
        held = self._held()
        held.write(
            {
                "notification_status": "canceled",
                "notify_due": False,
                "failure_reason": self.env._(
                    "Cancelled by %(user)s while it was waiting.", user=self.env.user.name
                ),
            }
        )
        return self._done(self.env._("Cancelled notifications: %(count)s", count=len(held)))

    @api.model
    def _done(self, message):
        return {
            "type": "ir.actions.client",
            "tag": "display_notification",
            "params": {
                "type": "success",
                "message": message,
                "next": {"type": "ir.actions.client", "tag": "soft_reload"},
            },
        }
