import inspect
import logging
from datetime import timedelta

from psycopg2 import OperationalError

from odoo import api, fields, models
from odoo.exceptions import ConcurrencyError, UserError

from .notify_check import Verdict

_logger = logging.getLogger(__name__)

ALARM = "notify_routing.mail_activity_alarm"


class NotifyCheck(models.Model):
    """How checks run: one after the other, each in a transaction of its own, nobody waits."""

    _inherit = "notify.check"

    @api.model
    def _cron_work(self):
        """Run what was asked for and what is due, and look whether awaited mail has come."""
        self = self._for_administrators()
        Cron = self.env["ir.cron"]
        self._sync()
        # There is one such job at a time: what is marked as running was cut off.
        self.search([("work", "=", "running")]).work = "queued"
        self._due().write({"work": "queued", "done": 0, "total": 0})
        asked = [("work", "=", "queued")]
        while check := self.search(asked, limit=1):
            if not check.try_lock_for_update():
                break
            check._run()
            if not Cron._commit_progress(1, remaining=self.search_count(asked)):
                break
        for check in self.search([("work", "=", "waiting")]):
            if check.try_lock_for_update():
                check._settle()
                Cron._commit_progress()

    @api.model
    def _for_administrators(self):
        """Return the model as superuser, in the language of the administrator who reads it."""
        return self.sudo().with_context(lang=self.env.ref("base.user_admin").lang)

    @api.model
    def _hear(self, key, verdict=None):
        """Have a check run now, as somebody met trouble with its subject, or the end of it.

        So there is one alarm for one broken thing, whoever finds it first.

        :param str key: of the check, e.g. ``"outgoing:3"``
        :param verdict: what is known already, kept until the check itself has looked
        """
        self = self._for_administrators()
        try:
            # Who met the trouble is at work: that must go on, whatever others do to the row.
            with self.env.cr.savepoint():
                if not self.search_count([("key", "=", key)]):
                    self._sync()
                check = self.search([("key", "=", key)])
                # A row that somebody holds is being looked at in this moment.
                if not check.try_lock_for_update():
                    return
                if verdict:
                    check._conclude(verdict)
                check.work = "queued"
                self.env.ref("notify_routing.ir_cron_check")._trigger()
        except OperationalError:
            _logger.info("Set-up check %s hears of it at its next turn", key)

    @api.model
    def _due(self):
        """Return the rows that are to be repeated now."""
        now = fields.Datetime.now()
        rows = self.search([("is_scheduled", "=", True), ("work", "=", False)])
        return rows.filtered(
            lambda row: not row.ran_at or row.ran_at + timedelta(hours=row.hours) <= now
        )

    def _run(self):
        """Run one check. What goes wrong in it is its result, and leaves others alone."""
        self.work = "running"
        self.env["ir.cron"]._commit_progress()
        try:
            verdict = self._work()
        except (OperationalError, ConcurrencyError):
            # Another transaction was in the way: the scheduled action comes again.
            raise
        except Exception as error:
            _logger.exception("Set-up check %s failed", self.key)
            verdict = self._failed(error)
        self._conclude(verdict)

    def _work(self):
        """Do the check and return its verdict.

        A long check is a generator: it yields how far it is, and each time that is committed.
        """
        with self.env.cr.savepoint():
            result = getattr(self, f"_check_{self.kind}")()
        while inspect.isgenerator(result):
            with self.env.cr.savepoint():
                try:
                    done, total = next(result)
                except StopIteration as end:
                    return end.value
            self.write({"done": done, "total": total})
            self.env["ir.cron"]._commit_progress()
        return result

    def _settle(self):
        """Conclude a check that waits for mail, once that has come or is overdue."""
        try:
            with self.env.cr.savepoint():
                verdict = getattr(self, f"_await_{self.kind}")()
        except (OperationalError, ConcurrencyError):
            raise
        except Exception as error:
            _logger.exception("Set-up check %s failed", self.key)
            verdict = self._failed(error)
        if verdict:
            self._conclude(verdict)

    def _failed(self, error):
        if isinstance(error, UserError):
            return Verdict("red", str(error))
        return Verdict(
            "red",
            self.env._("The check itself failed. See the server's log, and report this."),
            f"{type(error).__name__}: {error}",
        )

    def _conclude(self, verdict):
        """Keep a verdict; raise the alarm when it turns red, until it is red no more."""
        now = fields.Datetime.now()
        if verdict.state == "waiting":
            self.write(
                {"work": "waiting", "sentence": verdict.sentence, "evidence": verdict.evidence}
            )
            return
        before = self.state
        self.write(
            {
                "work": False,
                "state": verdict.state,
                "sentence": verdict.sentence,
                "evidence": verdict.evidence,
                "record": verdict.record,
                "ran_at": now,
                "since": self.since if verdict.state == before and self.since else now,
                "done": 0,
                "total": 0,
            }
        )
        if verdict.state != "red":
            self.activity_unlink([ALARM])
        elif before != "red":
            self._alarm()

    def _alarm(self):
        """Give everybody who is to know one activity."""
        # By mail it would not arrive, if it is mail that is broken; and many may turn red at once.
        check = self.with_context(mail_activity_quick_update=True)
        for user in self._alarmed():
            summary = check.with_context(lang=user.lang).display_name
            check.activity_schedule(ALARM, summary=summary, note=check.sentence, user_id=user.id)

    def _alarmed(self):
        """Return who is alarmed: administrators and the managers of notifications. Hook."""
        users = self.env.ref("base.group_system").all_user_ids
        users |= self.env["notify.fault"]._managers()
        users = users.filtered(lambda user: user.active and not user.share)
        company = self.company_id
        return users.filtered(lambda user: not company or company in user.company_ids)
