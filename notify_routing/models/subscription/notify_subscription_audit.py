from odoo import models


class NotifySubscription(models.Model):
    """Each change of a default is noted with the team, the person or the company it belongs to.

    What people choose for themselves is nobody else's business, and is not noted.
    """

    _name = "notify.subscription"
    _inherit = ["notify.subscription", "notify.audit"]

    def _audited(self):
        # sudo: of contacts, no more than where to write is wanted
        line = self.sudo()
        if line.scope == "user":
            return line.user_id.partner_id if line.user_id != self.env.user else None
        return line.team_id or line.company_id.partner_id

    def _words(self):
        """Return what a default says, e.g. ``"Discussions; Follow the Team's Documents"``."""
        self.ensure_one()
        levels = dict(self._fields["level"]._description_selection(self.env))
        words = [levels.get(self.level, "")]
        if self.level == "custom":
            words = [", ".join(self.subtype_ids.sudo().mapped("name"))]
        if self.auto_follow:
            words.append(self._fields["auto_follow"]._description_string(self.env))
        return "; ".join(words)

    def _absence(self):
        return self.env._("no default")
