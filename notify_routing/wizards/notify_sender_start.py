from odoo import api, fields, models
from odoo.exceptions import ValidationError
from odoo.tools import email_domain_extract, email_normalize


class NotifySenderStart(models.TransientModel):
    """Make a server and its senders for one of four usual set-ups."""

    _name = "notify.sender.start"
    _description = "Start With a Usual Set-Up"

    preset = fields.Selection(
        [
            ("host", "Your own mail host, which knows every user's address"),
            ("shared", "One hosted address for all companies"),
            ("hosted", "A hosted address of this company"),
            ("relay", "A relay that accepts validated domains only"),
        ],
        required=True,
        default="host",
        string="Set-Up",
    )
    company_id = fields.Many2one(
        "res.company", required=True, default=lambda self: self.env.company
    )
    address = fields.Char(
        required=True,
        help="An address that the server accepts. Alerts come from it; other mails do as far as "
        "the set-up says.",
    )
    smtp_host = fields.Char("Host", required=True)
    smtp_port = fields.Integer("Port", required=True, default=587)
    smtp_encryption = fields.Selection(
        [("none", "None"), ("starttls_strict", "STARTTLS"), ("ssl_strict", "TLS")],
        string="Encryption",
        required=True,
        default="starttls_strict",
    )
    smtp_user = fields.Char("Login")
    smtp_pass = fields.Char("Password")

    @api.onchange("smtp_encryption")
    def _onchange_smtp_encryption(self):
        ports = {"none": 25, "starttls_strict": 587, "ssl_strict": 465}
        self.smtp_port = ports.get(self.smtp_encryption, 587)

    def action_start(self):
        """Make the records and show the senders."""
        self.ensure_one()
        if email_normalize(self.address) != self.address.strip().lower():
            raise ValidationError(
                self.env._("“%s” is no address: write it as name@domain.", self.address)
            )
        server = self.env["ir.mail_server"].create(self._server_values())
        senders = self.env["notify.sender"].create(
            [{**values, "server_id": server.id} for values in self._sender_values()]
        )
        return {
            **self.env["ir.actions.act_window"]._for_xml_id("notify_routing.notify_sender_action"),
            "domain": [("id", "in", senders.ids)],
        }

    def _server_values(self):
        one_address = self.preset in ("shared", "hosted")
        address = self.address.strip().lower()
        return {
            "name": self.smtp_host
            if self.preset == "shared"
            else f"{self.smtp_host} ({self.company_id.name})",
            "smtp_host": self.smtp_host,
            "smtp_port": self.smtp_port,
            "smtp_encryption": self.smtp_encryption,
            "smtp_user": self.smtp_user,
            "smtp_pass": self.smtp_pass,
            "from_filter": address if one_address else email_domain_extract(address),
        }

    def _sender_values(self):
        """Return the values of the senders, most of the mails first."""
        company = self.company_id
        common = {
            "name": self.env._("Mails of %s", company.name),
            "company_id": company.id,
            "address": self.address,
            "mode": "on_address",
            "name_pattern": "%(author)s via %(company)s",
        }
        if self.preset == "shared":
            name = self.env._("Mails of all companies")
            # The account is one: a host that lends it takes no other envelope.
            return [{**common, "name": name, "company_id": False, "envelope": "from"}]
        if self.preset == "hosted":
            return [{**common, "envelope": "from"}]
        alerts = {
            **common,
            "name": self.env._("Alerts of %s", company.name),
            "kind": "alert",
            "mode": "fixed",
            "name_pattern": "%(company)s",
        }
        return [{**common, "mode": "person"}, alerts]
