from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.tools import email_normalize

from ..routing.loose import LooseMany2one


class NotifyDelivery(models.Model):
    """One e-mail to one address on its way, and what its server said of it.

    Odoo deletes most mails once they are sent; this row stays. It is made when the mail is taken
    from the queue, so that a post costs nothing more.
    """

    _name = "notify.delivery"
    _description = "E-Mail on Its Way"
    _order = "id DESC"
    _rec_name = "email"
    _log_access = False

    mail_mail_id = LooseMany2one("mail.mail", string="Queued Mail", index="btree_not_null")
    mail_message_id = fields.Many2one(
        "mail.message", string="Message", ondelete="set null", index="btree_not_null"
    )
    notification_id = LooseMany2one("mail.notification")
    partner_id = fields.Many2one(
        "res.partner", string="Person", ondelete="set null", index="btree_not_null"
    )
    company_id = fields.Many2one("res.company", ondelete="cascade", index=True)
    server_id = fields.Many2one("ir.mail_server", "Mail Server", ondelete="set null")
    res_model = fields.Char("Document Type")
    res_id = fields.Many2oneReference("Document", model_field="res_model")

    email = fields.Char("Address", required=True, help="The address, in its normalized form.")
    email_from = fields.Char("From")
    subject = fields.Char()
    message_id = fields.Char(
        "Message-Id",
        index="btree_not_null",
        help="As in the mail's header; the same on every attempt.",
    )
    mail_class = fields.Selection(
        [("direct", "Direct"), ("normal", "Normal"), ("digest", "Digest")],
        string="Class",
        default="normal",
        required=True,
        help="Direct mail leaves first, digests and mass mailings last.",
    )

    state = fields.Selection(
        [
            ("waiting", "Waiting"),
            ("claimed", "Being Sent"),
            ("sent", "Sent"),
            ("retrying", "Trying Again"),
            ("failed", "Failed"),
            ("bounced", "Bounced"),
            ("doubt", "In Doubt"),
            ("canceled", "Canceled"),
        ],
        default="waiting",
        required=True,
        help="In doubt: the connection or the system broke down after the mail was handed over and "
        "before the server answered. The server may have it, or not.",
    )
    attempts = fields.Integer(aggregator="avg")
    code = fields.Integer("SMTP Code", aggregator=False, help="The server's last answer, e.g. 250.")
    enhanced = fields.Char("Status Code", help="RFC 3463, e.g. 5.1.1: no such mailbox.")
    reply = fields.Text("Answer of the Server")
    history = fields.Text(help="One line for each attempt that did not succeed.")

    date = fields.Datetime("Taken From the Queue", default=fields.Datetime.now, required=True)
    date_first = fields.Datetime("First Attempt")
    date_last = fields.Datetime("Last Attempt")
    date_sent = fields.Datetime("Taken by the Server")
    date_next = fields.Datetime("Next Attempt")
    lease_until = fields.Datetime("Reserved Until")
    worker = fields.Char(help="Host and process that send it.")

    _email_idx = models.Index("(email, date DESC)")
    _queue_idx = models.Index(
        "(state, date_next, id) WHERE state IN ('waiting', 'claimed', 'retrying', 'doubt')"
    )
    # For what happened in a period.
    _date_idx = models.Index("(date, state, company_id)")
    _server_idx = models.Index("(server_id, date_last)")
    _document_idx = models.Index("(res_model, res_id)")

    @api.model
    def _search_email(self, email):
        """Return all deliveries to an address, in whatever form it is written."""
        return self.search([("email", "=", email_normalize(email) or email)])

    def action_open_document(self):
        """Open the document that the mail is about.

        :return: a window action
        :raise UserError: if there is no such document any more
        """
        self.ensure_one()
        if (
            self.res_model not in self.env
            or not self.env[self.res_model].browse(self.res_id).exists()
        ):
            raise UserError(self.env._("This mail is about no document that still exists."))
        return {
            "type": "ir.actions.act_window",
            "res_model": self.res_model,
            "res_id": self.res_id,
            "view_mode": "form",
        }
