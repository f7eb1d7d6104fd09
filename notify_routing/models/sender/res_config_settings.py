from odoo import fields, models

from .notify_return_key import DAYS


class ResConfigSettings(models.TransientModel):
    """Door: what the mails of this database show."""

    _inherit = "res.config.settings"

    notify_hide_recipients = fields.Boolean(
        "Hide Recipients From Each Other",
        config_parameter="notify_routing.hide_recipients",
        help="Odoo 19 names all external recipients of a message in the header of each one's mail. "
        "Tick this, and everybody sees their own address only; answers reach all followers through "
        "the document.",
    )
    notify_return_days = fields.Integer(
        "Answers Accepted For",
        config_parameter="notify_routing.return_days",
        default=DAYS,
        help="Days for which the answer to a mail is recognized by the signed address it goes to. "
        "Later answers find their document as far as Odoo's own ways do.",
    )
