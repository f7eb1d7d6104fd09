from odoo import api, fields, models


class NotifySenderLook(models.TransientModel):
    """Who sends what: how mails look, of a company and a document type."""

    _name = "notify.sender.look"
    _description = "Who Sends What"

    company_id = fields.Many2one(
        "res.company", required=True, default=lambda self: self.env.company
    )
    model_id = fields.Many2one(
        "ir.model",
        string="Document Type",
        ondelete="cascade",
        domain="[('is_mail_thread', '=', True), ('transient', '=', False)]",
    )
    line_ids = fields.One2many("notify.sender.look.line", "look_id", compute="_compute_line_ids")

    @api.depends("company_id", "model_id")
    def _compute_line_ids(self):
        kinds = self.env["notify.sender"]._fields["kind"]._description_selection(self.env)
        for look in self:
            commands = [fields.Command.clear()]
            for kind, name in kinds if look.company_id else ():
                found = self.env["notify.sender"]._effective(
                    look.company_id, look.model_id.model or None, kind
                )
                commands.append(
                    fields.Command.create(
                        {
                            "name": name,
                            "shown": found["from"],
                            "policy_id": found["policy"].id,
                            "server_id": found["server"] and found["server"].id,
                        }
                    )
                )
            look.line_ids = commands


class NotifySenderLookLine(models.TransientModel):
    """How one kind of mail looks."""

    _name = "notify.sender.look.line"
    _description = "Who Sends What: One Kind"

    look_id = fields.Many2one("notify.sender.look", required=True, ondelete="cascade")
    name = fields.Char("Mails", readonly=True)
    shown = fields.Char("From, If You Wrote It", readonly=True)
    policy_id = fields.Many2one("notify.sender", readonly=True, ondelete="cascade")
    server_id = fields.Many2one("ir.mail_server", readonly=True, ondelete="cascade")
