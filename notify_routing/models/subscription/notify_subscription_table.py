from psycopg2.errors import UniqueViolation

from odoo import api, models
from odoo.exceptions import AccessError, ConcurrencyError, ValidationError

from ...tools.subscription import SCOPES, Person, level_of, resolve


class NotifySubscriptionTable(models.AbstractModel):
    """The tables in which people see and change defaults: one's own document types in My
    Preferences, and a team's members × document types (in the file beside this one)."""

    _name = "notify.subscription.table"
    _description = "Table of Default Subscriptions"

    # ------------------------------------------------------------
    # ONE'S OWN TABLE
    # ------------------------------------------------------------

    @api.model
    @api.readonly
    def read_mine(self, also=None):
        """Return what the current user is told of by default.

        :param also: document types to show besides those that the user has to do with
        :return: e.g. ``{
            "levels": [{"id": "everything", "name": "Everything", "help": "…"}, …],
            "types": [{"model": "sale.order", "name": "Sales Order", "subtypes": […],
                       "cell": cell}, …],
            "addable": [{"model": "crm.lead", "name": "Lead"}, …],
        }``; for cells see :meth:`_cell`
        :raise AccessError: for external users
        """
        user = self.env.user
        if not user._is_internal():
            raise AccessError(self.env._("Defaults are for internal users."))
        Subscription = self.env["notify.subscription"].sudo()
        of_user = self._by_user(Subscription._book().lines)
        lines = of_user[False] + of_user.get(user.id, [])
        teams = Subscription._teams_of([user.id]).get(user.id, [])
        types = self._types(self._readable(self._my_models(lines), also))
        cells = self._cells(
            types,
            lines,
            Person(user.id, teams, user.company_id.id),
            "user",
            {**self._because(lines), "user": self.env._("your own default")},
        )
        for kind in types:
            kind["cell"] = cells[kind["model"] or ""]
        return self._mine_more(
            {
                "levels": self._levels(self.env._("What is addressed to you by name")),
                "types": types,
                "addable": self._addable(types),
            }
        )

    @api.model
    def set_mine(self, model, level, subtype_ids=None, seen=False, also=None):
        """Choose what the current user is told of by default on a document type.

        :param model: document type, or ``False`` for all
        :param level: a level, or ``False`` to have no default of one's own
        :param seen: the ``stamp`` of the cell that was changed
        :param also: see :meth:`read_mine`
        :return: ``{"conflict": text or False, "table": …}``, see :meth:`read_mine`
        """
        values = {"scope": "user", "user_id": self.env.uid}
        conflict = self._set(values, model, level, subtype_ids, seen)
        return {"conflict": conflict, "table": self.read_mine(also)}

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
    # BOTH: WRITING
    # ------------------------------------------------------------

    @api.model
    def _set(self, values, model, level, subtype_ids, seen):
        """Write, make or remove one line. Return a text if somebody else was faster."""
        Subscription = self.env["notify.subscription"]
        domain = [(name, "=", values.get(name, False)) for name in ("scope", "user_id", "team_id")]
        line = Subscription.search([*domain, ("model", "=", model or False)], limit=1)
        if self._stamp(line) != seen:
            return self.env._(
                "%(user)s changed this meanwhile. The table shows the new state; choose again if "
                "you still want to change it.",
                user=line.write_uid.sudo().name or self.env._("Somebody"),
            )
        if not level:
            line.unlink()
            return False
        values = {**values, **self._checked(model, level, subtype_ids)}
        if line:
            line.write(values)
            return False
        try:
            with self.env.cr.savepoint():
                Subscription.create(values)
        except UniqueViolation as error:
            # Somebody made the same line a moment ago, unseen by this transaction: Odoo runs the
            # request again, which then finds the line and says so.
            raise ConcurrencyError(str(error)) from error
        return False

    @api.model
    def _checked(self, model, level, subtype_ids):
        """Return the values of a choice, or say what is wrong with it."""
        if level not in dict(self.env["notify.subscription"]._fields["level"].selection):
            raise ValidationError(
                self.env._("There is no notification level “%(level)s”.", level=level)
            )
        chosen = set(subtype_ids or ()) if level == "custom" else set()
        if model:
            self._known(model)
        (kind,) = [kind for kind in self._types({model} if model else ()) if kind["model"] == model]
        if chosen - {subtype["id"] for subtype in kind["subtypes"]}:
            raise ValidationError(
                self.env._(
                    "Some of the chosen events do not exist on this document type any more. Reload "
                    "the page."
                )
            )
        return {
            "level": level,
            "model_id": self.env["ir.model"]._get_id(model) if model else False,
            "subtype_ids": [(6, 0, sorted(chosen))],
        }

    @api.model
    def _known(self, model):
        if not self._is_document(model):
            raise ValidationError(
                self.env._(
                    "There is no document type “%(model)s” that one could follow.", model=model
                )
            )
        return model

    @api.model
    def _stamp(self, line):
        """Return what tells whether somebody changed a line since it was read.

        :param line: a record of ``notify.subscription``, or its :class:`Line`
        """
        if not line:
            return False
        ids = line.subtype_ids if isinstance(line.subtype_ids, frozenset) else line.subtype_ids.ids
        return f"{line.id}-{line.level}-{line.auto_follow:d}-{','.join(map(str, sorted(ids)))}"

    # ------------------------------------------------------------
    # BOTH: COLUMNS
    # ------------------------------------------------------------

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
    def _readable(self, models_, also=None):
        """Return those of some document types that the current user may read.

        :param also: more names, from outside
        """
        names = set(models_) | {self._known(name) for name in also or ()}
        return {name for name in names if self.env[name].has_access("read")}

    @api.model
    def _addable(self, types):
        """Return the document types that a table does not show yet."""
        shown = {kind["model"] for kind in types}
        names = self._names(self._readable(self._documents()) - shown)
        return [{"model": name, "name": label} for name, label in names.items()]

    @api.model
    def _names(self, models_):
        """Return ``{model: name in the user's language}``, sorted by name."""
        found = (
            self.env["ir.model"]
            .sudo()
            .search_fetch([("model", "in", list(models_))], ["model", "name"])
        )
        return {kind.model: kind.name for kind in found.sorted(lambda kind: kind.name.lower())}

    @api.model
    def _types(self, models_):
        """Return the columns: all document types together, then each, with what can be followed."""
        Subscription = self.env["notify.subscription"]
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
                "has_team": not model or bool(Subscription._team_field(model)),
                "subtypes": [
                    {
                        "id": subtype.id,
                        "name": subtype.name,
                        "internal": subtype.internal,
                    }
                    for subtype in subtypes
                    if subtype.res_model in (False, model)
                ],
            }
            for model, name in names.items()
        ]

    @api.model
    def _levels(self, mentions):
        """Return the levels that a default can have.

        :param mentions: what *only mentions* means, said to whom the table is for
        """
        more = {"mentions": {"help": mentions}}
        return [
            *(
                {**level, **more.get(level["id"], {})}
                for level in self.env["notify.bell"]._levels()
                if level["id"] != "mute"
            ),
            {
                "id": "custom",
                "name": self.env._("Chosen events"),
                "help": self.env._("Only the kinds of events ticked below"),
            },
        ]

    # ------------------------------------------------------------
    # BOTH: CELLS
    # ------------------------------------------------------------

    @api.model
    def _because(self, lines):
        """Return why in words: ``{line id: text}``, read at once, and Odoo's default under
        ``"odoo"``."""
        Subscription = self.env["notify.subscription"].sudo()
        records = Subscription.browse(line.id for line in lines)
        texts = {record.id: Subscription._because(record.scope, record) for record in records}
        return {**texts, "odoo": Subscription._because("odoo")}

    @api.model
    def _by_user(self, lines):
        """Return ``{user_id: [Line, …]}``, with the lines for no single person under ``False``."""
        result = {False: []}
        for line in lines:
            result.setdefault(line.user_id or False, []).append(line)
        return result

    @api.model
    def _cells(self, types, lines, person, own, because):
        """Return a row's cells, ``{model or "": cell}``; see :meth:`_cell`.

        :param lines: those that can speak for the row
        :param own: the scope that the row chooses for
        :param because: why in words, see :meth:`_because`
        """
        about = {}
        for line in lines:
            about.setdefault(line.model, []).append(line)
        for_all = about.get(None, [])
        Subtype = self.env["mail.message.subtype"].sudo()
        result = {}
        for kind in types:
            model = kind["model"] or None
            subtypes = self.env["notify.subscription"]._subtypes_from(
                Subtype.browse(subtype["id"] for subtype in kind["subtypes"])
            )
            relevant = for_all + about.get(model, []) if model else for_all
            result[model or ""] = self._cell(relevant, person, model, subtypes, own, because)
        return result

    @api.model
    def _cell(self, lines, person, model, subtypes, own, because):
        """Return one cell of a table.

        :param subtypes: what can be followed in this column
        :return: e.g. ``{
            "level": "custom", "subtype_ids": [1, 4],  # what counts in the end
            "auto_follow": False,
            "origin": "member", "because": "from team Europe, for this person",
            "is_outranked": False,  # whether something stronger than the row counts here
            "own": {"level": "custom", "subtype_ids": [1, 4], "auto_follow": False,
                    "stamp": "12-custom-0-1,4",
                    "otherwise": {"level": "discussions", "subtype_ids": [1], "because": "…"}},
        }``; ``own`` is what the row itself chose, or ``False``, its ``stamp`` names the state that
        was seen, ``otherwise`` is what would count without that choice
        """
        mine = next((line for line in lines if line.scope == own and line.model == model), None)
        team = [line for line in lines if line.scope in ("member", "team")]
        follow = resolve(team, person, model or "")
        line = resolve(lines, person, model or "")
        cell = {
            **self._told(line, subtypes, because),
            "auto_follow": bool(follow and follow.auto_follow),
            "is_outranked": bool(line and SCOPES.index(line.scope) < SCOPES.index(own)),
            "own": False,
        }
        if mine:
            others = [line for line in lines if line is not mine]
            cell["own"] = {
                "level": mine.level,
                "subtype_ids": sorted(mine.subtype_ids),
                "auto_follow": mine.auto_follow,
                "stamp": self._stamp(mine),
                "otherwise": self._told(resolve(others, person, model or ""), subtypes, because),
            }
        return cell

    @api.model
    def _told(self, line, subtypes, because):
        """Return what a line, or none, means in a column: level, subtypes and why."""
        if line is None:
            return {
                "level": level_of(subtypes.default, subtypes),
                "subtype_ids": sorted(subtypes.default),
                "origin": "odoo",
                "because": because["odoo"],
            }
        _line, ids = self.env["notify.subscription"]._default_of(line, subtypes)
        return {
            "level": line.level,
            "subtype_ids": sorted(ids),
            "origin": line.scope,
            "because": because.get(line.scope) or because[line.id],
        }
