from odoo import api, fields, models

from ..routing.loose import LooseMany2one


class NotifySuppression(models.Model):
    """Somebody was considered for a message and not told, and why: what Odoo has no row for."""

    _name = "notify.suppression"
    _description = "Notification Decided Against"
    _order = "id DESC"
    _log_access = False

    mail_message_id = fields.Many2one(
        "mail.message",
        string="Message",
        ondelete="cascade",
        help="Empty if it was deleted with its document.",
    )
    res_model = fields.Char("Deleted Document's Model")
    res_id = fields.Many2oneReference("Deleted Document's ID", model_field="res_model")
    document_name = fields.Char("Deleted Document")
    partner_id = fields.Many2one("res.partner", string="Person", ondelete="cascade", index=True)
    email = fields.Char("Address")
    channel = fields.Selection(
        [("email", "E-mail"), ("inbox", "In Odoo"), ("push", "Push")], required=True
    )
    reason = fields.Selection(
        [
            ("inactive", "is archived"),
            ("no_access", "may not read the document"),
            ("no_address", "has no e-mail address"),
            ("muted", "muted the document with the bell"),
            ("bell", "chose other events with the bell"),
            ("own_act", "did it themselves"),
            ("not_new", "had the role before"),
            ("email_off", "gets no mail of this: the scheme's filter says so"),
            ("quiet", "gets no mail: the document is in a state that sends none"),
            ("dedupe", "is told of a heavier event of the same act"),
            ("gone", "the file or document was deleted meanwhile"),
            ("read", "read it in Odoo meanwhile"),
            ("quiet_hours", "was not to be disturbed at that hour"),
            # Not recorded, as they say no more than that nobody asked; simulations show them.
            ("off", "the scheme tells this role nothing here"),
            ("no_role", "has no role that the scheme speaks of"),
            ("prefers_other", "prefers another channel"),
            ("external", "is external: only e-mail reaches them"),
            ("no_push", "did not allow pushes, or has no device for them"),
        ],
        required=True,
    )
    event_id = LooseMany2one("notify.event", string="Event", index="btree_not_null")
    line_id = LooseMany2one("notify.scheme.line", string="Line", index="btree_not_null")
    date = fields.Datetime(default=fields.Datetime.now, required=True)

    _message_idx = models.Index("(mail_message_id, partner_id)")
    _email_idx = models.Index("(email)")
    _date_idx = models.Index("(date)")
    _gone_idx = models.Index("(res_model, res_id) WHERE mail_message_id IS NULL")


class NotifyRouter(models.AbstractModel):
    """What was decided against is kept here, for the trail."""

    _inherit = "notify.router"

    @api.model
    def _record(self, message, dropped):
        result = super()._record(message, dropped)
        # sudo: whoever posts a message does not decide what is kept of it
        self.env["notify.suppression"].sudo().create(
            [{"mail_message_id": message.id, **decision} for decision in dropped]
        )
        return result

    @api.model
    def _sentences(self):
        """Return the sentences for what was decided against as well."""
        reasons = self.env["notify.suppression"]._fields["reason"]
        return {**dict(reasons._description_selection(self.env)), **super()._sentences()}
