import logging
from collections import defaultdict

from psycopg2 import OperationalError

from odoo import api, fields, models
from odoo.exceptions import ConcurrencyError

_logger = logging.getLogger(__name__)

#: Followers per step; each step is one transaction.
BATCH = 1000
#: Where a follower's subtypes come from, if nobody chose them on the document.
DEFAULTS = ("user", "member", "team", "company")


class NotifySubscriptionRun(models.Model):
    """The work of applying defaults: step by step, each of which can be undone."""

    _inherit = "notify.subscription.run"

    @api.model
    def _cron_work(self):
        """Do steps until nothing is left or the time of this run of the scheduled action is up."""
        Cron = self.env["ir.cron"]
        at_work = [("state", "in", ("running", "undoing"))]
        while run := self.search(at_work, limit=1, order="id"):
            # Two workers on one run would both do the same step.
            if not run.try_lock_for_update():
                break
            run._work()
            self.env.invalidate_all()
            remaining = sum(max(left.total - left.done, 1) for left in self.search(at_work))
            if not Cron._commit_progress(BATCH, remaining=remaining):
                break

    def _work(self):
        """Do one step. What goes wrong stops this run, says so, and leaves others alone."""
        try:
            with self.env.cr.savepoint():
                if self.state == "running":
                    self._step()
                else:
                    self._undo_step()
        except (OperationalError, ConcurrencyError):
            # Another transaction was in the way: the scheduled action comes again.
            raise
        except Exception as error:
            _logger.exception("Application of defaults %s was stopped", self.id)
            state = "cancelled" if self.state == "running" else "done"
            self.write({"state": state, "error": str(error)})

    def _step(self):
        """Do one step and remember where to go on."""
        cursor = dict(self.cursor or {})
        if not cursor.get("followers_done"):
            count, cursor["follower"], changed = self._apply_to_followers(cursor.get("follower", 0))
            cursor["followers_done"] = not count
            added = []
        else:
            count, cursor, added = self._follow_team_documents(cursor)
            changed = []
        if changed or added:
            self.env["notify.subscription.run.step"].sudo().create(
                {"run_id": self.id, "changed": changed, "added": added}
            )
        self.write(
            {
                "cursor": cursor,
                "done": self.done + count,
                "changed_count": self.changed_count + sum(len(group["ids"]) for group in changed),
                "added_count": self.added_count + len(added),
                "state": "done" if cursor.get("finished") else self.state,
            }
        )

    def _apply_to_followers(self, after):
        """Apply the defaults to the next followers.

        :param int after: id of the last follower seen
        :return: ``(number of followers looked at, id of the last one, changed)``; for changed see
            :class:`NotifySubscriptionRunStep`
        """
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
        changed = []
        for model, own in followers.grouped("res_model").items():
            changed += self._apply_to_model(model, own)
        return len(followers), followers[-1:].id or after, changed

    def _apply_to_model(self, model, followers):
        """Give followers of one document type the subtypes of their default.

        :return: changed, see :class:`NotifySubscriptionRunStep`
        """
        default = self.env["notify.subscription"]._subtypes(model).default
        # A row can outlive its document, if that went by a cascade of the database.
        documents = self.env[model].sudo().browse(set(followers.mapped("res_id"))).exists()
        resolved = self._resolve(model, documents.ids, followers.partner_id.ids)
        groups = defaultdict(list)
        for follower in followers:
            line, ids = resolved.get((follower.res_id, follower.partner_id.id), (None, None))
            followed = set(follower.subtype_ids.ids)
            if not line or self._is_chosen(
                follower.notify_origin, follower.notify_muted, followed, default
            ):
                continue
            if followed != ids or follower.notify_subscription_id.id != line.id:
                groups[follower._notify_memento(), line, frozenset(ids)].append(follower.id)
        changed = []
        for (before, line, ids), follower_ids in groups.items():
            after = (sorted(ids), line.scope, line.id)
            followers.browse(follower_ids)._notify_restore(after)
            changed.append({"ids": follower_ids, "before": before, "after": after})
        return changed

    def _follow_team_documents(self, cursor):
        """Make members follow the next of their team's documents.

        :return: ``(number of documents looked at, new cursor, ids of the new followers)``
        """
        Followers = self.env["mail.followers"].sudo()
        for model, field, team_id, partner_ids in self._to_follow():
            place = [model, team_id]
            if place < (cursor.get("place") or place):
                continue
            after = cursor["document"] if cursor.get("place") == place else 0
            documents, domain = self._team_documents(model, field, team_id)
            documents = documents.search(
                [*domain, ("id", ">", after)],
                # The rows to be made count, so that a large team makes no large transaction.
                limit=max(BATCH // len(partner_ids), 1),
                order="id",
            )
            if not documents:
                continue
            latest = Followers.search([], limit=1, order="id DESC").id or 0
            Followers._insert_followers(
                model, documents.ids, partner_ids, check_existing=True, existing_policy="skip"
            )
            added = Followers.search(
                [("id", ">", latest), ("res_model", "=", model), ("res_id", "in", documents.ids)]
            ).ids
            return len(documents), {**cursor, "place": place, "document": documents[-1].id}, added
        return 0, {**cursor, "finished": True}, []

    def _undo_step(self):
        """Put back what the last step changed, unless somebody changed it since."""
        step = self.env["notify.subscription.run.step"].sudo()
        step = step.search([("run_id", "=", self.id)], limit=1, order="id DESC")
        if not step:
            self.write({"state": "undone", "done": self.total})
            return
        Followers = self.env["mail.followers"].sudo()
        # An empty list is read as False.
        changed, added_ids = step.changed or [], step.added or []
        restored = 0
        for group in changed:
            before, after = group["before"], group["after"]
            same = Followers.browse(group["ids"]).exists()._notify_unchanged(after)
            same._notify_restore(before)
            restored += len(same)
        added = Followers.browse(added_ids).exists()
        added = added.filtered(
            lambda follower: (
                follower.notify_origin in (*DEFAULTS, "odoo") and not follower.notify_muted
            )
        )
        restored += len(added)
        added.unlink()
        looked_at = sum(len(group["ids"]) for group in changed) + len(added_ids)
        self.write(
            {"done": self.done + looked_at, "restored_count": self.restored_count + restored}
        )
        step.unlink()


class NotifySubscriptionRunStep(models.Model):
    """What one step changed, so that it can be put back."""

    _name = "notify.subscription.run.step"
    _description = "Step of an Application of Defaults"
    _order = "id"

    run_id = fields.Many2one(
        "notify.subscription.run", required=True, ondelete="cascade", index=True
    )
    changed = fields.Json(
        default=list,
        help="Followers that were changed alike: [{ids: [follower id], before: [[subtype id], "
        "origin, default], after: …}]",
    )
    added = fields.Json(default=list, help="Followers that were made: [follower id]")


class MailFollowers(models.Model):
    """A follower's subtypes and where they come from, taken together."""

    _inherit = "mail.followers"

    def _notify_memento(self):
        """Return ``((subtype id, …), origin, id of notify.subscription)``."""
        self.ensure_one()
        return (
            tuple(sorted(self.subtype_ids.ids)),
            self.notify_origin,
            self.notify_subscription_id.id,
        )

    def _notify_restore(self, memento):
        """Bring followers into a state of :meth:`_notify_memento`."""
        subtype_ids, origin, line_id = memento
        line = self.env["notify.subscription"].sudo().browse(line_id or ()).exists()
        subtypes = self.env["mail.message.subtype"].sudo().browse(subtype_ids).exists()
        self.write(
            {
                "subtype_ids": [(6, 0, subtypes.ids)],
                # A default that is gone is no reason any more.
                "notify_origin": False if origin in DEFAULTS and not line else origin,
                "notify_subscription_id": line.id,
            }
        )

    def _notify_unchanged(self, memento):
        """Return those that nobody changed since they were brought into a state."""
        subtype_ids, origin, line_id = memento
        return self.filtered(
            lambda follower: (
                follower.notify_origin == origin
                and not follower.notify_muted
                and follower.notify_subscription_id.id in (line_id, False)
                and set(follower.subtype_ids.ids) == set(subtype_ids)
            )
        )
