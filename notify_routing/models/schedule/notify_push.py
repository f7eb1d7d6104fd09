from odoo import api, fields, models, tools
from odoo.exceptions import AccessError, ValidationError


class NotifyPreference(models.Model):
    """Pushes to devices: asked for by each person, document type by document type."""

    _inherit = "notify.preference"

    channel = fields.Selection(required=False)
    push = fields.Boolean(
        help="Push to the person's devices what schemes push of this document type. The device "
        "has to be registered: allow notifications in its browser.",
    )

    @api.constrains(lambda self: ["model_id", *self._choice_fields()])
    def _check_push(self):
        for preference in self.filtered(lambda preference: not preference.model_id):
            if preference.push or not preference._says_something():
                raise ValidationError(
                    self.env._(
                        "Choose a channel for all document types; pushes are allowed for one "
                        "document type at a time."
                    )
                )

    @api.model
    def _choice_fields(self):
        return [*super()._choice_fields(), "push"]

    @tools.ormcache(cache="stable")
    def _pushed(self):
        """Return who allowed pushes of what: ``{(user_id, model), …}``."""
        self.flush_model()
        self.env.cr.execute("SELECT user_id, model FROM notify_preference WHERE push")
        return set(self.env.cr.fetchall())

    @api.model
    def set_my_push(self, model, allowed, also=None):
        """Allow or forbid pushes of a document type to the current user's devices.

        :return: one's own table, see ``notify.subscription.table.read_mine``, also for ``also``
        """
        Table = self.env["notify.subscription.table"]
        if not self.env.user._is_internal():
            raise AccessError(self.env._("Externals are told by e-mail only."))
        model_id = self.env["ir.model"]._get_id(Table._known(model))
        mine = [("user_id", "=", self.env.uid), ("model_id", "=", model_id)]
        preference = self.search(mine, limit=1)
        if preference and not allowed:
            preference._forget("push")
        elif preference:
            preference.push = allowed
        elif allowed:
            self.create(
                {"user_id": self.env.uid, "model_id": model_id, "push": True, "channel": False}
            )
        return Table.read_mine(also)


class NotifySubscriptionTable(models.AbstractModel):
    """One's own table also says what is pushed."""

    _inherit = "notify.subscription.table"

    @api.model
    def _mine_more(self, table):
        table = super()._mine_more(table)
        pushed = self.env["notify.preference"].sudo()._pushed()
        schemes = self.env["notify.scheme"]._book()
        for kind in table["types"]:
            kind["push"] = (self.env.uid, kind["model"]) in pushed
            # Where no scheme pushes anything, there is nothing to allow.
            kind["can_push"] = kind["push"] or any(
                "push" in cell.channels
                for scheme in schemes.get(kind["model"], ())
                for row in scheme.rows
                for cell in row.cells
            )
        return table
