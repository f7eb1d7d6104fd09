import logging

from psycopg2 import Error as DatabaseError

from odoo import api, fields, models, tools
from odoo.exceptions import ValidationError
from odoo.fields import Domain
from odoo.tools.safe_eval import safe_eval

from ...tools.decision import Cell
from ...tools.scheme import Row, Scheme, strongest
from .loose import forget

_logger = logging.getLogger(__name__)


#: Fields that say how a scheme fares, and not what it is.
FAULT = {"fault", "activity_ids", "message_follower_ids", "message_ids"}


class NotifyScheme(models.Model):
    """A matrix event × role → channels, for a document type."""

    _name = "notify.scheme"
    _description = "Notification Scheme"
    _inherit = ["notify.fault", "mail.thread", "mail.activity.mixin"]
    _order = "model, company_id, id"

    name = fields.Char(required=True, translate=True, tracking=True)
    active = fields.Boolean(default=True, tracking=True)
    model_id = fields.Many2one(
        "ir.model",
        string="Document Type",
        required=True,
        ondelete="cascade",
        domain="[('is_mail_thread', '=', True), ('transient', '=', False)]",
        tracking=True,
    )
    model = fields.Char(related="model_id.model", string="Model", store=True, index=True)
    company_id = fields.Many2one(
        "res.company", index="btree_not_null", help="Empty: all companies."
    )
    domain = fields.Char("Filter", help="Which documents; empty for all.", tracking=True)
    quiet_domain = fields.Char(
        "Send No Mail For",
        help="Documents like these send no mail, but that of the lines marked as the only mail. "
        "In-app notifications are not affected.",
        tracking=True,
    )
    line_ids = fields.One2many("notify.scheme.line", "scheme_id", string="Lines", copy=True)

    # ------------------------------------------------------------
    # CHECKS
    # ------------------------------------------------------------

    @api.constrains("model_id", "domain", "quiet_domain")
    def _check_domains(self):
        for scheme in self:
            for name in ("domain", "quiet_domain"):
                scheme._check_domain(name, scheme[name])

    def _check_domain(self, name, text):
        """Raise a clear error if a filter cannot be applied to the scheme's document type."""
        self.ensure_one()
        if not text:
            return
        try:
            self.env[self.model].sudo().search(Domain(safe_eval(text)), limit=1)
        except Exception as error:
            raise ValidationError(
                self.env._(
                    "“%(field)s” of the scheme %(scheme)s cannot be applied to %(model)s: "
                    "%(error)s",
                    field=self._fields[name]._description_string(self.env),
                    scheme=self.name,
                    model=self.model_id.name,
                    error=error,
                )
            ) from error

    @api.constrains("model_id", "company_id", "domain", "active")
    def _check_alone(self):
        """Two schemes of the same strength on one document contradict each other."""
        for scheme in self.filtered("active"):
            others = self.search(
                [
                    ("id", "!=", scheme.id),
                    ("model_id", "=", scheme.model_id.id),
                    ("company_id", "=", scheme.company_id.id),
                ]
            ).filtered(lambda other, scheme=scheme: bool(other.domain) == bool(scheme.domain))
            for other in others:
                document = scheme._document_of_both(other)
                if document is None:
                    continue
                raise ValidationError(
                    self.env._(
                        "The schemes “%(first)s” and “%(second)s” both speak of %(document)s. "
                        "Give them filters that exclude each other, or archive one.",
                        first=scheme.name,
                        second=other.name,
                        document=document.display_name or scheme.model_id.name,
                    )
                )

    def _document_of_both(self, other):
        """Return a document that two schemes speak of, ``None`` if there is none."""
        model = self.env[self.model].sudo()
        if not self.domain:
            return model
        found = model.search(
            Domain(safe_eval(self.domain)) & Domain(safe_eval(other.domain)), limit=1
        )
        return found or None

    # ------------------------------------------------------------
    # CRUD: read through a cache
    # ------------------------------------------------------------

    @api.model_create_multi
    def create(self, vals_list):
        schemes = super().create(vals_list)
        self.env.registry.clear_cache("stable")
        return schemes

    def write(self, vals):
        result = super().write(vals)
        if set(vals) - FAULT:
            self.env.registry.clear_cache("stable")
            self._mended()
        return result

    def unlink(self):
        # Row by row, not by a cascade: what was decided by the lines forgets them.
        self.line_ids.unlink()
        result = super().unlink()
        self.env.registry.clear_cache("stable")
        return result

    def copy_data(self, default=None):
        """A copy starts archived: two equal schemes would contradict each other."""
        values_list = super().copy_data(default)
        for scheme, values in zip(self, values_list, strict=True):
            if "active" not in (default or {}):
                values["active"] = False
            if "name" not in (default or {}):
                values["name"] = self.env._("%(scheme)s (copy)", scheme=scheme.name)
        return values_list

    # ------------------------------------------------------------
    # READING
    # ------------------------------------------------------------

    @tools.ormcache(cache="stable")
    def _book(self):
        """Return all active schemes: ``{model: (Scheme, …)}``, the most specific first."""
        result = {}
        for scheme in self.sudo().search([("active", "=", True)]):
            result.setdefault(scheme.model, []).append(scheme._frozen())
        return {model: tuple(strongest(schemes)) for model, schemes in result.items()}

    def _frozen(self):
        """Return the scheme as the router reads it."""
        self.ensure_one()
        rows = [
            Row(
                event_id=event.id,
                code=event.code,
                kind=event.kind,
                weight=event.weight,
                subtype_id=event.subtype_id.id or None,
                field_name=event.field_id.name or None,
                value_from=event.value_from or None,
                value_to=event.value_to or None,
                role_id=event.role_id.id or None,
                cells=tuple(line._frozen() for line in lines),
                email_domains={line.id: line.email_domain for line in lines if line.email_domain},
            )
            for event, lines in self.line_ids.grouped("event_id").items()
        ]
        return Scheme(
            id=self.id,
            model=self.model,
            company_id=self.company_id.id or None,
            domain=self.domain or None,
            quiet_domain=self.quiet_domain or None,
            rows=tuple(rows),
        )

    @api.model
    def _of(self, document):
        """Return the scheme of a document, ``None`` without one. Costs no query without schemes.

        :rtype: notify_routing.tools.scheme.Scheme or None
        """
        for scheme in self._book().get(document._name, ()):
            if scheme.company_id and "company_id" in document._fields:
                company_id = document.sudo().company_id.id
                if company_id and company_id != scheme.company_id:
                    continue
            if not scheme.domain or self._matches(document, scheme.domain):
                return scheme
        return None

    @api.model
    def _of_or_alarm(self, document):
        """Return the scheme of a document; ``None`` and an alarm if a filter cannot be applied."""
        schemes = self._book().get(document._name)
        if not schemes:
            return None
        try:
            return self._of(document)
        except DatabaseError:
            raise
        except Exception as error:
            _logger.warning("A scheme's filter does not work on %s", document, exc_info=True)
            self.browse(scheme.id for scheme in schemes)._alarm(error)
            return None

    @api.model
    def _matches(self, document, text):
        """Tell whether a document is one of those that a filter speaks of."""
        return bool(document.sudo().filtered_domain(Domain(safe_eval(text))))

    # ------------------------------------------------------------
    # FAULTS
    # ------------------------------------------------------------

    def _alarm(self, error):
        report = self.env.context.get("notify_report")
        if report is not None:
            # Somebody only asks what would happen: they are told, nothing is written.
            report["fault"] = str(error)
            return
        super()._alarm(error)

    def _fault_summary(self):
        return self.env._("The scheme %(scheme)s does not work", scheme=self.name)


