from odoo import fields, models


class ResConfigSettings(models.TransientModel):
    _inherit = "res.config.settings"

    notify_answer_from_anywhere = fields.Boolean(
        "Answers From Other Addresses",
        config_parameter="notify_routing.answer_from_anywhere",
        help="Who answers from an address that nobody knows is taken for the person we wrote to. "
        "The message says so. People of the company are never taken for somebody in this way.",
    )
