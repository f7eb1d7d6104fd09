from odoo import api, models


class NotifySubscription(models.Model):
    """Each change of a default is noted with the team, the person or the company it belongs to.

    What people choose for themselves is nobody else's business, and is not noted.
    """

    _inherit = "notify.subscription"

    @api.model_create_multi
    def create(self, vals_list):
        lines = super().create(vals_list)
        lines._log_changes({})
        return lines

    def write(self, vals):
        before = {line.id: line._words() for line in self}
        result = super().write(vals)
        self._log_changes(before)
        return result

    def unlink(self):
        before = {line.id: line._words() for line in self}
        self._log_changes(before, after=self.env._("no default"))
        return super().unlink()

    def _log_changes(self, before, after=None):
        """Note what became of these defaults.

        :param before: what each said before, by id; a missing one did not exist
        :param after: what they say now, if not their own words
        """
        changes = {}
        for line in self:
            document = line._audited()
            if document:
                words = before.get(line.id, self.env._("no default")), after or line._words()
                changes.setdefault(document, []).append((line.display_name, *words))
        for document, own in changes.items():
            self.env["notify.audit"]._note(document, own)

    def _audited(self):
        """Return the document in whose chatter changes are noted, if any."""
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
