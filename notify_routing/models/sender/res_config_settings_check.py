import secrets

from odoo import fields, models


class ResConfigSettings(models.TransientModel):
    """Door: how the set-up is checked, and who may ask for its health."""

    _inherit = "res.config.settings"

    notify_dns_resolver = fields.Char(
        "Name Server",
        config_parameter="notify_routing.dns_resolver",
        help="Whom the set-up checks ask for SPF, DKIM and DMARC, e.g. 9.9.9.9 or 127.0.0.1:5353. "
        "Empty: the one of this machine. Useful where that one shows another DNS than the world's.",
    )
    notify_check_patience = fields.Integer(
        "Wait for Probes (Minutes)",
        config_parameter="notify_routing.check_patience",
        default=10,
        help="How long a probe mail may take from the outgoing server to the mailbox.",
    )
    notify_health_token = fields.Char(
        "Health Token",
        config_parameter="notify_routing.health_token",
        help="Your monitoring sends it to /notify_routing/health. Without a token that address "
        "does not answer.",
    )

    def action_notify_new_health_token(self):
        """Make a new token; the old one is worth nothing from now on."""
        self.check_access("write")
        token = secrets.token_urlsafe(32)
        self.env["ir.config_parameter"].set_param("notify_routing.health_token", token)
        return {"type": "ir.actions.client", "tag": "reload"}
