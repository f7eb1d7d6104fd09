import secrets
from datetime import timedelta

from odoo import api, fields, models

from ...tools.address_token import KEY_NUMBERS

#: Days for which answers to a mail are recognized, unless the settings say otherwise.
DAYS = 365


class NotifyReturnKey(models.Model):
    """What signs the addresses to which answers and bounces return. Administrators only."""

    _name = "notify.return.key"
    _description = "Return Address Key"
    _order = "id desc"
    _rec_name = "number"

    number = fields.Integer(
        required=True, readonly=True, aggregator=None, help="Names the key in an address."
    )
    secret = fields.Char(
        required=True, readonly=True, copy=False, prefetch=False, groups=fields.NO_ACCESS
    )
    create_date = fields.Datetime("Signs From", readonly=True)
    valid_until = fields.Datetime(
        "Accepted Until",
        help="Answers to addresses that this key signed are recognized until then. Empty: the key "
        "signs now.",
    )
    state = fields.Selection(
        [("current", "Signs"), ("old", "Accepted"), ("ended", "Ended")], compute="_compute_state"
    )

    _one_number = models.UniqueIndex("(number)", "Two keys cannot have the same number.")
    _one_current = models.UniqueIndex("((valid_until IS NULL)) WHERE valid_until IS NULL")

    @api.depends("valid_until")
    def _compute_state(self):
        now = fields.Datetime.now()
        for key in self:
            key.state = (
                "current" if not key.valid_until else "old" if key.valid_until > now else "ended"
            )

    @api.model_create_multi
    def create(self, vals_list):
        keys = super().create(vals_list)
        self.env.registry.clear_cache("stable")
        return keys

    def write(self, vals):
        result = super().write(vals)
        self.env.registry.clear_cache("stable")
        return result

    def unlink(self):
        withdrawn = any(not key.valid_until for key in self)
        result = super().unlink()
        self.env.registry.clear_cache("stable")
        if withdrawn:
            self._make_sure_of_one()
        return result

    # ------------------------------------------------------------
    # ROTATION
    # ------------------------------------------------------------

    @api.model
    def _make_sure_of_one(self):
        """Make the first key, or the next one after the current key was removed."""
        if not self.search_count([("valid_until", "=", False)]):
            self._rotate()

    @api.model
    def _rotate(self):
        """Let a new key sign; the one before is accepted for the set time."""
        now = fields.Datetime.now()
        self.search([("valid_until", "<=", now)]).unlink()
        keys = self.search([], limit=KEY_NUMBERS)
        current = keys.filtered(lambda key: not key.valid_until)
        if len(keys) == KEY_NUMBERS:
            # Rotated too often to keep all: the one that ends first ends now.
            first = (keys - current).sorted("valid_until")[:1]
            keys -= first
            first.unlink()
        current.valid_until = now + timedelta(days=self._days())
        # Before the next one is there: only one key signs at a time.
        current.flush_recordset(["valid_until"])
        used = set(keys.mapped("number"))
        last = keys[:1].number if keys else -1
        # The next free one, so that a number that was given up stays unused for long.
        number = next(
            candidate % KEY_NUMBERS
            for candidate in range(last + 1, last + 1 + KEY_NUMBERS)
            if candidate % KEY_NUMBERS not in used
        )
        return self.create({"number": number, "secret": secrets.token_hex(32)})

    @api.model
    def _cron_rotate(self):
        self._rotate()

    def action_rotate(self):
        """Rotate now, whichever keys are selected."""
        self.check_access("create")
        self.sudo()._rotate()
        return {"type": "ir.actions.client", "tag": "soft_reload"}

    @api.model
    def _days(self):
        value = self.env["ir.config_parameter"].sudo().get_param("notify_routing.return_days")
        return max(int(value or DAYS), 1)
