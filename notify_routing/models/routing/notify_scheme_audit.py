from datetime import timedelta

from markupsafe import Markup

from odoo import api, fields, models

#: Clicks in one matrix within this time are one note in the scheme's chatter.
TOGETHER = timedelta(minutes=10)


class NotifyScheme(models.Model):
    """Who changed which cell of the matrix, and when: in the scheme's chatter."""

    _inherit = "notify.scheme"

    def _log_cells(self, changes):
        """Note changed cells in the chatter.

        :param list changes: ``[(cell, before, after)]`` in words, e.g. ``("Reply · Creator",
            "Off", "E-mail")``
        """
        self.ensure_one()
        entries = Markup("").join(
            Markup("<li>%s: %s → %s</li>") % (cell, before, after)
            for cell, before, after in changes
            if before != after
        )
        # A scheme that was just made, copied or installed says so itself.
        if not entries or self.create_date == self.env.cr.now():
            return
        note = self._log_of_now()
        if note:
            note.body = Markup(note.body).replace(Markup("</ul>"), entries + Markup("</ul>"))
        else:
            self._message_log(body=Markup("<ul class='o_notify_cells'>%s</ul>") % entries)

    def _log_of_now(self):
        """Return the note of the same person's changes a moment ago, if nothing came after it."""
        # sudo: a note that the same person wrote, by the same clicks
        last = self.sudo().message_ids[:1]
        recent = last and last.date > fields.Datetime.now() - TOGETHER
        mine = last.author_id == self.env.user.partner_id
        return last if recent and mine and "o_notify_cells" in (last.body or "") else None


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
