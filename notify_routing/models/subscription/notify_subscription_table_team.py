from odoo import api, models
from odoo.exceptions import AccessError, ValidationError

from ...tools.subscription import Person


class NotifySubscriptionTable(models.AbstractModel):
    """What a team's members are told of by default."""

    _inherit = "notify.subscription.table"

    @api.model
    @api.readonly
    def read_team(self, team_id, also=None):
        """Return who of a team is told of what by default.

        :param also: document types to show besides those that the team has to do with
        :return: e.g. ``{
            "team": {"id": 3, "name": "Europe"},
            "can_edit": True,
            "levels": [{"id": "everything", "name": "Everything", "help": "…"}, …],
            "types": [{"model": False, "name": "All document types", "has_team": True,
                       "subtypes": […]}, …],
            "rows": [
                {"user_id": False, "name": "Whole team", "cells": {"sale.order": cell, …}},
                {"user_id": 7, "partner_id": 12, "name": "Anna", "leader": False, "cells": {…}},
            ],
            "addable": [{"model": "calendar.event", "name": "Calendar Event"}, …],
        }``; for cells see :meth:`_cell`. A member's cell that is left out is the same as the whole
        team's, without a choice of its own. The key of the column for all document types is the
        empty string.
        :raise AccessError: if the team may not be read
        """
        team = self.env["crm.team"].browse(team_id)
        team.check_access("read")
        can_edit = self._can_edit(team)
        members = self._members(team)
        company = team.sudo().company_id or self.env.company
        lines = self._team_lines(team, members, company)
        types = self._types(
            self._readable(self._team_models(), also)
            | {line.model for line in lines if line.model and line.scope != "user"}
        )
        because = self._because(lines)
        of_user = self._by_user(lines)
        whole = self._cells(
            types, of_user[False], Person(0, [team.id], company.id), "team", because
        )
        inherited = {company.id: {}}
        rows = [{"user_id": False, "name": self.env._("Whole team"), "cells": whole}]
        for member in members:
            company_id = team.sudo().company_id.id or member.company_id.id
            if member.id in of_user or company_id not in inherited:
                person = Person(member.id, [team.id], company_id)
                own = of_user[False] + of_user.get(member.id, [])
                cells = self._cells(types, own, person, "member", because)
                cells = {
                    key: self._hidden(cell, member, can_edit)
                    for key, cell in cells.items()
                    if cell != {**whole[key], "own": False}
                }
                if member.id not in of_user:
                    inherited[company_id] = cells
            else:
                cells = inherited[company_id]
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
            "can_edit": can_edit,
            "levels": self._levels(self.env._("What is addressed to the person by name")),
            "types": types,
            "rows": rows,
            "addable": self._addable(types) if can_edit else [],
        }

    @api.model
    def set_team(
        self,
        team_id,
        user_id,
        model,
        level,
        subtype_ids=None,
        auto_follow=False,
        seen=False,
        also=None,
    ):
        """Choose what a team, or one of its members, is told of by default.

        :param user_id: a member, or ``False`` for the whole team
        :param model: document type, or ``False`` for all
        :param level: a level of ``notify.subscription``, or ``False`` to choose nothing here
        :param seen: the ``stamp`` of the cell that was changed
        :param also: see :meth:`read_team`
        :return: ``{"conflict": "Ben changed this meanwhile: …" or False, "table": …}``; nothing was
            changed if there is a conflict. See :meth:`read_team` for the table.
        :raise AccessError: if the current user does not choose for this team
        """
        team = self.env["crm.team"].browse(team_id)
        self._check_can_edit(team)
        if user_id and user_id not in self._members(team).ids:
            raise ValidationError(
                self.env._(
                    "This person is not a member of team %(team)s any more. Reload the page.",
                    team=team.name,
                )
            )
        values = {
            "scope": "member" if user_id else "team",
            "team_id": team_id,
            "user_id": user_id or False,
            "auto_follow": auto_follow,
        }
        conflict = self._set(values, model, level, subtype_ids, seen)
        return {"conflict": conflict, "table": self.read_team(team_id, also)}

    @api.model
    def _check_can_edit(self, team):
        team.check_access("read")
        if not self._can_edit(team):
            raise AccessError(
                self.env._(
                    "Only sales managers and notification managers choose what team %(team)s is "
                    "told of by default.",
                    team=team.name,
                )
            )

    @api.model
    def _can_edit(self, team):
        """Tell whether the current user chooses for a team: what the record rules of
        ``notify.subscription`` say of a line that is not there yet."""
        Subscription = self.env["notify.subscription"]
        if not Subscription.has_access("create"):
            return False
        domain = self.env["ir.rule"]._compute_domain(Subscription._name, "create")
        line = Subscription.sudo().new({"scope": "team", "team_id": team.id, "user_id": False})
        return bool(line.filtered_domain(domain))

    @api.model
    def _members(self, team):
        """Return the people of a team, its leader first."""
        team = team.sudo()
        members = (team.user_id | team.member_ids).filtered(
            lambda user: user.active and not user.share
        )
        return members.sorted(lambda user: (user != team.user_id, user.name.lower()))

    @api.model
    def _team_lines(self, team, members, company):
        """Return the lines that speak of a team's members on the team's documents.

        :param company: the team's company
        """
        member_ids = set(members.ids)
        company_ids = {company.id, *members.company_id.ids}
        speaks = {
            "team": lambda line: line.team_id == team.id,
            "member": lambda line: line.team_id == team.id,
            "company": lambda line: line.company_id in company_ids,
            "user": lambda line: line.user_id in member_ids,
        }
        lines = self.env["notify.subscription"].sudo()._book().lines
        return [line for line in lines if speaks[line.scope](line)]

    @api.model
    def _hidden(self, cell, member, can_edit):
        """Return a cell as the current user may see it: what colleagues chose for themselves is
        between them and those who set up the team."""
        if can_edit or cell["origin"] != "user" or member == self.env.user:
            return cell
        return {**cell, "level": "private", "subtype_ids": []}

    @api.model
    def _team_models(self):
        """Return the document types that belong to sales teams."""
        Subscription = self.env["notify.subscription"]
        return {
            name
            for name in self.env.registry
            if self._is_document(name)
            and name != "crm.team.member"
            and Subscription._team_field(name)
        }
