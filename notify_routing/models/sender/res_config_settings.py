from odoo import fields, models


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
