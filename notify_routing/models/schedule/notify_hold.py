import json

from odoo import api, fields, models
from odoo.tools import SQL
from odoo.tools.misc import clean_context

#: What says how a message is sent now, and not what its e-mail looks like.
NOT_KEPT = ("msg_vals", "force_send", "send_after_commit")


class NotifyReview(models.AbstractModel):
    """What waits: a held e-mail is a row of ``mail.notification`` that is due.

    It has no mail yet, and the status *ready*, with which Odoo neither sends nor removes anything.
    """

    _name = "notify.review"
    _description = "Notification Review"

    # ------------------------------------------------------------
    # HOLD
    # ------------------------------------------------------------

    @api.model
    def _hold(self, document, message, recipients, parameters):
        """Make the rows of e-mail that waits, and have the review woken when it is due.

        :param list recipients: with the moment in ``notify_due``
        :param dict parameters: of the e-mail, as given to ``_notify_thread``
        """
        self._join_bursts(document, recipients)
        context = clean_context(document.env.context)
        # pylint: disable=context-overridden  # values for new records are not ours to pass on
        rows = document.env["mail.notification"].sudo().with_context(context)
        values = {
            **document._notify_by_email_get_base_notification_values(message),
            "notify_parameters": self._dump(parameters),
        }
        with document._notify_deciding(message, recipients, "email"):
            rows.create(
                [
                    {**values, **self._whom(recipient), "notify_due": recipient["notify_due"]}
                    for recipient in recipients
                ]
            )
        self._wake({recipient["notify_due"] for recipient in recipients})

    @api.model
    def _whom(self, recipient):
        if recipient["id"]:
            return {"res_partner_id": recipient["id"]}
        return {"mail_email_address": recipient["email_normalized"]}

    @api.model
    def _dump(self, parameters):
        """Return what an e-mail was asked to look like, for the time when it leaves."""
        kept = {
            name: value.ids if isinstance(value, models.BaseModel) else value
            for name, value in parameters.items()
            if name not in NOT_KEPT and value is not None
        }
        return json.dumps(kept) if kept else False

    @api.model
    def _load(self, text):
        parameters = json.loads(text or "{}")
        if "force_email_company" in parameters:
            company_ids = parameters["force_email_company"]
            parameters["force_email_company"] = self.env["res.company"].browse(company_ids)
        return parameters

    @api.model
    def _join_bursts(self, document, recipients):
        """Let what waits for more join what waits on the same document already."""
        bursts = [recipient for recipient in recipients if recipient.get("notify_burst")]
        if not bursts:
            return
        self.env["mail.notification"].flush_model()
        self.env["mail.message"].flush_model(["model", "res_id"])
        found = self.env.execute_query(
            SQL(
                """
                SELECT row.res_partner_id, row.mail_email_address, MIN(row.notify_due)
                  FROM mail_notification row
                  JOIN mail_message message ON message.id = row.mail_message_id
                 WHERE row.notify_due > %s
                   AND row.notify_burst
                   AND message.model = %s
                   AND message.res_id = %s
                   AND (row.res_partner_id = ANY(%s) OR row.mail_email_address = ANY(%s))
              GROUP BY 1, 2
                """,
                fields.Datetime.now(),
                document._name,
                document.id,
                [recipient["id"] for recipient in bursts if recipient["id"]],
                [recipient["email_normalized"] for recipient in bursts if not recipient["id"]],
            )
        )
        open_ = {partner_id or address: due for partner_id, address, due in found}
        for recipient in bursts:
            due = open_.get(recipient["id"] or recipient["email_normalized"])
            recipient["notify_due"] = due or recipient["notify_due"]

    @api.model
    def _wake(self, moments):
        """Have the review run when something is due; once for each moment."""
        cron = self.env.ref("notify_routing.ir_cron_review").sudo()
        known = self.env["ir.cron.trigger"].sudo().search_fetch(
            [("cron_id", "=", cron.id), ("call_at", "in", list(moments))], ["call_at"]
        )  # fmt: skip
        new = set(moments) - set(known.mapped("call_at"))
        if new:
            cron._trigger(new)

    # ------------------------------------------------------------
    # CHANGE OF MIND
    # ------------------------------------------------------------

    @api.model
    def _waiting(self, users):
        """Return the rows that wait for some users."""
        # sudo: people may know what waits for them
        return self.env["mail.notification"].sudo().search(
            [
                ("notify_due", "!=", False),
                ("res_partner_id", "in", users.sudo().partner_id.ids),
            ],
            order="notify_due, id",
        )  # fmt: skip

    @api.model
    def _reschedule(self, users):
        """Let what waits for some users wait until what their choices and time zones say now.

        What would not wait any more leaves with the next review. What waits for more to happen on
        its document is the scheme's matter, and stays.
        """
        if not users:
            return
        rows = self._waiting(users).filtered(lambda row: not row.notify_burst)
        now = fields.Datetime.now()
        user_of = {user.partner_id: user for user in users.sudo()}
        dues = {}
        for row in rows:
            key = (
                user_of[row.res_partner_id],
                row.mail_message_id.model,
                row.notify_event or None,
            )
            if key not in dues:
                dues[key] = self.env["notify.time"]._due(*key, now) or now
            row.notify_due = dues[key]
        if dues:
            self._wake(set(dues.values()))

    @api.model
    def _let_go(self, rows):
        """Let some rows leave with the next review."""
        now = fields.Datetime.now()
        rows.filtered("notify_due").notify_due = now
        self._wake({now})

    @api.model
    def _in_use(self):
        """Tell whether anybody could have anything held. Costs no query."""
        if self.env["notify.preference"]._time_book():
            return True
        return any(
            cell.wait
            for schemes in self.env["notify.scheme"]._book().values()
            for scheme in schemes
            for row in scheme.rows
            for cell in row.cells
        )

    @api.model
    def _forget_deleted(self, documents):
        """Keep that nobody is told of documents that are about to be deleted: their rows go."""
        if not documents or not self._in_use():
            return
        rows = self.env["mail.notification"].sudo().search(
            [
                ("notify_due", "!=", False),
                ("mail_message_id.model", "=", documents._name),
                ("mail_message_id.res_id", "in", documents.ids),
            ]
        )  # fmt: skip
        if not rows:
            return
        names = {document.id: document.display_name for document in documents.sudo()}
        self.env["notify.router"]._record(
            self.env["mail.message"],
            [
                {
                    **row._held_decision("gone"),
                    # The message is deleted with its document.
                    "mail_message_id": False,
                    "res_model": documents._name,
                    "res_id": row.mail_message_id.res_id,
                    "document_name": names[row.mail_message_id.res_id],
                }
                for row in rows
            ],
        )


class MailNotification(models.Model):
    _inherit = "mail.notification"

    notify_parameters = fields.Char(
        help="What a held e-mail was asked to look like, for the time when it leaves."
    )

    def _held_decision(self, reason):
        """Return what is kept of a held e-mail that does not leave."""
        self.ensure_one()
        return {
            "mail_message_id": self.mail_message_id.id,
            "partner_id": self.res_partner_id.id,
            "email": self.mail_email_address or self.res_partner_id.email_normalized,
            "channel": "email",
            "reason": reason,
            "event_id": self.notify_event_id.id,
            "line_id": self.notify_line_id.id,
        }
