from odoo import fields, models


class IrMailServer(models.Model):
    """Door: what the DNS has to say for mail that leaves through this server."""

    _inherit = "ir.mail_server"

    notify_spf = fields.Char(
        "SPF Mechanism",
        help="What your provider asks you to put into the SPF record of your domain, e.g. "
        "“include:sendgrid.net” or “ip4:192.0.2.1”. Empty: found out from the host, where "
        "possible.",
    )
    notify_dkim_selectors = fields.Char(
        "DKIM Selectors",
        help="Under which names the provider has you publish the keys that sign your mail, "
        "separated by commas. Empty: the usual ones are tried.",
    )
