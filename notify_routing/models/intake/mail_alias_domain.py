from odoo import api, fields, models


class MailAliasDomain(models.Model):
    """Door: who takes answers to removed documents; and which addresses of an incoming message are
    ours, which Odoo asks five times over, is looked up once."""

    _inherit = "mail.alias.domain"

    notify_fallback_ref = fields.Reference(
        selection="_notify_selection_fallback",
        string="Answers to Removed Documents",
        help="The document that takes answers to documents that were removed. Without one they are "
        "kept in quarantine.",
    )

    @api.model
    def _notify_selection_fallback(self):
        return self.env["notify.quarantine"]._selection_document()

    @api.model
    def _find_aliases(self, email_list, *args, **kwargs):
        incoming = self.env.context.get("notify_incoming")
        if incoming is None:
            return super()._find_aliases(email_list, *args, **kwargs)
        known = incoming.is_ours
        if new := [email for email in email_list if email and email not in known]:
            # What is asked next is among these.
            new += [email for email in incoming.all_addresses if email not in known]
            ours = set(super()._find_aliases(list(dict.fromkeys(new)), *args, **kwargs))
            known.update({email: email in ours for email in new})
        return [email for email in email_list if known.get(email)]
