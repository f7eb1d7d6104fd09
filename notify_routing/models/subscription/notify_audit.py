from datetime import timedelta

from markupsafe import Markup

from odoo import api, fields, models

#: What one person changes on one document within this time is one note in its chatter.
TOGETHER = timedelta(minutes=10)


class NotifyAudit(models.AbstractModel):
    """Mixin of settings: who changed which, and when, in the chatter of what it belongs to."""

    _name = "notify.audit"
    _description = "Changes of Settings"

    @api.model_create_multi
    def create(self, vals_list):
        settings = super().create(vals_list)
        settings._log_changes({})
        return settings

    def write(self, vals):
        before = {setting.id: setting._words() for setting in self}
        result = super().write(vals)
        self._log_changes(before)
        return result

    def unlink(self):
        before = {setting.id: setting._words() for setting in self}
        self._log_changes(before, after=self._absence())
        return super().unlink()

    def _audited(self):
        """Hook: return the document in whose chatter changes are noted, None for nowhere."""
        raise NotImplementedError

    def _words(self):
        """Hook: return what the setting says, e.g. ``"E-mail; Urgent"``."""
        raise NotImplementedError

    def _absence(self):
        """Hook: return the words for a setting that is not there, e.g. ``"no cell"``."""
        raise NotImplementedError

    def _log_changes(self, before, after=None):
        """Note what became of these settings.

        :param before: what each said before, by id; a missing one did not exist
        :param after: what they say now, if not their own words
        """
        changes = {}
        for setting in self:
            if document := setting._audited():
                words = before.get(setting.id, self._absence()), after or setting._words()
                changes.setdefault(document, []).append((setting.display_name, *words))
        for document, own in changes.items():
            self._note(document, own)

    @api.model
    def _note(self, document, changes):
        """Note changes in a document's chatter; nobody is told.

        :param document: one record with a chatter
        :param list changes: ``[(what, before, after)]`` in words, e.g. ``("Reply · Creator",
            "Off", "E-mail")``
        """
        entries = Markup("").join(
            Markup("<li>%s: %s → %s</li>") % (what, before, after)
            for what, before, after in changes
            if before != after
        )
        if not entries:
            return
        # sudo: whoever may change a setting may have it noted
        document = document.sudo()
        note = self._note_of_now(document)
        if note:
            note.body = Markup(note.body).replace(Markup("</ul>"), entries + Markup("</ul>"))
        else:
            document._message_log(body=Markup("<ul class='o_notify_changes'>%s</ul>") % entries)

    @api.model
    def _note_of_now(self, document):
        """Return the note of the same person's changes a moment ago, if nothing came after it."""
        last = document.message_ids[:1]
        recent = last and last.date > fields.Datetime.now() - TOGETHER
        mine = last.author_id == self.env.user.partner_id
        return last if recent and mine and "o_notify_changes" in (last.body or "") else None
