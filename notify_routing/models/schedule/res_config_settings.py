from odoo import fields, models


class ResConfigSettings(models.TransientModel):
    """Door: what is asked before mail that waited leaves."""

    _inherit = "res.config.settings"

    notify_recheck = fields.Selection(
        [
            ("none", "Nothing: what happened is told"),
            ("exists", "Whether the files that it tells of still exist"),
            ("unread", "That, and whether it was read in Odoo"),
        ],
        string="Before Held Mail Leaves, Check",
        default="exists",
        config_parameter="notify_routing.recheck",
        help="Whether the reader may still see the document is always checked.",
    )
