from odoo import api, fields, models
from odoo.exceptions import UserError, ValidationError
from odoo.fields import Domain
from odoo.tools.safe_eval import safe_eval

#: Fields that say how a deadline fares, and not what it is.
FAULT = {"fault", "activity_ids", "message_follower_ids", "message_ids"}
#: Furthest that an alert can be from the date: ten years.
FURTHEST = 3660


class NotifyDeadline(models.Model):
    """A date on documents of a type, and who is alerted of it, how long before and after."""

    _name = "notify.deadline"
    _description = "Deadline"
    _inherit = ["notify.fault", "mail.thread", "mail.activity.mixin"]
    _order = "sequence, name, id"

    name = fields.Char(
        required=True, translate=True, tracking=True, help="Heading in the alerts, e.g. Answer due."
    )
    sequence = fields.Integer(default=10)
    active = fields.Boolean(
        default=False, tracking=True, help="A new deadline is off, until you switch it on."
    )
    since = fields.Date(
        "Active Since", readonly=True, copy=False, help="Alerts of days before are not made up for."
    )
    model_id = fields.Many2one(
        "ir.model",
        string="Document Type",
        ondelete="set null",
        domain="[('transient', '=', False),"
        " '|', ('is_mail_thread', '=', True), ('model', '=', 'mail.activity')]",
        tracking=True,
    )
    model = fields.Char(related="model_id.model", string="Model", store=True)
    date_field = fields.Char(
        tracking=True, help="The field with the date, or the date and time, that counts."
    )
    domain = fields.Char(
        "Filter",
        tracking=True,
        help="Which documents; empty for all. Leave out what is done: a document that does not "
        "match any more is not alerted of.",
    )
    company_id = fields.Many2one(
        "res.company", index="btree_not_null", tracking=True, help="Empty: all companies."
    )
    offset_ids = fields.One2many(
        "notify.deadline.offset", "deadline_id", string="When", copy=True, tracking=True
    )
    catch_up = fields.Integer(
        "Make Up For (Days)",
        default=7,
        tracking=True,
        help="When the system stood still, or somebody came in charge later: alerts that were "
        "missed in these last days are made up for by one alert that says how things are now.",
    )
    role_ids = fields.Many2many(
        "notify.role", string="Who", tracking=True, help="Who is alerted of each document."
    )
    escalate_after = fields.Integer(
        default=0,
        tracking=True,
        help="After so many alerts past the date, others are alerted as well. 0: never.",
    )
    escalate_role_ids = fields.Many2many(
        "notify.role",
        "notify_deadline_escalate_rel",
        string="Then Also",
        tracking=True,
        help="E.g. the manager of the person in charge.",
    )
    prefer = fields.Boolean(
        "As the Person Prefers",
        default=True,
        tracking=True,
        help="By e-mail, in Odoo or both, as each person chose.",
    )
    email = fields.Boolean("E-mail", tracking=True)
    inbox = fields.Boolean("In Odoo", tracking=True)
    push = fields.Boolean(
        tracking=True, help="To the devices of those who allowed it for this document type."
    )
    mandatory = fields.Boolean(
        tracking=True, help="Neither people nor companies can opt out; a muted document counts too."
    )
    quiet_company_ids = fields.Many2many(
        "res.company",
        "notify_deadline_quiet_company_rel",
        string="Companies Opted Out",
        tracking=True,
        help="These companies have no alerts of this deadline.",
    )
    opted_out_ids = fields.Many2many(
        "res.partner",
        "notify_deadline_opted_out_rel",
        string="People Opted Out",
        copy=False,
        tracking=True,
        groups="notify_routing.group_notify_manager",
        help="These people do not want alerts of this deadline.",
    )
    next_alert = fields.Char(compute="_compute_next_alert", string="Next Alerts")

    @api.depends_context("company")
    @api.depends("company_id")
    def _compute_next_alert(self):
        for deadline in self:
            company = deadline.company_id or self.env.company
            deadline.next_alert = company.sudo()._notify_next_alert_words()

    # ------------------------------------------------------------
    # CHECKS
    # ------------------------------------------------------------

    @api.constrains("model_id", "date_field", "domain", "role_ids", "escalate_role_ids")
    def _check_documents(self):
        for deadline in self:
            deadline._documents()
            deadline._check_domain()
            for role in deadline.role_ids | deadline.escalate_role_ids:
                deadline._check_role(role)

    def _documents(self):
        """Return the model of the documents, once it is clear that it has the date.

        :raise ValidationError: saying what is missing
        """
        self.ensure_one()
        model = self.sudo().model_id.model
        if not model or model not in self.env:
            raise ValidationError(
                self.env._(
                    "The deadline “%(deadline)s” has no document type, or one whose app is not "
                    "installed any more. Choose another one, or archive the deadline.",
                    deadline=self.name,
                )
            )
        documents = self.env[model]
        field = documents._fields.get(self.date_field or "")
        if field is None or field.type not in ("date", "datetime"):
            raise ValidationError(
                self.env._(
                    "The deadline “%(deadline)s” looks at the field “%(field)s”, and %(model)s has "
                    "no date of this name. Choose another field, or archive the deadline.",
                    deadline=self.name,
                    field=self.date_field or "",
                    model=documents._description,
                )
            )
        if not field._description_searchable:
            raise ValidationError(
                self.env._(
                    "The date “%(field)s” of %(model)s is worked out when it is shown: documents "
                    "cannot be found by it. Choose another field.",
                    field=field.string,
                    model=documents._description,
                )
            )
        if not documents._is_an_ordinary_table() or documents._transient:
            raise ValidationError(
                self.env._(
                    "%(model)s is no document that one could be alerted of.",
                    model=documents._description,
                )
            )
        return documents

    def _check_domain(self):
        """Raise a clear error if the filter cannot be applied."""
        try:
            self._documents().sudo().search(self._filter(), limit=1)
        except Exception as error:
            raise ValidationError(
                self.env._(
                    "The filter of the deadline “%(deadline)s” cannot be applied to %(model)s: "
                    "%(error)s",
                    deadline=self.name,
                    model=self._documents()._description,
                    error=error,
                )
            ) from error

    def _filter(self):
        """Return the filter as a domain."""
        context = {"uid": self.env.uid, "user": self.env.user}
        return Domain(safe_eval(self.domain, context)) if self.domain else Domain.TRUE

    def _check_role(self, role):
        """Raise a clear error if a role does not exist on these documents."""
        if role.model_id and role.model_id != self.model_id:
            raise ValidationError(
                self.env._(
                    "“%(name)s” belongs to %(other)s, the deadline to %(model)s.",
                    name=role.name,
                    other=role.model_id.name,
                    model=self.model_id.name,
                )
            )
        if role.path and role._end_of_path(self._documents()).type == "char":
            raise ValidationError(
                self.env._(
                    "The role “%(role)s” ends on an e-mail address: deadlines alert people that "
                    "Odoo knows, contacts or users.",
                    role=role.name,
                )
            )

    @api.constrains("active", "role_ids", "offset_ids", "prefer", "email", "inbox", "push")
    def _check_complete(self):
        """A deadline that alerts nobody, at no time or in no way is a mistake."""
        for deadline in self.filtered("active"):
            missing = [
                words
                for words, given in (
                    (self.env._("who is alerted"), deadline.role_ids),
                    (self.env._("when"), deadline.offset_ids),
                    (self.env._("how"), deadline._channels() or deadline.prefer),
                )
                if not given
            ]
            if missing:
                raise ValidationError(
                    self.env._(
                        "Before you switch on the deadline “%(deadline)s”, say %(missing)s.",
                        deadline=deadline.name,
                        missing=", ".join(missing),
                    )
                )

    @api.constrains("catch_up", "escalate_after", "escalate_role_ids")
    def _check_numbers(self):
        for deadline in self:
            if not 0 <= deadline.catch_up <= FURTHEST:
                raise ValidationError(
                    self.env._("Alerts can be made up for 0 to %(days)s days.", days=FURTHEST)
                )
            if deadline.escalate_after < 0:
                raise ValidationError(
                    self.env._("The number of alerts before others are told cannot be negative.")
                )
            if deadline.escalate_after and not deadline.escalate_role_ids:
                raise ValidationError(
                    self.env._(
                        "Say who else is alerted after %(count)s alerts.",
                        count=deadline.escalate_after,
                    )
                )

    def _channels(self):
        """Return the channels that everybody is told through, whatever they prefer."""
        return frozenset(name for name in ("email", "inbox", "push") if self[name])

    def _offsets(self):
        return tuple(offset._frozen() for offset in self.offset_ids)

    # ------------------------------------------------------------
    # CRUD
    # ------------------------------------------------------------

    @api.model_create_multi
    def create(self, vals_list):
        deadlines = super().create(vals_list)
        deadlines.filtered("active")._start()
        return deadlines

    def write(self, vals):
        starting = self.filtered(lambda deadline: not deadline.active and vals.get("active"))
        result = super().write(vals)
        starting._start()
        if set(vals) - FAULT:
            self._mended()
        return result

    def copy_data(self, default=None):
        """A copy starts switched off: two equal deadlines would alert twice."""
        values_list = super().copy_data(default)
        for deadline, values in zip(self, values_list, strict=True):
            if "active" not in (default or {}):
                values["active"] = False
            if "name" not in (default or {}):
                values["name"] = self.env._("%(deadline)s (copy)", deadline=deadline.name)
        return values_list

    def _start(self):
        """Count from today on, and let the job find out when it is wanted."""
        if self:
            self.write({"since": fields.Date.context_today(self)})
            self.env.ref("notify_routing.ir_cron_deadline")._trigger()

    # ------------------------------------------------------------
    # OPT-OUT
    # ------------------------------------------------------------

    def opt_out(self):
        """Take the current user off the alerts of these deadlines."""
        self._opt_out(self.env.user.partner_id)

    def opt_in(self):
        """Alert the current user of these deadlines again."""
        self._opt_in(self.env.user.partner_id)

    def _opt_out(self, partner):
        """Take a person off the alerts.

        :raise UserError: if one of the deadlines is mandatory
        """
        # sudo: people decide about their own alerts, they do not set up deadlines
        for deadline in self.sudo():
            if deadline.mandatory:
                raise UserError(
                    self.env._(
                        "The alerts of “%(deadline)s” are mandatory: nobody can opt out.",
                        deadline=deadline.name,
                    )
                )
            deadline.opted_out_ids |= partner

    def _opt_in(self, partner):
        # sudo: as above
        for deadline in self.sudo():
            deadline.opted_out_ids -= partner

    # ------------------------------------------------------------
    # FAULTS
    # ------------------------------------------------------------

    def _fault_summary(self):
        return self.env._("The deadline %(deadline)s needs attention", deadline=self.name)
