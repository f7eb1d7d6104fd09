from odoo import fields, models


class MailMessage(models.Model):
    """Door: an incoming message says what is special about how it came."""

    _inherit = "mail.message"

    notify_received = fields.Selection(
        [
            ("automatic", "Automatic answer: filed, nobody was told"),
            ("other_address", "Sent from another address than the one we wrote to"),
        ],
        string="How It Came",
        readonly=True,
    )

    def _to_store(self, store, fields, *, msg_vals=False, **kwargs):
        result = super()._to_store(store, fields, msg_vals=msg_vals, **kwargs)
        # Only where there is something to say: other messages look as they do without us. While a
        # message is posted, its values say it without a query.
        if not msg_vals or msg_vals.get("notify_received"):
            # sudo: who is shown a message may know how it came
            special = self.sudo().filtered("notify_received")
            store.add_records_fields(special, ["notify_received"])
        return result
