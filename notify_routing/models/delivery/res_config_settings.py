from odoo import fields, models


class ResConfigSettings(models.TransientModel):
    """Door: how mail leaves."""

    _inherit = "res.config.settings"

    notify_background_sending = fields.Boolean(
        "Send in the Background",
        config_parameter="notify_routing.background_sending",
        help="Whoever posts a message does not wait for the mail server: the queue is worked on as "
        "soon as the message is saved. A mail server that hangs blocks nobody.",
    )
    notify_retry_hours = fields.Integer(
        "Give Up After",
        default=48,
        config_parameter="notify_routing.retry_hours",
        help="Hours for which a mail is tried again that the server refuses for the time being.",
    )
    notify_hold_doubt = fields.Boolean(
        "Hold What Is in Doubt",
        config_parameter="notify_routing.hold_doubt",
        help="If the system or the line breaks down while a mail is handed over, the server may "
        "have it, or not. Normally it is sent again, with the same Message-Id. Tick this, and a "
        "person decides.",
    )
