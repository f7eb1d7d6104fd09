from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.tools import SQL


class NotifySubscriptionRun(models.Model):
    """Applies default choices to documents that people follow already: previewed, in steps, with
    progress, and undoable. What somebody chose on a document itself is never touched.

    The work itself is in the file beside this one.
    """

    _name = "notify.subscription.run"
    _description = "Application of Defaults to Existing Documents"
    _order = "id DESC"

    name = fields.Char(compute="_compute_name")
    state = fields.Selection(
        [
            ("draft", "Preview"),
            ("running", "Running"),
            ("done", "Done"),
            ("cancelled", "Stopped"),
            ("undoing", "Undoing"),
            ("undone", "Undone"),
        ],
        default="draft",
        required=True,
        readonly=True,
        copy=False,
    )
    subscription_ids = fields.Many2many("notify.subscription", string="Defaults", required=True)
    follow_team = fields.Boolean(
        "Follow Existing Team Documents",
        default=True,
        help="Members who follow the team's documents by default start to follow the existing "
        "ones.",
    )
    document_types = fields.Char(compute="_compute_preview")
    follower_count = fields.Integer(
        "Followers Concerned",
        compute="_compute_preview",
        help="How many times one of the people follows a document of these types, and one of the "
        "chosen defaults is what counts for that person there.",
    )
    change_count = fields.Integer("Will Get the Default", compute="_compute_preview")
    kept_count = fields.Integer(
        "Left Alone",
        compute="_compute_preview",
        help="The person chose something on the document itself, or muted it.",
    )
    follow_count = fields.Integer(
        "Will Start to Follow",
        compute="_compute_preview",
        help="How many times a member starts to follow an existing document of the team.",
    )
    total = fields.Integer("Steps", readonly=True, copy=False)
    done = fields.Integer("Steps Done", readonly=True, copy=False)
    progress = fields.Float(compute="_compute_progress")
    changed_count = fields.Integer("Got the Default", readonly=True, copy=False)
    added_count = fields.Integer("Started to Follow", readonly=True, copy=False)
    restored_count = fields.Integer("Put Back", readonly=True, copy=False)
    error = fields.Char("Stopped Because", readonly=True, copy=False)
    cursor = fields.Json(readonly=True, default=dict, copy=False)
    step_ids = fields.One2many("notify.subscription.run.step", "run_id", readonly=True)

    # ------------------------------------------------------------
    # PREVIEW
    # ------------------------------------------------------------

    @api.depends("subscription_ids")
    def _compute_name(self):
        for run in self:
            names = run.subscription_ids[:3].mapped("display_name")
            more = len(run.subscription_ids) - len(names)
            run.name = ", ".join(names) + (
                self.env._(" and %(count)s more", count=more) if more else ""
            )

    @api.depends("done", "total", "state")
    def _compute_progress(self):
        for run in self:
            if run.total:
                run.progress = 100 * min(run.done / run.total, 1)
            else:
                run.progress = 100 * (run.state in ("done", "undone"))

    @api.depends("subscription_ids", "follow_team", "state")
    def _compute_preview(self):
        for run in self:
            # What was started already has real figures, and the preview is not free.
            counts = run._preview() if run.state == "draft" else {}
            names = self.env["notify.subscription.table"]._names(counts)
            run.document_types = ", ".join(names.values())
            run.follower_count = sum(count["concerned"] for count in counts.values())
            run.change_count = sum(count["change"] for count in counts.values())
            run.kept_count = sum(count["kept"] for count in counts.values())
            run.follow_count = sum(count["follow"] for count in counts.values())

    def _preview(self):
        """Return what would happen, without doing it.

        :return: ``{model: {"concerned": 12, "change": 9, "kept": 2, "follow": 40}}``, for the
            document types on which something would happen
        """
        self.ensure_one()
        result = {}
        for model in self._models_followed():
            count = self._preview_followers(model)
            if count["concerned"]:
                result[model] = {**count, "follow": 0}
        for model, field, team_id, partner_ids in self._to_follow():
            nothing = {"concerned": 0, "change": 0, "kept": 0, "follow": 0}
            count = result.setdefault(model, nothing)
            count["follow"] += self._count_to_follow(model, field, team_id, partner_ids)
        return result

    def _preview_followers(self, model):
        """Count the followers of one document type; see :meth:`_preview`.

        Followers that are alike in everything that matters are looked at once: there are few kinds
        of them, however many documents there are.
        """
        count = {"concerned": 0, "change": 0, "kept": 0}
        kinds = self._kinds_of_followers(model)
        resolved = self._resolve(
            model,
            list({kind["res_id"] for kind in kinds}),
            list({kind["partner_id"] for kind in kinds}),
        )
        default = self.env["notify.subscription"]._subtypes(model).default
        for kind in kinds:
            line, ids = resolved.get((kind["res_id"], kind["partner_id"]), (None, None))
            if not line:
                continue
            followed = set(kind["subtype_ids"])
            count["concerned"] += kind["count"]
            if self._is_chosen(kind["origin"], kind["muted"], followed, default):
                count["kept"] += kind["count"]
            elif followed != ids or kind["line_id"] != line.id:
                count["change"] += kind["count"]
        return count

    def _kinds_of_followers(self, model):
        """Return the followers of a document type, grouped by all that a default depends on.

        :return: e.g. ``[{"partner_id": 3, "origin": "team", "muted": False, "line_id": 7,
            "subtype_ids": [1, 2], "count": 4000, "res_id": 17}, …]`` with one document of each
        """
        self.env["mail.followers"].flush_model()
        self.env[model].flush_model()
        self.env.cr.execute(
            SQL(
                """
                SELECT follower.partner_id,
                       follower.notify_origin AS origin,
                       COALESCE(follower.notify_muted, FALSE) AS muted,
                       follower.notify_subscription_id AS line_id,
                       follows.subtype_ids,
                       COUNT(*) AS count,
                       MIN(follower.res_id) AS res_id
                  FROM mail_followers follower
                  JOIN %(table)s document ON document.id = follower.res_id
            CROSS JOIN LATERAL (
                       SELECT ARRAY(SELECT rel.mail_message_subtype_id
                                      FROM mail_followers_mail_message_subtype_rel rel
                                     WHERE rel.mail_followers_id = follower.id
                                  ORDER BY 1) AS subtype_ids
                       ) follows
                 WHERE follower.res_model = %(model)s
                   AND follower.partner_id = ANY(%(people)s)
              GROUP BY 1, 2, 3, 4, 5, %(places)s
                """,
                table=SQL.identifier(self.env[model]._table),
                model=model,
                people=self._people().ids,
                places=self._places(model),
            )
        )
        return self.env.cr.dictfetchall()

    def _places(self, model):
        """Return the columns of a document type that decide which default counts on a document."""
        names = {self.env["notify.subscription"]._team_field(model), "company_id"}
        known = self.env[model]._fields
        columns = [known[name] for name in sorted(filter(None, names)) if name in known]
        if not all(field.store and field.column_type for field in columns):
            # Only the ORM can tell, document by document.
            return SQL("document.id")
        columns = [SQL.identifier("document", field.name) for field in columns]
        return SQL(", ").join([SQL("follower.res_model"), *columns])

    def _people(self):
        """Return the partners whom the chosen defaults are about."""
        self.ensure_one()
        lines = self.subscription_ids.sudo()
        users = lines.user_id
        for team in lines.filtered(lambda line: line.scope == "team").team_id:
            users |= team.member_ids | team.user_id
        if any(line.scope == "company" for line in lines):
            # The document's company counts, whatever the company of who follows it.
            users |= self.env["res.users"].sudo().search([("share", "=", False)])
        return users.filtered(lambda user: not user.share).partner_id

    def _models(self):
        """Return the document types that the chosen defaults are about."""
        self.ensure_one()
        known = self.env["notify.subscription.table"]._documents()
        if all(line.model for line in self.subscription_ids):
            return known & set(self.subscription_ids.mapped("model"))
        return known

    def _models_followed(self):
        """Return the document types in question of which there are followers at all, sorted."""
        self.env["mail.followers"].flush_model(["res_model", "partner_id"])
        self.env.cr.execute(
            "SELECT DISTINCT res_model FROM mail_followers"
            " WHERE partner_id = ANY(%s) AND res_model = ANY(%s)",
            [self._people().ids, list(self._models())],
        )
        return sorted(model for (model,) in self.env.cr.fetchall())

    def _count_followers(self):
        """Return how many followers there are to look at."""
        self.env["mail.followers"].flush_model(["res_model", "partner_id", "res_id"])
        self.env.cr.execute(
            "SELECT COUNT(*) FROM mail_followers"
            " WHERE partner_id = ANY(%s) AND res_model = ANY(%s) AND res_id > 0",
            [self._people().ids, list(self._models())],
        )
        return self.env.cr.fetchone()[0]

    # ------------------------------------------------------------
    # WHAT COUNTS
    # ------------------------------------------------------------

    def _resolve(self, model, res_ids, partner_ids):
        """Return where one of the chosen defaults is what counts for a person on a document.

        :return: as ``notify.subscription._resolve``
        """
        chosen = set(self.subscription_ids.ids)
        found = self.env["notify.subscription"].sudo()._resolve(model, res_ids, partner_ids)
        return {key: value for key, value in found.items() if value[0].id in chosen}

    @api.model
    def _is_chosen(self, origin, muted, subtype_ids, default):
        """Tell whether a person chose what a follower is told of.

        :param set default: Odoo's own subtypes for the document type
        """
        if muted or origin == "choice":
            return True
        # Before this addon nobody noted who chose; what differs from Odoo's default was chosen.
        return not origin and subtype_ids != default

    def _to_follow(self):
        """Return whose documents get followed by whom.

        :return: ``[(model, name of its team field, team id, [partner id, …]), …]``, sorted
        """
        self.ensure_one()
        Subscription = self.env["notify.subscription"]
        result = []
        lines = self.subscription_ids.sudo().filtered("auto_follow") if self.follow_team else ()
        for model in sorted(self._models()) if lines else ():
            field = Subscription._team_field(model)
            about = [line for line in lines if line.model in (False, model)] if field else ()
            for team_id in sorted({line.team_id.id for line in about}):
                partner_ids = Subscription._team_followers(
                    model, team_id, self.subscription_ids.ids
                )
                if partner_ids:
                    result.append((model, field, team_id, partner_ids))
        return result

    def _team_documents(self, model, field, team_id):
        """Return a team's documents, archived ones included, as ``(model, domain)``."""
        return self.env[model].sudo().with_context(active_test=False), [(field, "=", team_id)]

    def _count_to_follow(self, model, field, team_id, partner_ids):
        """Return how many followers there would be more."""
        documents, domain = self._team_documents(model, field, team_id)
        query = documents._search(domain)
        self.env["mail.followers"].flush_model(["res_model", "partner_id", "res_id"])
        self.env.cr.execute(
            SQL(
                """
                SELECT COUNT(*) FROM mail_followers
                 WHERE res_model = %s AND partner_id = ANY(%s) AND res_id IN %s
                """,
                model,
                partner_ids,
                query.subselect(),
            )
        )
        ((existing,),) = self.env.cr.fetchall()
        return documents.search_count(domain) * len(partner_ids) - existing

    # ------------------------------------------------------------
    # BUTTONS
    # ------------------------------------------------------------

    def action_start(self):
        """Start in the background; the form shows the progress."""
        for run in self:
            if run.state not in ("draft", "cancelled"):
                raise UserError(self.env._("This was started already."))
            if not run.subscription_ids:
                raise UserError(self.env._("There are no defaults to apply any more."))
            documents = sum(
                model_.search_count(domain)
                for model_, domain in (run._team_documents(*key[:3]) for key in run._to_follow())
            )
            run.write(
                {
                    "state": "running",
                    "error": False,
                    "total": run._count_followers() + documents,
                }
            )
        self._wake()

    def action_cancel(self):
        """Stop after the current step; what was done stays and can be undone."""
        self.filtered(lambda run: run.state == "running").state = "cancelled"

    def action_undo(self):
        """Put back what this run changed, in the background."""
        for run in self:
            if run.state not in ("done", "cancelled"):
                raise UserError(
                    self.env._("Only what was done, or stopped halfway, can be undone.")
                )
            run.write(
                {
                    "state": "undoing",
                    "error": False,
                    "total": run.changed_count + run.added_count,
                    "done": 0,
                }
            )
        self._wake()

    def _wake(self):
        self.env.ref("notify_routing.ir_cron_subscription_run")._trigger()

    @api.readonly
    def read_progress(self):
        """Return what the progress bar shows.

        :return: e.g. ``{"id": 3, "state": "running", "done": 12000, "total": 50000,
            "progress": 24.0}``
        """
        self.ensure_one()
        return self.read(["state", "done", "total", "progress"])[0]

    @api.autovacuum
    def _gc_previews(self):
        """Forget previews that were never applied."""
        yesterday = fields.Datetime.subtract(fields.Datetime.now(), days=1)
        self.search([("state", "=", "draft"), ("create_date", "<", yesterday)]).unlink()
