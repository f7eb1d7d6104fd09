from odoo import fields


class LooseMany2one(fields.Many2one):
    """A link to configuration that never stands in the way of a post.

    With a foreign key, a post fails that was decided by a line which somebody else deleted
    meanwhile, or has not committed yet. What is deleted empties the links to it itself, see
    :func:`forget`; a link that was being written then dangles, so readers ask ``exists()``.
    """

    def update_db_foreign_key(self, model, column):
        """Leave the column without foreign key."""


def forget(records):
    """Empty the links to records that are about to be deleted, as a foreign key would."""
    for model in ("mail.notification", "notify.suppression"):
        if model not in records.env:
            continue
        for name, field in records.env[model]._fields.items():
            if isinstance(field, LooseMany2one) and field.comodel_name == records._name:
                linked = records.env[model].sudo().search([(name, "in", records.ids)])
                linked.write({name: False})
