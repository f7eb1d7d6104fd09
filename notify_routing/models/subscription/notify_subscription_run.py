from collections import defaultdict

from odoo import api, fields, models
from odoo.exceptions import UserError


#: Followers, or documents, per step; each step is one transaction.
BATCH = 1000


class NotifySubscriptionRun(models.Model):
    """Applies default choices to documents that people follow already: previewed, in steps, with
    progress, and undoable. What somebody chose on a document itself is never touched."""

    _name = "notify.subscription.run"
    _description = "Application of Defaults to Existing Documents"
    _order = "id DESC"

    name = fields.Char(compute="_compute_name")
    state = fields.Selection(
        [
            ("draft", "Preview"),
            ("running", "Running"),
            ("done", "Done"),
            ("cancelled", "Cancelled"),
            ("undoing", "Undoing"),
            ("undone", "Undone"),
        ],
        default="draft",
        required=True,
        readonly=True,
    )
    subscription_ids = fields.Many2many("notify.subscription", string="Defaults", required=True)
    follow_team = fields.Boolean(
        "Follow Existing Team Documents",
        default=True,
        help="Members who follow the team's documents by default start to follow the existing ones.",
    )
    model_ids = fields.Many2many("ir.model", compute="_compute_preview", string="Document Types")
    follower_count = fields.Integer("Followed Documents", compute="_compute_preview")
    kept_count = fields.Integer("Left Alone", compute="_compute_preview")
    team_document_count = fields.Integer("Team Documents", compute="_compute_preview")
    total = fields.Integer("Steps", readonly=True)
    done = fields.Integer("Steps Done", readonly=True)
    progress = fields.Float(compute="_compute_progress")
    changed_count = fields.Integer("Changed", readonly=True)
    added_count = fields.Integer("Started to Follow", readonly=True)
    cursor = fields.Json(readonly=True, default=dict)
    step_ids = fields.One2many("notify.subscription.run.step", "run_id", readonly=True)

    # ------------------------------------------------------------
    # PREVIEW
    # ------------------------------------------------------------

    @api.depends("subscription_ids")
    def _compute_name(self):
        for run in self:
            names = run.subscription_ids[:3].mapped("display_name")
            more = len(run.subscription_ids) - len(names)
            run.name = ", ".join(names) + (self.env._(" and %(count)s more", count=more) if more else "")

    @api.depends("done", "total", "state")
    def _compute_progress(self):
        for run in self:
            run.progress = 100 * min(run.done / run.total, 1) if run.total else 100 * (run.state == "done")

    @api.depends("subscription_ids", "follow_team")
    def _compute_preview(self):
        for run in self:
            counts = run._count_followers()
            run.model_ids = self.env["ir.model"].sudo().search([("model", "in", list(counts))])
            run.follower_count = sum(total for total, _kept in counts.values())
            run.kept_count = sum(kept for _total, kept in counts.values())
            run.team_document_count = run._count_team_documents() if run.follow_team else 0

    def _people(self):
        """Return the partners whom the chosen defaults are about."""
        self.ensure_one()
        lines = self.subscription_ids.sudo()
        users = lines.user_id | lines.team_id.member_ids | lines.team_id.user_id
        companies = lines.filtered(lambda line: line.scope == "company").company_id
        if companies:
            users |= self.env["res.users"].sudo().search([("company_id", "in", companies.ids)])
        return users.filtered(lambda user: not user.share).partner_id

    def _models(self):
        """Return the document types that the chosen defaults are about."""
        self.ensure_one()
        if all(line.model for line in self.subscription_ids):
            return set(self.subscription_ids.mapped("model"))
        return self.env["notify.subscription.table"]._documents()

    def _count_followers(self):
        """Return ``{model: (followers, those that are left alone because somebody chose)}``."""
        self.ensure_one()
        self.env["mail.followers"].flush_model()
        self.env.cr.execute(
            """
            SELECT res_model, COUNT(*), COUNT(*) FILTER (WHERE notify_muted OR notify_origin = 'choice')
              FROM mail_followers
             WHERE partner_id = ANY(%s) AND res_model = ANY(%s) AND res_id > 0
          GROUP BY res_model
            """,
            [self._people().ids, list(self._models())],
        )
        return {model: (total, kept) for model, total, kept in self.env.cr.fetchall()}

    def _followed_teams(self):
        """Return ``{model: (team field, team ids)}`` of the teams whose documents are followed."""
        self.ensure_one()
        result = {}
        team_ids = self.subscription_ids.filtered("auto_follow").team_id.ids
        for model in self._models() if team_ids else ():
            field = self.env["notify.subscription"]._followed_team_field(model)
            if field:
                result[model] = (field, team_ids)
        return result

    def _count_team_documents(self):
        return sum(
            self.env[model].sudo().with_context(active_test=False).search_count([(field, "in", team_ids)])
            for model, (field, team_ids) in self._followed_teams().items()
        )

    # ------------------------------------------------------------
    # BUTTONS
    # ------------------------------------------------------------

    def action_start(self):
        """Start in the background; the form shows the progress."""
        for run in self:
            if run.state not in ("draft", "cancelled"):
                raise UserError(self.env._("This was started already."))
            run.write(
                {
                    "state": "running",
                    "total": run.follower_count + run.team_document_count,
                    "done": 0 if run.state == "draft" else run.done,
                    "cursor": {} if run.state == "draft" else run.cursor,
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
                raise UserError(self.env._("Only what was done, or cancelled halfway, can be undone."))
            run.write({"state": "undoing", "total": len(run.step_ids), "done": 0})
        self._wake()

    def _wake(self):
        self.env.ref("notify_routing.ir_cron_subscription_run")._trigger()

    def read_progress(self):
        """Return what the progress bar shows: ``{"state", "done", "total", "progress"}``."""
        self.ensure_one()
        return self.read(["state", "done", "total", "progress", "changed_count", "added_count"])[0]

    # ------------------------------------------------------------
    # THE WORK, step by step
    # ------------------------------------------------------------

    @api.model
    def _cron_work(self):
        """Do steps until nothing is left or the time of this run of the scheduled action is up."""
        Cron = self.env["ir.cron"]
        while run := self.search([("state", "in", ("running", "undoing"))], limit=1, order="id"):
            # Two workers on one run would both do the same step.
            if not run.try_lock_for_update():
                break
            step = run._step if run.state == "running" else run._undo_step
            step()
            self.env.invalidate_all()
            remaining = max(run.total - run.done, 0) if run.state in ("running", "undoing") else 0
            if not Cron._commit_progress(BATCH, remaining=remaining):
                break

    def _step(self):
        """Do one step and remember where to go on."""
        self.ensure_one()
        cursor = dict(self.cursor or {})
        if not cursor.get("followers_done"):
            count, cursor["follower"], changes = self._apply_to_followers(cursor.get("follower", 0))
            if not count:
                cursor["followers_done"] = True
        else:
            count, cursor, changes = self._follow_team_documents(cursor)
            if cursor.get("finished"):
                self.state = "done"
        if changes["changed"] or changes["added"]:
            self.env["notify.subscription.run.step"].create({"run_id": self.id, **changes})
        self.write(
            {
                "cursor": cursor,
                "done": self.done + count,
                "changed_count": self.changed_count + len(changes["changed"]),
                "added_count": self.added_count + len(changes["added"]),
            }
        )

    def _apply_to_followers(self, after):
        """Apply the defaults to the next followers.

        :param int after: id of the last follower seen
        :return: ``(number of followers looked at, id of the last one, changes)``, changes as
            ``notify.subscription.run.step`` keeps them
        """
        changes = {"changed": {}, "added": []}
        followers = (
            self.env["mail.followers"]
            .sudo()
            .search(
                [
                    ("id", ">", after),
                    ("res_model", "in", list(self._models())),
                    ("res_id", ">", 0),
                    ("partner_id", "in", self._people().ids),
                ],
                limit=BATCH,
                order="id",
            )
        )
        for model, own in followers.grouped("res_model").items():
            if self.env["notify.subscription.table"]._is_document(model):
                changes["changed"].update(self._apply_to_model(model, own))
        return len(followers), followers[-1:].id, changes

    def _apply_to_model(self, model, followers):
        """Give followers of one document type the subtypes of their default.

        :return: what was there before, ``{follower id: [[subtype id, …], origin, line id]}``
        """
        Subscription = self.env["notify.subscription"].sudo()
        subtypes = Subscription._subtypes(model)
        free = followers.filtered(
            lambda follower: not follower.notify_muted
            and follower.notify_origin != "choice"
            # Before this addon nobody noted who chose; what differs from Odoo's default was chosen.
            and (follower.notify_origin or set(follower.subtype_ids.ids) == subtypes.default)
        )
        resolved = Subscription._resolve(model, list(set(free.mapped("res_id"))), free.partner_id.ids)
        before = {}
        groups = defaultdict(self.env["mail.followers"].sudo().browse)
        for follower in free:
            line, ids = resolved.get((follower.res_id, follower.partner_id.id), (None, None))
            if line and (
                set(follower.subtype_ids.ids) != ids or follower.notify_subscription_id.id != line.id
            ):
                before[follower.id] = [
                    follower.subtype_ids.ids,
                    follower.notify_origin,
                    follower.notify_subscription_id.id,
                ]
                groups[line, frozenset(ids)] |= follower
        for (line, ids), group in groups.items():
            group.write(
                {
                    "subtype_ids": [(6, 0, list(ids))],
                    "notify_origin": line.scope,
                    "notify_subscription_id": line.id,
                }
            )
        return before

    def _follow_team_documents(self, cursor):
        """Make members follow the next of their team's documents.

        :return: ``(number of documents looked at, new cursor, changes)``
        """
        changes = {"changed": {}, "added": []}
        Followers = self.env["mail.followers"].sudo()
        teams = self._followed_teams() if self.follow_team else {}
        for model, (field, team_ids) in sorted(teams.items()):
            if model < cursor.get("model", ""):
                continue
            after = cursor.get("document", 0) if cursor.get("model") == model else 0
            documents = (
                self.env[model]
                .sudo()
                .with_context(active_test=False)
                .search([(field, "in", team_ids), ("id", ">", after)], limit=BATCH, order="id")
            )
            if not documents:
                continue
            latest = Followers.search([], limit=1, order="id DESC").id
            self.env["notify.subscription"]._follow_team(documents, field)
            changes["added"] = Followers.search(
                [("id", ">", latest), ("res_model", "=", model), ("res_id", "in", documents.ids)]
            ).ids
            return len(documents), {**cursor, "model": model, "document": documents[-1].id}, changes
        return 0, {**cursor, "finished": True}, changes

    def _undo_step(self):
        """Put back what the last step changed, unless somebody chose something since."""
        self.ensure_one()
        step = self.step_ids[-1:]
        if not step:
            self.write({"state": "undone", "done": self.total})
            return
        Followers = self.env["mail.followers"].sudo()
        ours = ("user", "member", "team", "company")
        groups = defaultdict(Followers.browse)
        changed = {int(follower_id): before for follower_id, before in step.changed.items()}
        for follower in Followers.browse(changed).exists():
            if follower.notify_origin in ours and not follower.notify_muted:
                ids, origin, line_id = changed[follower.id]
                groups[tuple(ids), origin, line_id] |= follower
        for (ids, origin, line_id), group in groups.items():
            line = self.env["notify.subscription"].sudo().browse(line_id or ()).exists()
            group.write(
                {
                    "subtype_ids": [(6, 0, list(ids))],
                    "notify_origin": origin if line or origin == "odoo" else False,
                    "notify_subscription_id": line.id,
                }
            )
        added = Followers.browse(step.added).exists()
        added.filtered(lambda follower: follower.notify_origin in (*ours, "odoo")).unlink()
        step.unlink()
        self.done += 1


class NotifySubscriptionRunStep(models.Model):
    """What one step changed, so that it can be put back."""

    _name = "notify.subscription.run.step"
    _description = "Step of an Application of Defaults"
    _order = "id"

    run_id = fields.Many2one("notify.subscription.run", required=True, ondelete="cascade", index=True)
    changed = fields.Json(default=dict, help="Before: {follower id: [[subtype ids], origin, default]}")
    added = fields.Json(default=list, help="Followers that were made: [follower ids]")
