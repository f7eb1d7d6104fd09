from odoo import models
from odoo.exceptions import UserError


class CrmTeam(models.Model):
    """Door: a team's defaults and the documents that exist already."""

    _inherit = "crm.team"

    def unlink(self):
        result = super().unlink()
        # The database deletes the team's lines, and tells no cache.
        self.env["notify.subscription"]._forget_deleted()
        return result

    def action_notify_apply(self):
        """Open the preview of what applying the team's defaults to existing documents would do."""
        self.ensure_one()
        self.env["notify.subscription.table"]._check_can_edit(self)
        lines = self.env["notify.subscription"].search([("team_id", "=", self.id)])
        if not lines:
            raise UserError(
                self.env._(
                    "Team %(team)s has no defaults yet: choose in the table what its members are "
                    "told of, then apply that to the existing documents.",
                    team=self.name,
                )
            )
        return lines.action_apply()
