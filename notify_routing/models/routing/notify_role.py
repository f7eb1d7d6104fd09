from odoo import api, fields, models, tools
from odoo.exceptions import ValidationError
from odoo.tools import SQL, email_normalize

#: Longest path: document → record → record → person.
STEPS = 4


class NotifyRole(models.Model):
    """How a person relates to a document."""

    _name = "notify.role"
    _description = "Notification Role"
    _order = "sequence, id"

    name = fields.Char(required=True, translate=True)
    code = fields.Char(required=True, help="Short name for programs and for the trail.")
    sequence = fields.Integer(default=10)
    kind = fields.Selection(
        [
            ("creator", "Who made the document"),
            ("follower", "Followers of this kind of event"),
            ("distribution", "Distribution list of the document"),
            ("leader", "Leader of the document's sales team"),
            ("manager", "Manager of the people at the end of a path"),
            ("group", "Members of a group"),
            ("path", "People at the end of a field path"),
        ],
        required=True,
        default="path",
    )
    model_id = fields.Many2one(
        "ir.model",
        string="Document Type",
        ondelete="cascade",
        domain="[('is_mail_thread', '=', True), ('transient', '=', False)]",
        help="Leave empty for a role of all document types.",
    )
    model = fields.Char(related="model_id.model", string="Model", store=True)
    path = fields.Char(
        help="Names of fields from the document to users, partners or an e-mail address, with dots "
        "between them: user_id, or order_id.partner_id.",
    )
    group_id = fields.Many2one("res.groups", ondelete="cascade")

    _code_unique = models.UniqueIndex(
        "(code, COALESCE(model_id, 0))", "There is a role with this code already."
    )

    @api.constrains("kind", "path", "group_id", "model_id")
    def _check_kind(self):
        # What was cached is older than what is checked.
        self.env.registry.clear_cache("stable")
        for role in self:
            if role.kind in ("path", "manager"):
                if not role.path:
                    raise ValidationError(
                        self.env._("The role “%(role)s” needs a field path.", role=role.name)
                    )
                if role.model:
                    role._end_of_path(self.env[role.model])
            if role.kind == "group" and not role.group_id:
                raise ValidationError(
                    self.env._("The role “%(role)s” needs a group.", role=role.name)
                )

    def _end_of_path(self, model):
        """Follow the path on a document type.

        :param model: recordset of the document type
        :return: the last field: of type char, or relating to users or partners
        :raise ValidationError: saying which step is wrong
        """
        self.ensure_one()
        field = None
        path = self._specs()[self.id][1] or ""
        names = path.split(".")
        if len(names) > STEPS:
            raise ValidationError(
                self.env._(
                    "The path %(path)s is too long: %(steps)s steps at most.",
                    path=self.path,
                    steps=STEPS,
                )
            )
        for name in names:
            field = model._fields.get(name)
            if field is None:
                raise ValidationError(
                    self.env._(
                        "The path %(path)s of the role “%(role)s” is wrong: %(model)s has no "
                        "field %(field)s.",
                        path=self.path,
                        role=self.name,
                        model=model._description,
                        field=name,
                    )
                )
            model = self.env[field.comodel_name] if field.comodel_name else model.browse()
            if not field.relational and name != names[-1]:
                raise ValidationError(
                    self.env._(
                        "The path %(path)s of the role “%(role)s” goes on after %(field)s, which "
                        "is no link to other records.",
                        path=self.path,
                        role=self.name,
                        field=name,
                    )
                )
        if field.comodel_name not in ("res.users", "res.partner") and field.type != "char":
            raise ValidationError(
                self.env._(
                    "The path %(path)s of the role “%(role)s” ends on “%(field)s”: it must end "
                    "on users, contacts or an e-mail address.",
                    path=self.path,
                    role=self.name,
                    field=field.string,
                )
            )
        return field

    # ------------------------------------------------------------
    # WHO IS IN A ROLE
    # ------------------------------------------------------------

    @tools.ormcache(cache="stable")
    def _specs(self):
        """Return what routing needs of all roles, without a query: ``{id: (kind, path)}``."""
        self.flush_model()
        self.env.cr.execute("SELECT id, kind, path FROM notify_role")
        return {role_id: (kind, path) for role_id, kind, path in self.env.cr.fetchall()}

    def _members(self, document):
        """Return who is in the role on a document.

        Followers are not found here: Odoo finds them itself.

        :return: ``({partner_id, …}, {address, …})``
        """
        self.ensure_one()
        find = getattr(self, f"_members_{self._specs()[self.id][0]}", None)
        return find(document.sudo()) if find else (set(), set())

    def _sql(self, document):
        """Return a query for who is in the role, ``None`` if it takes more than one step.

        :return: query for rows ``(role id, partner id, NULL, NULL, NULL)``
        """
        self.ensure_one()
        kind, path = self._specs()[self.id]
        name = {"creator": "create_uid", "path": path}.get(kind)
        if kind == "leader":
            name = self.env["notify.subscription"]._team_field(document._name)
            return name and self._sql_leader(document, name)
        if kind == "distribution":
            return self._sql_distribution(document)
        if not name or "." in name:
            return None
        field = self._end_of_path(document) if kind == "path" else document._fields[name]
        if not field.store or field.type not in ("many2one", "many2many"):
            return None
        if field.type == "many2one":
            rows = SQL(
                "SELECT %s AS person FROM %s WHERE id = %s",
                SQL.identifier(name),
                SQL.identifier(document._table),
                document.id,
            )
        else:
            rows = SQL(
                "SELECT %s AS person FROM %s WHERE %s = %s",
                SQL.identifier(field.column2),
                SQL.identifier(field.relation),
                SQL.identifier(field.column1),
                document.id,
            )
        if field.comodel_name == "res.users":
            return SQL(
                "SELECT %s, u.partner_id, NULL, NULL::bool, NULL::bool"
                " FROM (%s) people JOIN res_users u ON u.id = people.person",
                self.id,
                rows,
            )
        return SQL(
            "SELECT %s, people.person, NULL, NULL::bool, NULL::bool FROM (%s) people"
            " WHERE people.person IS NOT NULL",
            self.id,
            rows,
        )

    def _sql_leader(self, document, name):
        return SQL(
            "SELECT %s, u.partner_id, NULL, NULL::bool, NULL::bool FROM %s doc"
            " JOIN crm_team team ON team.id = doc.%s JOIN res_users u ON u.id = team.user_id"
            " WHERE doc.id = %s",
            self.id,
            SQL.identifier(document._table),
            SQL.identifier(name),
            document.id,
        )

    def _sql_distribution(self, document):
        self.env["notify.distribution"].flush_model()
        return SQL(
            """SELECT %s, COALESCE(entry.partner_id, people.res_partner_id),
                      NULL, NULL::bool, NULL::bool
                 FROM notify_distribution entry
            LEFT JOIN notify_distribution_list list ON list.id = entry.list_id AND list.active
            LEFT JOIN notify_distribution_list_res_partner_rel people
                   ON people.notify_distribution_list_id = list.id
                WHERE entry.res_model = %s AND entry.res_id = %s
                  AND COALESCE(entry.partner_id, people.res_partner_id) IS NOT NULL""",
            self.id,
            document._name,
            document.id,
        )

    def _members_creator(self, document):
        return set(document.create_uid.partner_id.ids), set()

    def _members_distribution(self, document):
        return set(self.env["notify.distribution"]._people(document).ids), set()

    def _members_leader(self, document):
        field = self.env["notify.subscription"]._team_field(document._name)
        return set(document[field].user_id.partner_id.ids) if field else set(), set()

    def _members_group(self, document):
        users = self.group_id.sudo().all_user_ids
        company = document.company_id if "company_id" in document._fields else None
        if company:
            users = users.filtered(lambda user: company in user.company_ids)
        return set(users.filtered("active").partner_id.ids), set()

    def _members_path(self, document):
        field = self._end_of_path(document)
        people = document.mapped(self.path)
        if field.type == "char":
            addresses = {email_normalize(address) for address in people if address}
            return set(), addresses - {False}
        if people._name == "res.users":
            people = people.partner_id
        return set(people.ids), set()

    def _members_manager(self, document):
        field = self._end_of_path(document)
        people = document.mapped(self.path)
        users = people if field.comodel_name == "res.users" else people.user_ids
        if "employee_ids" in users._fields and users.employee_ids.parent_id.user_id:
            managers = users.employee_ids.parent_id.user_id
        else:
            # Without a staff directory, the leader of one's team is the nearest to a manager.
            teams = self.env["notify.subscription"]._teams_of(users.ids)
            team_ids = {team_id for own in teams.values() for team_id in own}
            managers = self.env["crm.team"].sudo().browse(team_ids).user_id
        return set((managers - users).partner_id.ids), set()

    @api.model_create_multi
    def create(self, vals_list):
        roles = super().create(vals_list)
        self.env.registry.clear_cache("stable")
        return roles

    def write(self, vals):
        result = super().write(vals)
        self.env.registry.clear_cache("stable")
        self._lines().scheme_id._mended()
        return result

    def _lines(self):
        """Return the lines of schemes that speak of these roles."""
        return self.env["notify.scheme.line"].search([("role_id", "in", self.ids)])

    def unlink(self):
        self._lines().unlink()
        result = super().unlink()
        self.env.registry.clear_cache("stable")
        return result
