from odoo import fields, models


class ResConfigSettings(models.TransientModel):
    """Door: the setting on which two of the source documents disagree."""

    _inherit = "res.config.settings"

    notify_recipients_follow = fields.Selection(
        [
            ("nobody", "Nobody (as in Odoo 19)"),
            ("mentioned", "Colleagues who are mentioned"),
            ("everybody", "Everybody whom the message is addressed to"),
        ],
        string="Who Starts to Follow",
        default="mentioned",
        config_parameter="notify_routing.recipients_follow",
        help="Who of the recipients of a message starts to follow its document. Externals only do "
        "with the last choice.",
    )
