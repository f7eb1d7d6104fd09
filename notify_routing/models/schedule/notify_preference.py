from odoo import api, fields, models, tools
from odoo.exceptions import AccessError, ValidationError


class NotifyPreference(models.Model):
    """How a person wants to be told: everywhere, or on one document type.

    What a person wants everywhere lives in stock's ``res.users.notification_type`` as far as stock
    knows it; a row without document type says what stock cannot: both e-mail and in-app.
    """

    _name = "notify.preference"
    _description = "Notification Preference"
    _order = "user_id, model, id"

    user_id = fields.Many2one(
        "res.users",
        string="Person",
        required=True,
        ondelete="cascade",
        index=True,
        domain="[('share', '=', False)]",
        default=lambda self: self.env.user,
    )
    model_id = fields.Many2one(
        "ir.model",
        string="Document Type",
        ondelete="cascade",
        domain="[('is_mail_thread', '=', True), ('transient', '=', False)]",
        help="Leave empty for all document types.",
    )
    model = fields.Char(related="model_id.model", string="Model", store=True)
    channel = fields.Selection(
        [
            ("email", "By e-mail"),
            ("inbox", "In Odoo"),
            ("both", "By e-mail and in Odoo"),
        ],
        required=True,
        default="both",
        help="By e-mail: to the person's address.\n"
        "In Odoo: in the Inbox of the web client.\n"
        "By e-mail and in Odoo: both at the same time.",
    )

    _one_preference = models.UniqueIndex(
        "(user_id, COALESCE(model_id, 0))",
        "This person has a preference for this document type already.",
    )

    @api.constrains("user_id", "model_id")
    def _check_people_and_models(self):
        for preference in self:
            if preference.user_id.share:
                raise ValidationError(
                    self.env._(
                        "%(user)s is an external user: externals are told by e-mail only.",
                        user=preference.user_id.name,
                    )
                )
            # sudo: who chooses for documents need not know how they are made
            kind = preference.sudo().model_id
            if kind and not kind.is_mail_thread:
                raise ValidationError(
                    self.env._(
                        "%(model)s has no messages that one could be told of.", model=kind.name
                    )
                )

    @api.depends("user_id", "model_id", "channel")
    def _compute_display_name(self):
        channels = dict(self._fields["channel"]._description_selection(self.env))
        for preference in self:
            what = preference.sudo().model_id.name or self.env._("all document types")
            preference.display_name = (
                f"{preference.user_id.name}, {what}: {channels.get(preference.channel)}"
            )

    # ------------------------------------------------------------
    # CRUD: read through a cache, and in step with stock's field
    # ------------------------------------------------------------

    @api.model_create_multi
    def create(self, vals_list):
        preferences = super().create(vals_list)
        self.env.registry.clear_cache("stable")
        preferences._write_stock_types()
        return preferences

    def write(self, vals):
        result = super().write(vals)
        # The rules look at a row before it is written; nobody gives theirs to somebody else.
        self.check_access("write")
        self.env.registry.clear_cache("stable")
        self._write_stock_types()
        return result

    def unlink(self):
        result = super().unlink()
        self.env.registry.clear_cache("stable")
        return result

    @api.model
    def _choice_fields(self):
        """Hook: return the fields with which a row says something."""
        return ["channel"]

    def _says_something(self, without=()):
        """Tell whether a row says anything, leaving some fields out."""
        return any(self[name] for name in self._choice_fields() if name not in without)

    def _forget(self, *names):
        """Empty some fields; rows that say nothing then are removed."""
        kept = self.filtered(lambda preference: preference._says_something(without=names))
        (self - kept).unlink()
        kept.write(dict.fromkeys(names, False))

    def _write_stock_types(self):
        """Make stock's field say what the preferences without document type say."""
        for preference in self.filtered(lambda row: row.channel and not row.model_id):
            stock = "email" if preference.channel == "email" else "inbox"
            if preference.user_id.notification_type != stock:
                # sudo: the person's own row was writable; the same person's field follows
                preference.user_id.sudo().with_context(notify_keep_preference=True).write(
                    {"notification_type": stock}
                )

    # ------------------------------------------------------------
    # READING
    # ------------------------------------------------------------

    @tools.ormcache(cache="stable")
    def _channels(self):
        """Return all preferences: ``{(user_id, model or None): channel}``."""
        self.flush_model()
        self.env.cr.execute(
            """
            SELECT user_id, model, channel FROM notify_preference
             WHERE channel IS NOT NULL OR model IS NOT NULL
            """
        )
        return {
            (user_id, model or None): channel for user_id, model, channel in self.env.cr.fetchall()
        }

    @api.model
    def _apply_channels(self, model, recipients):
        """Write on recipients' data the channel that each internal user prefers.

        Only stock's two channels are a matter of preference; what another addon chose (SMS, say)
        stays. Both becomes ``notif: "email"`` with ``notify_both: True``.

        :param list recipients: see ``mail.thread._notify_get_recipients``
        """
        channels = self._channels()
        if not channels:
            return
        for recipient in recipients:
            if (
                not recipient["uid"]
                or recipient["ushare"]
                or recipient["notif"] not in ("email", "inbox")
            ):
                continue
            channel = channels.get((recipient["uid"], model))
            if not channel and recipient["notif"] == "inbox":
                # Stock's field says in-app for those who want both; e-mail there is newer.
                channel = channels.get((recipient["uid"], None))
            if channel:
                recipient["notif"] = "inbox" if channel == "inbox" else "email"
                recipient["notify_both"] = channel == "both"

    @api.model
    def _channel_of(self, user, model):
        """Return the channel of a user on a document type: email, inbox or both."""
        data = {
            "uid": user.id,
            "ushare": user.share,
            "notif": user.sudo().notification_type,
        }
        self._apply_channels(model, [data])
        return "both" if data.get("notify_both") else data["notif"]

    # ------------------------------------------------------------
    # FOR THE WEB CLIENT
    # ------------------------------------------------------------

    @api.model
    def set_mine(self, model, channel, also=None):
        """Choose how the current user is told of a document type.

        :param channel: email, inbox, both, or ``False`` for *as everywhere*
        :return: one's own table, see ``notify.subscription.table.read_mine``, also for ``also``
        """
        Table = self.env["notify.subscription.table"]
        if not self.env.user._is_internal():
            raise AccessError(self.env._("Externals are told by e-mail only."))
        if channel and channel not in dict(self._fields["channel"].selection):
            raise ValidationError(self.env._("There is no channel “%(channel)s”.", channel=channel))
        model_id = self.env["ir.model"]._get_id(Table._known(model))
        mine = [("user_id", "=", self.env.uid), ("model_id", "=", model_id)]
        preference = self.search(mine, limit=1)
        if preference and not channel:
            preference._forget("channel")
        elif preference:
            preference.channel = channel
        elif channel:
            self.create({"user_id": self.env.uid, "model_id": model_id, "channel": channel})
        return Table.read_mine(also)


class NotifyBell(models.AbstractModel):
    """The bell also says how its user is told."""

    _inherit = "notify.bell"

    @api.model
    def _more(self, document):
        Preference = self.env["notify.preference"]
        channel = Preference._channel_of(self.env.user, document._name)
        names = dict(Preference._fields["channel"]._description_selection(self.env))
        return {**super()._more(document), "channel": names[channel]}


class NotifySubscriptionTable(models.AbstractModel):
    """One's own table also says how one is told of each document type."""

    _inherit = "notify.subscription.table"

    @api.model
    def _mine_more(self, table):
        table = super()._mine_more(table)
        Preference = self.env["notify.preference"]
        chosen = Preference.sudo()._channels()
        table["channels"] = [
            {"id": channel, "name": name}
            for channel, name in Preference._fields["channel"]._description_selection(self.env)
        ]
        for kind in table["types"]:
            kind["channel"] = kind["model"] and chosen.get((self.env.uid, kind["model"]), False)
        return table

    @api.model
    def _my_models(self, lines):
        chosen = self.env["notify.preference"].sudo()._channels()
        own = {model for user_id, model in chosen if user_id == self.env.uid and model}
        return super()._my_models(lines) | own
