from odoo import api, models, tools

from ...tools.subscription import Book, Line, Person, Subtypes, resolve, subtypes_of


class NotifySubscription(models.Model):
    """Which default choice holds for a person on a document: read through a cache, and proved to
    exist before it is written anywhere."""

    _inherit = "notify.subscription"

    @tools.ormcache(cache="stable")
    def _book(self):
        """Return all lines, arranged for reading.

        :rtype: notify_routing.tools.subscription.Book
        """
        self.flush_model()
        self.env.cr.execute(
            """
            SELECT line.id, line.scope, line.level, line.model, line.user_id, line.team_id,
                   line.company_id, line.auto_follow,
                   ARRAY(SELECT rel.mail_message_subtype_id
                           FROM mail_message_subtype_notify_subscription_rel rel
                          WHERE rel.notify_subscription_id = line.id)
              FROM notify_subscription line
            """
        )
        return Book.of(
            Line(
                id=line_id,
                scope=scope,
                level=level,
                model=model,
                user_id=user_id,
                team_id=team_id,
                company_id=company_id,
                auto_follow=bool(auto_follow),
                subtype_ids=frozenset(subtype_ids),
            )
            for (
                line_id, scope, level, model, user_id, team_id, company_id, auto_follow, subtype_ids
            ) in self.env.cr.fetchall()
        )  # fmt: skip

    @tools.ormcache("model")
    def _subtypes(self, model):
        """Return what can be followed on a document type, as Odoo has it.

        :rtype: notify_routing.tools.subscription.Subtypes
        """
        available = self.env[model].sudo()._mail_get_message_subtypes()
        default, _internal, _external = (
            self.env["mail.message.subtype"].sudo().default_subtypes(model)
        )
        return self._subtypes_from(available, default)

    @api.model
    def _subtypes_from(self, available, default=None):
        """Arrange subtypes for :mod:`notify_routing.tools.subscription`."""
        return Subtypes(
            available=frozenset(available.ids),
            default=frozenset((available.filtered("default") if default is None else default).ids),
            own=frozenset(available.filtered("res_model").ids),
            discussion=self.env["ir.model.data"]._xmlid_to_res_id("mail.mt_comment"),
        )

    @tools.ormcache("model")
    def _team_field(self, model):
        """Return the name of the field that holds a document's sales team, ``None`` without one."""
        found = [
            name
            for name, field in self.env[model]._fields.items()
            if field.type == "many2one" and field.comodel_name == "crm.team" and field.store
        ]
        return "team_id" if "team_id" in found else next(iter(found), None)

    @api.model
    def _resolve(self, model, res_ids, partner_ids):
        """Return the default choice of people on documents, for those who have one.

        Costs no query as long as there is no line about the document type.

        :param str model: document type
        :param list res_ids: documents
        :param list partner_ids: people; externals among them have no default here
        :return: ``{(res_id, partner_id): (Line, {subtype_id, …})}``, e.g.
            ``{(7, 12): (Line(id=3, scope="team", …), {1, 4})}``
        """
        if not res_ids or not self._book().about(model):
            return {}
        people = self._people(partner_ids)
        if not people:
            return {}
        resolved = self._resolve_people(model, res_ids, people)
        if resolved and not self._all_exist(resolved):
            # Somebody deleted a line, or an event, and this worker has not heard of it yet.
            self.env.registry.clear_cache("stable")
            resolved = self._resolve_people(model, res_ids, people)
        return resolved

    @api.model
    def _resolve_people(self, model, res_ids, people):
        """Return what :meth:`_resolve` does, as the cache has it.

        :param dict people: see :meth:`_people`
        """
        lines = self._book().about(model)
        scopes = {line.scope for line in lines}
        teams = {}
        if scopes & {"member", "team"}:
            teams = self._teams_of([user_id for user_id, _company in people.values()])
        places = self._places(model, res_ids, bool(teams), "company" in scopes)
        subtypes = self._subtypes(model)
        known = {}
        result = {}
        for res_id in res_ids:
            team_id, company_id = places.get(res_id, (None, None))
            for partner_id, (user_id, own_company_id) in people.items():
                key = (partner_id, team_id, company_id)
                if key not in known:
                    own_teams = teams.get(user_id, [])
                    person = Person(
                        user_id=user_id,
                        team_ids=sorted(own_teams, key=lambda team, here=team_id: team != here),
                        company_id=company_id or own_company_id,
                    )
                    known[key] = self._default_of(resolve(lines, person, model), subtypes)
                if known[key]:
                    result[res_id, partner_id] = known[key]
        return result

    @api.model
    def _all_exist(self, resolved):
        """Tell whether the lines and the subtypes that the cache gave are still there.

        A follower that names a deleted one could not be written, and the act of a person who has
        nothing to do with it would fail.

        :param dict resolved: see :meth:`_resolve`
        """
        line_ids = {line.id for line, _ids in resolved.values()}
        subtype_ids = set().union(*(ids for _line, ids in resolved.values()))
        self.env.cr.execute(
            """
            SELECT (SELECT COUNT(*) FROM notify_subscription WHERE id = ANY(%s)),
                   (SELECT COUNT(*) FROM mail_message_subtype WHERE id = ANY(%s))
            """,
            [list(line_ids), list(subtype_ids)],
        )
        return self.env.cr.fetchone() == (len(line_ids), len(subtype_ids))

    @api.model
    def _default_of(self, line, subtypes):
        """Return ``(line, subtype ids)``, ``None`` without a line."""
        if line is None:
            return None
        return line, subtypes_of(line.level, line.subtype_ids, subtypes, for_all=line.model is None)

    @api.model
    def _people(self, partner_ids):
        """Return the internal users among partners: ``{partner_id: (user_id, company_id)}``."""
        users = (
            self.env["res.users"]
            .sudo()
            .search_fetch(
                [("partner_id", "in", list(partner_ids)), ("share", "=", False)],
                ["partner_id", "company_id"],
                order="id DESC",
            )
        )
        return {user.partner_id.id: (user.id, user.company_id.id) for user in users}

    @api.model
    def _teams_of(self, user_ids):
        """Return the teams that people belong to or lead: ``{user_id: [team_id, …]}``, by the
        teams' order."""
        self.env["crm.team.member"].flush_model(["user_id", "crm_team_id", "active"])
        self.env["crm.team"].flush_model(["user_id", "active", "sequence"])
        self.env.cr.execute(
            """
            SELECT belongs.user_id, team.id
              FROM crm_team team
              JOIN (SELECT member.user_id, member.crm_team_id AS team_id
                      FROM crm_team_member member
                     WHERE member.active AND member.user_id = ANY(%(users)s)
                     UNION
                    SELECT team.user_id, team.id
                      FROM crm_team team
                     WHERE team.user_id = ANY(%(users)s)) belongs ON belongs.team_id = team.id
             WHERE team.active
          ORDER BY team.sequence, team.create_date DESC, team.id DESC
            """,
            {"users": list(user_ids)},
        )
        result = {}
        for user_id, team_id in self.env.cr.fetchall():
            result.setdefault(user_id, []).append(team_id)
        return result

    @api.model
    def _places(self, model, res_ids, with_team, with_company):
        """Return where documents belong: ``{res_id: (team_id or None, company_id or None)}``."""
        team_field = self._team_field(model) if with_team else None
        company_field = (
            "company_id" if with_company and "company_id" in self.env[model]._fields else None
        )
        if not team_field and not company_field:
            return {}
        return {
            document.id: (
                document[team_field].id if team_field else None,
                document[company_field].id if company_field else None,
            )
            for document in self.env[model].sudo().browse(res_ids)
        }
