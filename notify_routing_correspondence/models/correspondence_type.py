from odoo import api, fields, models
from odoo.tools.safe_eval import safe_eval


class CorrespondenceType(models.Model):
    """A kind of correspondence: its numbers, its mailbox, and whether closing sends mail."""

    _name = "notify.correspondence.type"
    _description = "Correspondence Type"
    _inherit = ["mail.alias.mixin.optional"]
    _order = "sequence, name, id"

    name = fields.Char(required=True, translate=True)
    code = fields.Char(required=True, help="Start of the numbers: RFI gives RFI-0001.")
    sequence = fields.Integer(default=10)
    active = fields.Boolean(default=True)
    company_id = fields.Many2one(
        "res.company", required=True, default=lambda self: self.env.company
    )
    sequence_id = fields.Many2one("ir.sequence", string="Numbers", readonly=True, copy=False)
    alias_contact = fields.Selection(
        related="alias_id.alias_contact", readonly=False, string="Accept E-mails From"
    )
    closed_mail = fields.Boolean(
        "E-mail When Closed",
        help="Closing an item of this type sends a mail to everybody involved. It is the only mail "
        "that a closed item sends.",
    )
    item_count = fields.Integer("Items", compute="_compute_item_count")

    _code_unique = models.UniqueIndex(
        "(code, company_id)", "There is a type with this code in this company already."
    )

    def _compute_item_count(self):
        counts = dict(
            self.env["notify.correspondence"]._read_group(
                [("type_id", "in", self.ids)], ["type_id"], ["__count"]
            )
        )
        for kind in self:
            kind.item_count = counts.get(kind, 0)

    @api.model_create_multi
    def create(self, vals_list):
        kinds = super().create(vals_list)
        for kind in kinds:
            # sudo: whoever may set up types need not be an administrator of sequences
            kind.sequence_id = (
                self.env["ir.sequence"]
                .sudo()
                .create(
                    {
                        "name": kind.name,
                        "code": f"notify.correspondence.{kind.code}",
                        "prefix": f"{kind.code}-",
                        "padding": 4,
                        "company_id": kind.company_id.id,
                    }
                )
            )
        return kinds

    def unlink(self):
        sequences = self.sudo().sequence_id
        result = super().unlink()
        sequences.unlink()
        return result

    def _alias_get_creation_values(self):
        values = super()._alias_get_creation_values()
        values["alias_model_id"] = self.env["ir.model"]._get_id("notify.correspondence")
        if self.id:
            defaults = safe_eval(self.alias_defaults or "{}")
            values["alias_defaults"] = {
                **defaults,
                "type_id": self.id,
                "company_id": self.company_id.id,
            }
        return values

    def action_items(self):
        """Open the items of this type."""
        self.ensure_one()
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "notify_routing_correspondence.correspondence_action"
        )
        return {
            **action,
            "domain": [("type_id", "=", self.id)],
            "context": {"default_type_id": self.id},
        }
