from odoo import api, fields, models
from odoo.exceptions import ValidationError

from .loose import forget


class NotifyEvent(models.Model):
    """Something that happens on a document, and that a scheme can list."""

    _name = "notify.event"
    _description = "Notification Event"
    _order = "sequence, id"

    name = fields.Char(required=True, translate=True)
    code = fields.Char(required=True, help="Short name for programs and for the trail.")
    sequence = fields.Integer(default=10)
    kind = fields.Selection(
        [
            ("message", "A message or an answer is written"),
            ("note", "A note is written"),
            ("subtype", "A message of a kind is posted"),
            ("field", "A field changes"),
            ("added", "Somebody comes into a role"),
            ("file_added", "A file is added"),
            ("file_changed", "A file is replaced"),
            ("fired", "A program says so"),
        ],
        required=True,
        default="field",
    )
    model_id = fields.Many2one(
        "ir.model",
        string="Document Type",
        ondelete="cascade",
        domain="[('is_mail_thread', '=', True), ('transient', '=', False)]",
        help="Leave empty for an event of all document types.",
    )
    model = fields.Char(related="model_id.model", string="Model", store=True)
    subtype_id = fields.Many2one(
        "mail.message.subtype", string="Kind of Message", ondelete="cascade"
    )
    field_id = fields.Many2one(
        "ir.model.fields",
        ondelete="cascade",
        domain="[('model_id', '=', model_id)]",
    )
    value_from = fields.Char(
        "Value Before", help="Technical value before the change; empty for any."
    )
    value_to = fields.Char("Value After", help="Technical value after the change; empty for any.")
    role_id = fields.Many2one("notify.role", ondelete="cascade")
    weight = fields.Integer(
        default=10,
        help="When one act fires several events, each person is told of the heaviest one.",
    )

    _code_unique = models.UniqueIndex(
        "(code, COALESCE(model_id, 0))", "There is an event with this code already."
    )

    @api.constrains("kind", "subtype_id", "field_id", "role_id", "model_id")
    def _check_kind(self):
        needed = {"subtype": "subtype_id", "field": "field_id", "added": "role_id"}
        for event in self:
            name = needed.get(event.kind)
            if name and not event[name]:
                raise ValidationError(
                    self.env._(
                        "The event “%(event)s” needs: %(field)s.",
                        event=event.name,
                        field=self._fields[name]._description_string(self.env),
                    )
                )
            if event.kind == "field" and event.field_id.model_id != event.model_id:
                raise ValidationError(
                    self.env._(
                        "The event “%(event)s” watches a field of another document type: choose "
                        "the document type first, then one of its fields.",
                        event=event.name,
                    )
                )

    @api.model_create_multi
    def create(self, vals_list):
        events = super().create(vals_list)
        self.env.registry.clear_cache("stable")
        return events

    def write(self, vals):
        result = super().write(vals)
        self.env.registry.clear_cache("stable")
        self._lines().scheme_id._mended()
        return result

    def _lines(self):
        """Return the lines of schemes that speak of these events."""
        return self.env["notify.scheme.line"].search([("event_id", "in", self.ids)])

    def unlink(self):
        self._lines().unlink()
        forget(self)
        result = super().unlink()
        self.env.registry.clear_cache("stable")
        return result
