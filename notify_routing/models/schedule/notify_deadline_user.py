from odoo import api, fields, models


class ResUsers(models.Model):
    """Door: people choose of which deadlines they are not alerted."""

    _inherit = "res.users"

    notify_deadline_off_ids = fields.Many2many(
        "notify.deadline",
        string="No Alerts Of",
        compute="_compute_notify_deadline_off_ids",
        inverse="_inverse_notify_deadline_off_ids",
        domain="[('mandatory', '=', False)]",
        help="Deadlines that you are not alerted of. Mandatory ones cannot be chosen.",
    )

    @property
    def SELF_READABLE_FIELDS(self):
        return [*super().SELF_READABLE_FIELDS, "notify_deadline_off_ids"]

    @property
    def SELF_WRITEABLE_FIELDS(self):
        return [*super().SELF_WRITEABLE_FIELDS, "notify_deadline_off_ids"]

    @api.depends("partner_id")
    def _compute_notify_deadline_off_ids(self):
        Deadline = self.env["notify.deadline"]
        for user in self:
            # sudo: everybody knows what they opted out of
            off = Deadline.sudo().search([("opted_out_ids", "in", user.partner_id.ids)])
            user.notify_deadline_off_ids = off.sudo(False)

    def _inverse_notify_deadline_off_ids(self):
        Deadline = self.env["notify.deadline"].sudo()
        for user in self:
            partner = user.partner_id
            chosen = user.notify_deadline_off_ids
            before = Deadline.search([("opted_out_ids", "in", partner.ids)])
            (chosen - before)._opt_out(partner)
            (before - chosen.sudo())._opt_in(partner)
