from odoo import api, fields, models
from odoo.exceptions import ValidationError
from odoo.fields import Command

from ...tools.subscription import Person, resolve


class NotifySubscription(models.Model):
    """A default choice of subtypes: what somebody is told of on a document that they follow,
    as long as nobody chose anything on that document itself.

    Resolved (``notify_subscription_resolution.py``) where Odoo gives default subtypes, see the
    doors into ``mail.followers`` and ``mail.thread`` beside this file.
    """

    _name = "notify.subscription"
    _description = "Default Subscription"
    _order = "scope, team_id, user_id, model, id"

    scope = fields.Selection(
        [
            ("user", "Own default of a person"),
            ("member", "Member of a team"),
            ("team", "Team"),
            ("company", "Company"),
        ],
        required=True,
        default="user",
        help="Strongest first: a person's own default, what the team says for this member, "
        "what the team says for all, what the company says. Odoo's own default comes last.",
    )
    user_id = fields.Many2one(
        "res.users",
        string="Person",
        ondelete="cascade",
        index="btree_not_null",
        domain="[('share', '=', False)]",
        default=lambda self: self._default_user(),
    )
    team_id = fields.Many2one("crm.team", ondelete="cascade", index="btree_not_null")
    company_id = fields.Many2one("res.company", ondelete="cascade")
    model_id = fields.Many2one(
        "ir.model",
        string="Document Type",
        ondelete="cascade",
        domain="[('is_mail_thread', '=', True), ('transient', '=', False)]",
        help="Leave empty for all document types.",
    )
    model = fields.Char(related="model_id.model", string="Model", store=True, index=True)
    level = fields.Selection(
        [
            ("everything", "Everything"),
            ("discussions", "Discussions"),
            ("mentions", "Only mentions"),
            ("custom", "Chosen events"),
        ],
        required=True,
        default="discussions",
        help="Everything: all kinds of events.\n"
        "Discussions: messages, no notes and no status changes.\n"
        "Only mentions: what is addressed to the person by name.\n"
        "Chosen events: the kinds of events ticked below.",
    )
    subtype_ids = fields.Many2many(
        "mail.message.subtype",
        string="Events",
        domain="[('hidden', '=', False), ('res_model', 'in', [False, model])]",
    )
    auto_follow = fields.Boolean(
        "Follow the Team's Documents",
        help="The members follow every document of the team, from its creation or from the moment "
        "when it is given to the team.",
    )
    rule_company_id = fields.Many2one(
        "res.company", compute="_compute_rule_company_id", store=True, index="btree_not_null"
    )

    _one_choice = models.UniqueIndex(
        "(scope, COALESCE(user_id, 0), COALESCE(team_id, 0), COALESCE(company_id, 0),"
        " COALESCE(model_id, 0))",
        "There is already a default for this person, team or company and this document type.",
    )

    @api.model
    def _default_user(self):
        scope = self.env.context.get("default_scope", "user")
        return self.env.user if scope == "user" else False

    # ------------------------------------------------------------
    # COMPUTES AND CHECKS
    # ------------------------------------------------------------

    @api.depends("team_id.company_id", "company_id")
    def _compute_rule_company_id(self):
        for line in self:
            line.rule_company_id = line.company_id or line.team_id.company_id

    @api.depends("scope", "user_id", "team_id", "company_id", "model_id")
    def _compute_display_name(self):
        for line in self:
            whose = {
                "user": line.user_id.name,
                "member": f"{line.user_id.name} ({line.team_id.name})",
                "team": line.team_id.name,
                "company": line.company_id.name,
            }.get(line.scope)
            what = line.sudo().model_id.name or self.env._("all document types")
            line.display_name = f"{whose}: {what}"

    @api.constrains("scope", "user_id", "team_id", "company_id", "auto_follow")
    def _check_scope(self):
        needed = {
            "user": {"user_id"},
            "member": {"user_id", "team_id"},
            "team": {"team_id"},
            "company": {"company_id"},
        }
        for line in self:
            given = {name for name in ("user_id", "team_id", "company_id") if line[name]}
            if given != needed[line.scope]:
                names = [
                    self._fields[name]._description_string(self.env) for name in needed[line.scope]
                ]
                raise ValidationError(
                    self.env._(
                        "A default of the kind “%(scope)s” needs exactly: %(names)s.",
                        scope=dict(self._fields["scope"]._description_selection(self.env))[
                            line.scope
                        ],
                        names=", ".join(sorted(names)),
                    )
                )
            if line.user_id.share:
                raise ValidationError(
                    self.env._(
                        "%(user)s is an external user: defaults are for internal users. Choose "
                        "what an external contact is told of on the document itself.",
                        user=line.user_id.name,
                    )
                )
            if line.auto_follow and not line.team_id:
                raise ValidationError(
                    self.env._(
                        "Only the default of a team or of its member can follow the team's "
                        "documents."
                    )
                )

    @api.constrains("model_id", "subtype_ids", "auto_follow")
    def _check_model(self):
        for line in self:
            # sudo: who chooses for documents need not know how they are made
            kind = line.sudo().model_id
            if kind and not kind.is_mail_thread:
                raise ValidationError(
                    self.env._("%(model)s has no messages that one could follow.", model=kind.name)
                )
            strange = line.subtype_ids.filtered(
                lambda subtype, line=line: subtype.res_model and subtype.res_model != line.model
            )
            if strange:
                raise ValidationError(
                    self.env._(
                        "“%(events)s” does not happen on this document type; remove it, or "
                        "choose the document type it belongs to.",
                        events=", ".join(strange.mapped("name")),
                    )
                )

    # ------------------------------------------------------------
    # CRUD: the lines are read through a cache
    # ------------------------------------------------------------

    @api.model_create_multi
    def create(self, vals_list):
        self._check_events(vals_list)
        lines = super().create(vals_list)
        self.env.registry.clear_cache("stable")
        return lines

    def write(self, vals):
        self._check_events([vals])
        result = super().write(vals)
        # The rules look at a line before it is written; nobody makes their own default a team's.
        self.check_access("write")
        self.env.registry.clear_cache("stable")
        return result

    def unlink(self):
        result = super().unlink()
        self.env.registry.clear_cache("stable")
        return result

    @api.model
    def _forget_deleted(self):
        """Read the lines anew, if there were any: what they belong to was deleted."""
        if self._book().lines:
            self.env.registry.clear_cache("stable")

    def _check_events(self, vals_list):
        """Refuse subtypes that do not exist, in words; the database would do so in its own."""
        ids = set()
        for vals in vals_list:
            for command in vals.get("subtype_ids") or ():
                if isinstance(command, int):
                    # Odoo takes ids as they are, too.
                    ids.add(command)
                elif command[0] == Command.SET:
                    ids.update(command[2])
                elif command[0] == Command.LINK:
                    ids.add(command[1])
        if ids and len(self.env["mail.message.subtype"].sudo().browse(ids).exists()) < len(ids):
            raise ValidationError(
                self.env._("Some of the chosen events do not exist any more. Reload the page.")
            )

    # ------------------------------------------------------------
    # FOLLOWING THE TEAM'S DOCUMENTS
    # ------------------------------------------------------------

    @api.model
    def _followed_team_field(self, model):
        """Return the name of a document type's team field if some team's members follow its
        documents of that type, else ``None``. Costs no query."""
        if any(line.auto_follow for line in self._book().about(model)):
            return self._team_field(model)
        return None

    @api.model
    def _team_followers(self, model, team_id, line_ids=None):
        """Return the partners who follow a team's documents of a type.

        A member's own line says so for that member alone, and wins over the team's.

        :param line_ids: only those who follow because of one of these lines
        :rtype: list[int]
        """
        lines = [line for line in self._book().about(model) if line.team_id == team_id]
        if not any(line.auto_follow for line in lines):
            return []
        team = self.env["crm.team"].sudo().browse(team_id)
        members = (team.member_ids | team.user_id).filtered(
            lambda user: user.active and not user.share
        )
        followers = members.filtered(
            lambda user: (
                (line := resolve(
                    [line for line in lines if line.scope in ("member", "team")],
                    Person(user.id, [team_id]),
                    model,
                )) and line.auto_follow and (line_ids is None or line.id in line_ids)
            )
        )  # fmt: skip
        return followers.partner_id.ids

    @api.model
    def _follow_team(self, documents, field):
        """Make the members who want it follow documents that were just given to their team."""
        for team, own in documents.grouped(field).items():
            partner_ids = self._team_followers(documents._name, team.id) if team else []
            if partner_ids:
                self.env["mail.followers"]._insert_followers(
                    own._name, own.ids, partner_ids, check_existing=True, existing_policy="skip"
                )

    # ------------------------------------------------------------
    # WORDS
    # ------------------------------------------------------------

    @api.model
    def _because(self, origin, line=None):
        """Say in the reader's language where a choice of subtypes comes from.

        :param origin: value of ``mail.followers.notify_origin``
        :param line: the record of ``notify.subscription`` behind it, if any
        """
        if origin in ("member", "team", "company") and not line:
            return self.env._("from a default that was removed since")
        team = line.sudo().team_id.name if line else None
        if origin == "choice":
            return self.env._("chosen on this document")
        if origin == "user":
            return self.env._("own default")
        if origin == "member":
            return self.env._("from team %(team)s, for this person", team=team)
        if origin == "team":
            return self.env._("from team %(team)s", team=team)
        if origin == "company":
            return self.env._("from company %(company)s", company=line.sudo().company_id.name)
        if origin == "odoo":
            return self.env._("Odoo's default")
        return self.env._("followed automatically")

    # ------------------------------------------------------------
    # BUTTONS
    # ------------------------------------------------------------

    def action_apply(self):
        """Open the preview of what applying these defaults to existing documents would do."""
        run = self.env["notify.subscription.run"].create({"subscription_ids": [(6, 0, self.ids)]})
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Apply to Existing Documents"),
            "res_model": run._name,
            "res_id": run.id,
            "view_mode": "form",
            "target": "current",
        }