class NotifySchemeLine(models.Model):
    """One cell of a scheme: what one role gets of one event."""

    _name = "notify.scheme.line"
    _description = "Notification Scheme Line"
    _order = "scheme_id, event_id, role_id"

    scheme_id = fields.Many2one("notify.scheme", required=True, ondelete="cascade", index=True)
    event_id = fields.Many2one("notify.event", required=True, ondelete="cascade")
    role_id = fields.Many2one("notify.role", required=True, ondelete="cascade")
    prefer = fields.Boolean(
        "As the Person Prefers", help="By e-mail, in Odoo or both, as each person chose."
    )
    email = fields.Boolean("E-mail")
    inbox = fields.Boolean("In Odoo")
    push = fields.Boolean(help="To the devices of those who allowed it for this document type.")
    mandatory = fields.Boolean(
        help="Nobody can opt out, neither with the bell nor by a preference."
    )
    only_new = fields.Boolean(
        "Only the New Ones", help="Only who came into the role by this very act."
    )
    only_mail = fields.Boolean(
        "The Only Mail", help="Sent also for documents that send no other mail."
    )
    urgent = fields.Boolean(help="Schedules do not hold it.")
    wait = fields.Integer(
        "Wait (Minutes)",
        help="E-mail waits up to so many minutes, so that a burst on one document becomes one "
        "mail. What is deleted meanwhile is left out. 0: at once.",
    )
    own_act = fields.Boolean(help="Whoever acts is told as well.")
    email_domain = fields.Char(
        "E-mail Only For", help="Documents that this line sends mail for; empty for all."
    )

    _one_cell = models.UniqueIndex(
        "(scheme_id, event_id, role_id)", "This scheme has a line for this event and role already."
    )
    _wait_within_a_day = models.Constraint(
        "CHECK(COALESCE(wait, 0) BETWEEN 0 AND 1440)",
        "E-mail of a line can wait from 0 to 1440 minutes, which is a day.",
    )

    @api.model
    def _cell_fields(self):
        return [
            "prefer", "email", "inbox", "push",
            "mandatory", "only_new", "only_mail", "urgent", "wait", "own_act", "email_domain",
        ]  # fmt: skip

    @api.constrains("email_domain", "scheme_id")
    def _check_email_domain(self):
        for line in self:
            line.scheme_id._check_domain("quiet_domain", line.email_domain)

    @api.constrains("event_id", "role_id", "scheme_id")
    def _check_models(self):
        for line in self:
            model = line.scheme_id.model_id
            for record in (line.event_id, line.role_id):
                if record.model_id and record.model_id != model:
                    raise ValidationError(
                        self.env._(
                            "“%(name)s” belongs to %(other)s, the scheme to %(model)s.",
                            name=record.name,
                            other=record.model_id.name,
                            model=model.name,
                        )
                    )
            if line.role_id.path:
                line.role_id._end_of_path(self.env[model.model])

    def _frozen(self):
        """Return the line as the decision reads it."""
        self.ensure_one()
        channels = frozenset(name for name in ("email", "inbox", "push") if self[name])
        flags = {
            name: self[name]
            for name in ("mandatory", "only_new", "only_mail", "urgent", "wait", "own_act")
        }
        return Cell(
            id=self.id, role=str(self.role_id.id), channels=channels, prefer=self.prefer, **flags
        )

    @api.model_create_multi
    def create(self, vals_list):
        lines = super().create(vals_list)
        self.env.registry.clear_cache("stable")
        lines.scheme_id._mended()
        return lines

    def write(self, vals):
        result = super().write(vals)
        self.env.registry.clear_cache("stable")
        self.scheme_id._mended()
        return result

    def unlink(self):
        schemes = self.scheme_id
        forget(self)
        result = super().unlink()
        self.env.registry.clear_cache("stable")
        schemes._mended()
        return result
