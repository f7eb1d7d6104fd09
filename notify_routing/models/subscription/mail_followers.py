from collections import defaultdict

from odoo import api, fields, models, tools

from ...tools.subscription import DefaultSubtypes


class MailFollowers(models.Model):
    """Door: where Odoo gives default subtypes, ours are given, with where they come from."""

    _inherit = "mail.followers"

    notify_origin = fields.Selection(
        [
            ("choice", "Chosen on the document"),
            ("user", "Own default"),
            ("member", "Team default for this member"),
            ("team", "Team default"),
            ("company", "Company default"),
            ("odoo", "Odoo's default"),
        ],
        string="Because",
        help="Where the followed subtypes come from.",
    )
    notify_subscription_id = fields.Many2one(
        "notify.subscription",
        string="Default Behind It",
        ondelete="set null",
        index="btree_not_null",
    )
    notify_muted = fields.Boolean(
        "Muted",
        help="The person wants nothing of this document that is not addressed to them by name.",
    )
    notify_internal = fields.Boolean(
        "Internal Events Allowed",
        help="Somebody confirmed that this external contact is told of internal events as well.",
    )

    _notify_muted_idx = models.Index("(id) WHERE notify_muted")
    _notify_internal_idx = models.Index("(res_model, res_id) WHERE notify_internal")

    def _add_default_followers(self, *args, **kwargs):
        marked = self.with_context(notify_subtypes_by_default=True)
        return super(MailFollowers, marked)._add_default_followers(*args, **kwargs)

    def _add_followers(self, res_model, res_ids, partner_ids, subtypes, *args, **kwargs):
        by_default = [
            partner_id
            for partner_id in partner_ids or []
            if self.env.context.get("notify_subtypes_by_default")
            or isinstance(subtypes.get(partner_id), DefaultSubtypes)
        ]
        resolved = self.env["notify.subscription"]._resolve(res_model, res_ids, by_default)
        kwargs = self._without_force(kwargs, resolved)
        new, update = {}, {}
        for own_ids, own_subtypes in self._by_subtypes(res_ids, subtypes, resolved):
            own_new, own_update = super()._add_followers(
                res_model, own_ids, partner_ids, own_subtypes, *args, **kwargs
            )
            new.update(own_new)
            update.update(own_update)
        for res_id, values_list in new.items():
            for values in values_list:
                partner_id = values["partner_id"]
                if (res_id, partner_id) in resolved:
                    line, _subtype_ids = resolved[res_id, partner_id]
                    values["notify_origin"] = line.scope
                    values["notify_subscription_id"] = line.id
                elif partner_id in by_default:
                    values["notify_origin"] = "odoo"
                else:
                    values["notify_origin"] = self.env.context.get("notify_origin", False)
        if self.env.context.get("notify_origin") == "choice":
            update = self._chosen(res_model, res_ids, partner_ids, update)
        else:
            update = self._without_chosen(update, by_default, resolved)
        return new, self._without_muted(update)

    @api.model
    def _by_subtypes(self, res_ids, subtypes, resolved):
        """Yield documents on which people get the same subtypes, with these.

        :param dict resolved: see ``notify.subscription._resolve``
        :return: ``(res_ids, {partner_id: [subtype_id, …]})``
        """
        if not resolved:
            yield res_ids, subtypes
            return
        of_document = defaultdict(dict)
        for (res_id, partner_id), (_line, subtype_ids) in resolved.items():
            of_document[res_id][partner_id] = frozenset(subtype_ids)
        groups = defaultdict(list)
        for res_id in res_ids:
            groups[frozenset(of_document[res_id].items())].append(res_id)
        for chosen, own_ids in groups.items():
            yield own_ids, {**subtypes, **{partner_id: list(ids) for partner_id, ids in chosen}}

    @api.model
    def _chosen(self, res_model, res_ids, partner_ids, update):
        """Remember that somebody chose, also for followers who have the chosen subtypes already.

        Where no default is set up there is nothing that could overwrite them, and no query.
        """
        for values in update.values():
            values.update(notify_origin="choice", notify_subscription_id=False)
        if self.env["notify.subscription"]._book().about(res_model) and res_ids:
            for follower in self.sudo().search(
                [
                    ("res_model", "=", res_model),
                    ("res_id", "in", res_ids),
                    ("partner_id", "in", partner_ids),
                    ("notify_origin", "!=", "choice"),
                    ("id", "not in", list(update)),
                ]
            ):
                update[follower.id] = {"notify_origin": "choice", "notify_subscription_id": False}
        return update

    @api.model
    def _without_chosen(self, update, by_default, resolved):
        """Leave followers alone who chose, when it is a default that would change them."""
        if not update or not by_default:
            return update
        for follower in self.sudo().browse(list(update)):
            line, _subtype_ids = resolved.get(
                (follower.res_id, follower.partner_id.id), (None, None)
            )
            if follower.notify_origin == "choice" and follower.partner_id.id in by_default:
                del update[follower.id]
            elif line:
                update[follower.id].update(notify_origin=line.scope, notify_subscription_id=line.id)
        return update

    def _without_force(self, kwargs, resolved):
        """Have existing followers changed instead of replaced by new ones, who would have forgotten
        that they chose, or muted the document. Both policies of Odoo end in the same subtypes.
        """
        if kwargs.get("existing_policy") == "force" and (resolved or self._muting_in_use()):
            return {**kwargs, "existing_policy": "replace"}
        return kwargs

    def _without_muted(self, update):
        """Leave followers alone who muted the document, unless it is they who change it."""
        if not update or not self._muting_in_use():
            return update
        me = self.env.user.partner_id
        for follower in self.sudo().browse(update).filtered("notify_muted"):
            if follower.partner_id == me:
                update[follower.id]["notify_muted"] = False
            else:
                del update[follower.id]
        return update

    # ------------------------------------------------------------
    # EXTERNALS WHO ARE TOLD OF INTERNAL EVENTS
    # ------------------------------------------------------------

    def _get_recipient_data(self, records, message_type, subtype_id, pids=None):
        allowed = self._internal_allowed(records, message_type, subtype_id)
        if not allowed:
            return super()._get_recipient_data(records, message_type, subtype_id, pids)
        direct = set(pids or [])
        added = set().union(*allowed.values())
        result = super()._get_recipient_data(
            records, message_type, subtype_id, list(direct | added)
        )
        for res_id, people in result.items():
            for partner_id in added & people.keys():
                if partner_id in allowed.get(res_id, ()):
                    people[partner_id]["is_follower"] = True
                elif partner_id not in direct:
                    del people[partner_id]
        return result

    @api.model
    def _internal_allowed(self, records, message_type, subtype_id):
        """Return the externals who follow an internal subtype with somebody's consent.

        Stock never tells an external of an internal subtype, whatever they follow.

        :return: ``{res_id: {partner_id, …}}``, empty when there are none
        """
        if not records or not subtype_id or message_type == "user_notification":
            return {}
        if not self._internal_in_use():
            return {}
        followers = self.sudo().search_fetch(
            [
                ("res_model", "=", records._name),
                ("res_id", "in", records.ids),
                ("notify_internal", "=", True),
                ("subtype_ids", "in", [subtype_id]),
                ("partner_id.partner_share", "=", True),
            ],
            ["res_id", "partner_id"],
        )
        result = {}
        for follower in followers:
            result.setdefault(follower.res_id, set()).add(follower.partner_id.id)
        return result

    @api.model
    def _origins(self, document, partner_ids):
        """Return where followers' subscriptions come from: ``{partner_id: (origin, line id)}``.

        Costs no query where no default is set up for the document's type.
        """
        if not partner_ids or not self.env["notify.subscription"]._book().about(document._name):
            return {}
        followers = self.sudo().search_fetch(
            [
                ("res_model", "=", document._name),
                ("res_id", "in", document.ids),
                ("partner_id", "in", partner_ids),
            ],
            ["partner_id", "notify_origin", "notify_subscription_id"],
        )
        return {
            follower.partner_id.id: (follower.notify_origin, follower.notify_subscription_id.id)
            for follower in followers
        }

    def _to_store_defaults(self, target):
        return [*super()._to_store_defaults(target), "notify_muted"]

    # ------------------------------------------------------------
    # WHAT NOBODY USES COSTS NOTHING
    # ------------------------------------------------------------

    @tools.ormcache(cache="stable")
    def _muting_in_use(self):
        """Tell whether anybody muted anything."""
        return bool(self.sudo().search([("notify_muted", "=", True)], limit=1))

    @tools.ormcache(cache="stable")
    def _internal_in_use(self):
        """Tell whether any external is told of internal events."""
        return bool(self.sudo().search([("notify_internal", "=", True)], limit=1))

    @api.model_create_multi
    def create(self, vals_list):
        first = self._first_use(vals_list)
        followers = super().create(vals_list)
        if first:
            self.env.registry.clear_cache("stable")
        return followers

    def write(self, vals):
        first = self._first_use([vals])
        result = super().write(vals)
        if first:
            self.env.registry.clear_cache("stable")
        return result

    def _first_use(self, vals_list):
        """Tell whether the values mute or allow something for the first time in this database."""
        mutes = any(vals.get("notify_muted") for vals in vals_list)
        allows = any(vals.get("notify_internal") for vals in vals_list)
        return (mutes and not self._muting_in_use()) or (allows and not self._internal_in_use())
