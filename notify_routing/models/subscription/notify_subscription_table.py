from odoo import api, models
from odoo.exceptions import AccessError, UserError

from ...tools.subscription import Person, level_of, resolve


class NotifySubscriptionTable(models.AbstractModel):
    """The tables in which people see and change defaults: a team's members × document types, and
    one's own document types in My Preferences."""

    _name = "notify.subscription.table"
    _description = "Table of Default Subscriptions"

    # ------------------------------------------------------------
    # A TEAM'S TABLE
    # ------------------------------------------------------------

    @api.model
    def read_team(self, team_id):
        """Return who of a team is told of what by default.

        :return: e.g. ``{
            "team": {"id": 3, "name": "Europe"},
            "can_edit": True,
            "levels": [{"id": "everything", "name": "Everything", "help": "…"}, …],
            "types": [{"model": False, "name": "All document types", "subtypes": […]}, …],
            "rows": [
                {"user_id": False, "name": "Whole team", "cells": {"sale.order": cell, …}},
                {"user_id": 7, "name": "Anna", "leader": False, "cells": {…}},
            ],
        }`` with a cell such as ``{"level": "custom", "subtype_ids": [1, 4], "auto_follow": False,
        "origin": "member", "because": "from team Europe, for this person", "stamp": "12-1763…"}``;
        ``stamp`` is set where the row has a choice of its own, and names the state that was seen.
        A member's cell that is left out is the same as the whole team's. The key of the column
        for all document types is the empty string.
        :raise AccessError: if the team may not be read
        """
        team = self.env["crm.team"].browse(team_id)
        team.check_access("read")
        Subscription = self.env["notify.subscription"].sudo()
        lines = [
            line
            for line in Subscription._book().lines
            if line.scope in ("user", "company") or line.team_id == team.id
        ]
        members = (team.sudo().member_ids | team.sudo().user_id).filtered(lambda user: user.active)
        models_ = self._team_models() | {line.model for line in lines if line.model and line.scope != "user"}
        types = self._types(models_)
        words = self._words(lines)
        choices = self._choices(types)
        of_user = self._by_user(lines)
        everybody = Person(0, [team.id], team.company_id.id or self.env.company.id)
        whole = {
            kind["model"] or "": self._cell(of_user[False], everybody, kind, words, choices, "team")
            for kind in types
        }
        rows = [{"user_id": False, "name": self.env._("Whole team"), "cells": whole}]
        for member in members.sorted(lambda user: (user != team.sudo().user_id, user.name.lower())):
            person = Person(member.id, [team.id], team.company_id.id or member.company_id.id)
            own_lines = of_user[False] + of_user.get(member.id, [])
            cells = {}
            for kind in types:
                cell = self._cell(own_lines, person, kind, words, choices, "member")
                if cell != whole[kind["model"] or ""]:
                    cells[kind["model"] or ""] = cell
            rows.append(
                {
                    "user_id": member.id,
                    "partner_id": member.partner_id.id,
                    "name": member.name,
                    "leader": member == team.sudo().user_id,
                    "cells": cells,
                }
            )
        return {
            "team": {"id": team.id, "name": team.name},
            "can_edit": self.env["notify.subscription"].has_access("create"),
            "levels": self._levels(),
            "types": types,
            "rows": rows,
        }

    @api.model
    def set_team(self, team_id, user_id, model, level, subtype_ids=None, auto_follow=False, seen=False):
        """Choose what a team, or one of its members, is told of by default.

        :param user_id: a member, or ``False`` for the whole team
        :param model: document type, or ``False`` for all
        :param level: a level of ``notify.subscription``, or ``False`` to choose nothing here
        :param seen: the ``stamp`` of the cell that was changed
        :return: ``{"conflict": "Ben changed this meanwhile: …" or False, "table": …}``; nothing was
            changed if there is a conflict. See :meth:`read_team` for the table.
        """
        values = {
            "scope": "member" if user_id else "team",
            "team_id": team_id,
            "user_id": user_id or False,
            "auto_follow": auto_follow,
        }
        conflict = self._set(values, model, level, subtype_ids, seen)
        return {"conflict": conflict, "table": self.read_team(team_id)}

    @api.model
    def _team_models(self):
        """Return the document types that belong to sales teams."""
        Subscription = self.env["notify.subscription"]
        return {
            name
            for name, model in self.env.registry.items()
            if self._is_document(name) and model._name != "crm.team.member" and Subscription._team_field(name)
        }

    # ------------------------------------------------------------
    # ONE'S OWN TABLE
    # ------------------------------------------------------------

    @api.model
    def read_mine(self):
        """Return what the current user is told of by default.

        :return: e.g. ``{
            "levels": [{"id": "everything", "name": "Everything", "help": "…"}, …],
            "types": [{"model": "sale.order", "name": "Sales Order", "subtypes": […],
                       "cell": cell}, …],
            "addable": [{"model": "crm.lead", "name": "Lead"}, …],
        }``; for cells see :meth:`read_team`
        :raise AccessError: for external users
        """
        user = self.env.user
        if not user._is_internal():
            raise AccessError(self.env._("Defaults are for internal users."))
        Subscription = self.env["notify.subscription"].sudo()
        of_user = self._by_user(Subscription._book().lines)
        lines = of_user[False] + of_user.get(user.id, [])
        person = Person(user.id, Subscription._teams_of([user.id]).get(user.id, []), user.company_id.id)
        types = self._types(self._my_models(lines))
        words = self._words(lines)
        choices = self._choices(types)
        for kind in types:
            kind["cell"] = self._cell(lines, person, kind, words, choices, "user")
        shown = {kind["model"] for kind in types}
        return self._mine_more(
            {
                "levels": self._levels(),
                "types": types,
                "addable": [
                    {"model": name, "name": label}
                    for name, label in self._names(self._documents()).items()
                    if name not in shown and self.env[name].has_access("read")
                ],
            }
        )

    @api.model
    def set_mine(self, model, level, subtype_ids=None, seen=False):
        """Choose what the current user is told of by default on a document type.

        :param model: document type, or ``False`` for all
        :param level: a level, or ``False`` to have no default of one's own
        :return: ``{"conflict": text or False, "table": …}``, see :meth:`read_mine`
        """
        values = {"scope": "user", "user_id": self.env.uid}
        conflict = self._set(values, model, level, subtype_ids, seen)
        return {"conflict": conflict, "table": self.read_mine()}

    @api.model
    def _mine_more(self, table):
        """Hook: what other houses add to one's own table."""
        return table

    @api.model
    def _my_models(self, lines):
        """Return the document types worth showing: followed ones, and those with a choice."""
        self.env["mail.followers"].flush_model(["partner_id", "res_model"])
        self.env.cr.execute(
            "SELECT DISTINCT res_model FROM mail_followers WHERE partner_id = %s",
            [self.env.user.partner_id.id],
        )
        followed = {name for (name,) in self.env.cr.fetchall() if self._is_document(name)}
        chosen = {line.model for line in lines if line.model and line.user_id}
        return followed | chosen | self._team_models()

    # ------------------------------------------------------------
    # BOTH
    # ------------------------------------------------------------

    @api.model
    def _set(self, values, model, level, subtype_ids, seen):
        """Write, make or remove one line. Return a text if somebody else was faster."""
        Subscription = self.env["notify.subscription"]
        domain = [(name, "=", values.get(name, False)) for name in ("scope", "user_id", "team_id")]
        line = Subscription.search([*domain, ("model", "=", model or False)], limit=1)
        if self._stamp(line) != seen:
            return self.env._(
                "%(user)s changed this meanwhile. The table shows the new state; choose again if you "
                "still want to change it.",
                user=line.write_uid.name or self.env._("Somebody"),
            )
        if not level:
            line.unlink()
            return False
        values = {
            **values,
            "level": level,
            "model_id": self.env["ir.model"]._get_id(self._known(model)) if model else False,
            "subtype_ids": [(6, 0, subtype_ids or [])],
        }
        if line:
            line.write(values)
        else:
            Subscription.create(values)
        return False

    @api.model
    def _known(self, model):
        if not self._is_document(model):
            raise UserError(self.env._("There is no document type “%(model)s” that one could follow.", model=model))
        return model

    @api.model
    def _stamp(self, line):
        return f"{line.id}-{line.write_date.timestamp()}" if line else False

    @api.model
    def _is_document(self, name):
        """Tell whether a model has followers of its own."""
        model = self.env.registry.get(name)
        return bool(
            model is not None
            and hasattr(model, "message_subscribe")
            and not model._abstract
            and not model._transient
            and name != "discuss.channel"
        )

    @api.model
    def _documents(self):
        return {name for name in self.env.registry if self._is_document(name)}

    @api.model
    def _names(self, models_):
        """Return ``{model: name in the user's language}``, sorted by name."""
        found = self.env["ir.model"].sudo().search_fetch([("model", "in", list(models_))], ["model", "name"])
        return {kind.model: kind.name for kind in found.sorted(lambda kind: kind.name.lower())}

    @api.model
    def _types(self, models_):
        """Return the columns: all document types together, then each, with what can be followed."""
        subtypes = (
            self.env["mail.message.subtype"]
            .sudo()
            .search([("hidden", "=", False), ("res_model", "in", [False, *models_])])
        )
        names = {False: self.env._("All document types"), **self._names(models_)}
        return [
            {
                "model": model,
                "name": name,
                "subtypes": [
                    {
                        "id": subtype.id,
                        "name": subtype.name,
                        "internal": subtype.internal,
                        "default": subtype.default,
                        "own": bool(subtype.res_model),
                    }
                    for subtype in subtypes
                    if subtype.res_model in (False, model)
                ],
            }
            for model, name in names.items()
        ]

    @api.model
    def _levels(self):
        return [level for level in self.env["notify.bell"]._levels() if level["id"] != "mute"]

    @api.model
    def _words(self, lines):
        """Return ``{line id: (why in words, stamp)}``, read at once."""
        Subscription = self.env["notify.subscription"].sudo()
        records = Subscription.browse(line.id for line in lines)
        records.fetch(["scope", "team_id", "company_id", "write_date"])
        return {
            record.id: (Subscription._because(record.scope, record), self._stamp(record))
            for record in records
        }

    @api.model
    def _by_user(self, lines):
        """Return ``{user_id: [Line, …]}``, with the lines for no single person under ``False``."""
        result = {False: []}
        for line in lines:
            result.setdefault(line.user_id or False, []).append(line)
        return result

    @api.model
    def _choices(self, types):
        """Return ``{model: Subtypes}`` of the columns."""
        Subtype = self.env["mail.message.subtype"].sudo()
        return {
            kind["model"]: self.env["notify.subscription"]._subtypes_from(
                Subtype.browse(entry["id"] for entry in kind["subtypes"])
            )
            for kind in types
        }

    @api.model
    def _cell(self, lines, person, kind, words, choices, own):
        """Return one cell of a table.

        :param lines: those that can speak for the row
        :param own: the scope that the row chooses for
        """
        model = kind["model"]
        line = resolve([line for line in lines if model or not line.model], person, model or "")
        if line is None:
            subtypes = choices[model]
            return {
                "level": level_of(subtypes.default, subtypes),
                "subtype_ids": sorted(subtypes.default),
                "auto_follow": False,
                "origin": "odoo",
                "because": self.env["notify.subscription"]._because("odoo"),
                "stamp": False,
            }
        because, stamp = words[line.id]
        return {
            "level": line.level,
            "subtype_ids": sorted(line.subtype_ids),
            "auto_follow": line.auto_follow,
            "origin": line.scope,
            "because": because,
            "stamp": stamp if line.scope == own and line.model == (model or None) else False,
        }
