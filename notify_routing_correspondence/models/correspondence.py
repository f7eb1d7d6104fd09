from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.fields import Command


class Correspondence(models.Model):
    """A registered item: who wrote what, to whom, who has to answer, by when."""

    _name = "notify.correspondence"
    _description = "Correspondence"
    _inherit = ["mail.thread", "mail.activity.mixin"]
    _order = "date_due, id DESC"
    _check_company_auto = True
    _rec_names_search = ["name", "subject"]

    name = fields.Char("Number", readonly=True, copy=False, index="trigram")
    subject = fields.Char(required=True, tracking=True)
    description = fields.Html()
    type_id = fields.Many2one(
        "notify.correspondence.type",
        required=True,
        index=True,
        check_company=True,
        default=lambda self: self._default_type(),
    )
    company_id = fields.Many2one(
        "res.company",
        required=True,
        index=True,
        default=lambda self: self.env.company,
    )
    state = fields.Selection(
        [("draft", "Draft"), ("open", "Open"), ("closed", "Closed")],
        default="draft",
        required=True,
        copy=False,
        tracking=True,
        group_expand=True,
    )
    creator_id = fields.Many2one(
        "res.users", default=lambda self: self.env.user, readonly=True, copy=False
    )
    assignee_ids = fields.Many2many(
        "res.users", "notify_correspondence_assignee_rel", string="Assignees", copy=False
    )
    distribution_ids = fields.Many2many(
        "res.partner", "notify_correspondence_distribution_rel", string="Distribution List"
    )
    received_from_ids = fields.Many2many("res.partner", "notify_correspondence_received_rel")
    date_issued = fields.Date("Issued On", readonly=True, copy=False)
    date_due = fields.Date("Due", tracking=True, copy=False)
    date_closed = fields.Date("Closed On", readonly=True, copy=False)
    overdue = fields.Boolean(compute="_compute_overdue", search="_search_overdue")
    overdue_told = fields.Date(
        readonly=True,
        copy=False,
        help="The due date of which the assignees were told that it is past.",
    )
    private = fields.Boolean(
        tracking=True, help="Only the people involved, and administrators, can read this item."
    )
    color = fields.Integer(related="type_id.sequence")

    @api.model
    def _default_type(self):
        return self.env["notify.correspondence.type"].search(
            [("company_id", "=", self.env.company.id)], limit=1
        )

    @api.depends("name", "subject")
    def _compute_display_name(self):
        for item in self:
            item.display_name = f"{item.name} {item.subject}" if item.name else item.subject

    @api.depends("date_due", "state")
    def _compute_overdue(self):
        today = fields.Date.context_today(self)
        for item in self:
            item.overdue = bool(item.state == "open" and item.date_due and item.date_due < today)

    @api.model
    def _search_overdue(self, operator, value):
        if operator not in ("in", "not in"):
            return NotImplemented
        domain = [("state", "=", "open"), ("date_due", "<", fields.Date.context_today(self))]
        wanted = (True in value) == (operator == "in")
        return domain if wanted else ["!", "&", *domain]

    @api.model_create_multi
    def create(self, vals_list):
        items = super().create(vals_list)
        for item in items:
            # sudo: numbers are given to everybody who may write items
            item.name = item.type_id.sudo().sequence_id.next_by_id()
        return items

    @api.model
    def message_new(self, msg_dict, custom_values=None):
        """Make an item of an e-mail to the alias of a type.

        :param dict custom_values: the alias's own values, the type and its company among them
        """
        sender = msg_dict.get("author_id")
        if not sender and msg_dict.get("email_from"):
            # sudo: whoever the alias lets write becomes a contact
            sender = (
                self.env["mail.thread"]
                .sudo()
                ._partner_find_from_emails_single([msg_dict["email_from"]], no_create=False)
                .id
            )
        values = {
            "subject": msg_dict.get("subject") or self.env._("No subject"),
            "description": msg_dict.get("body"),
            "received_from_ids": [Command.link(sender)] if sender else [],
            **(custom_values or {}),
        }
        return super().message_new(msg_dict, values)

    def action_issue(self):
        """Open a draft: from now on it is in the register and people are told."""
        for item in self:
            if item.state != "draft":
                raise UserError(self.env._("%(item)s is issued already.", item=item.display_name))
        self.write({"state": "open", "date_issued": fields.Date.context_today(self)})

    def action_close(self):
        """Close an item; its answers are in."""
        for item in self:
            if item.state == "closed":
                raise UserError(self.env._("%(item)s is closed already.", item=item.display_name))
        self.write({"state": "closed", "date_closed": fields.Date.context_today(self)})

    def action_reopen(self):
        """Open a closed item again."""
        self.write({"state": "open", "date_closed": False})

    @api.model
    def _cron_overdue(self):
        """Tell the assignees of items whose due date is past, once for each due date."""
        overdue = self.search([("overdue", "=", True)])
        for item in overdue.filtered(lambda item: item.overdue_told != item.date_due):
            item.notify_fire("overdue")
            item.overdue_told = item.date_due
