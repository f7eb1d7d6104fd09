from odoo import api, models


class NotifyScheme(models.Model):
    """Who changed which cell of the matrix, and when: in the scheme's chatter."""

    _inherit = "notify.scheme"

    def _log_cells(self, changes):
        """Note changed cells in the chatter.

        :param list changes: see ``notify.audit._note``
        """
        self.ensure_one()
        # A scheme that was just made, copied or installed says so itself.
        if self.create_date != self.env.cr.now():
            self.env["notify.audit"]._note(self, changes)


class NotifySchemeLine(models.Model):
    """Each change of a cell is noted, wherever it was made."""

    _inherit = "notify.scheme.line"

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
        self._log_changes(before, after=self.env._("no cell"))
        return super().unlink()

    def _log_changes(self, before, after=None):
        """Note what became of these cells.

        :param before: what each said before, by id; a missing one had no cell
        :param after: what they say now, if not their own words
        """
        for scheme, lines in self.grouped("scheme_id").items():
            scheme._log_cells(
                [
                    (
                        line.display_name,
                        before.get(line.id, self.env._("no cell")),
                        after or line._words(),
                    )
                    for line in lines
                ]
            )
