from datetime import timedelta

from odoo import api, fields, models

from .notify_check import LATE, Verdict

#: Minutes for which a mail may wait in the queue.
QUEUE_LATE, QUEUE_TOO_LATE = 15, 60


class NotifyCheck(models.Model):
    """What works in the background, and what other addons do to it."""

    _inherit = "notify.check"

    @api.model
    def _checks(self):
        checks = super()._checks()
        for cron in self._jobs():
            checks.append(
                {
                    "kind": "job",
                    "key": f"job:{cron.id}",
                    "target": cron.name,
                    "topic": "job",
                    "sequence": 80,
                    "res_model": "ir.cron",
                    "res_id": cron.id,
                    "hours": 0,
                    "is_scheduled": True,
                }
            )
        return [
            *checks,
            {
                "kind": "queue",
                "key": "queue",
                "topic": "outgoing",
                "sequence": 35,
                "hours": 0,
                "is_scheduled": True,
            },
            {
                "kind": "addons",
                "key": "addons",
                "topic": "job",
                "sequence": 90,
                "hours": 24,
                "is_scheduled": True,
            },
        ]

    # ------------------------------------------------------------
    # SCHEDULED ACTIONS
    # ------------------------------------------------------------

    @api.model
    def _jobs(self):
        """Return the scheduled actions that mail needs, switched off ones included. Hook."""
        Cron = self.env["ir.cron"].sudo().with_context(active_test=False)
        data = self.env["ir.model.data"].sudo().search(
            [("model", "=", "ir.cron"), ("module", "=like", "notify_routing%")]
        )  # fmt: skip
        jobs = Cron.browse(data.mapped("res_id")).exists()
        # Which checks is what `_is_stalled` is for: it cannot find itself late.
        jobs -= self.env.ref("notify_routing.ir_cron_check").sudo()
        queue = self.env.ref("mail.ir_cron_mail_scheduler_action", raise_if_not_found=False)
        return jobs | (queue or Cron).sudo()

    def _check_job(self):
        """The scheduled action is on, comes in time, and does not fail."""
        return self._judge_job(self.env["ir.cron"].sudo().browse(self.res_id))

    @api.model
    def _judge_job(self, job):
        """Return the verdict on a scheduled action as it is now.

        :param job: the ``ir.cron``
        """
        if not job.active:
            sentence = self.env._("This scheduled action is switched off. Switch it on again.")
            return Verdict("red", sentence)
        evidence = self.env._(
            "Last run: %(last)s. Next run: %(next)s (UTC).",
            last=job.lastcall or "–",
            next=job.nextcall,
        )
        late = fields.Datetime.now() - job.nextcall
        if late > timedelta(minutes=LATE):
            sentence = self.env._(
                "This should have run %(minutes)s minutes ago. Check that Odoo's cron workers run "
                "(max_cron_threads), and that no other scheduled action holds them up.",
                minutes=int(late.total_seconds() // 60),
            )
            return Verdict("red", sentence, evidence)
        if job.failure_count:
            sentence = self.env._(
                "This failed %(count)s times in a row; Odoo switches it off if that goes on. See "
                "the server's log.",
                count=job.failure_count,
            )
            return Verdict("amber", sentence, evidence)
        return Verdict("green", self.env._("Runs in time."), evidence)

    # ------------------------------------------------------------
    # QUEUE
    # ------------------------------------------------------------

    def _check_queue(self):
        """Mail leaves in time."""
        figures = self._queue_figures()
        minutes = figures["oldest_seconds"] // 60
        day = fields.Datetime.now() - timedelta(days=1)
        failed = (
            self.env["mail.mail"]
            .sudo()
            .search_count([("state", "=", "exception"), ("write_date", ">=", day)])
        )
        evidence = self.env._(
            "Waiting: %(waiting)s. Failed in the last day: %(failed)s.",
            waiting=figures["waiting"],
            failed=failed,
        )
        if minutes >= QUEUE_LATE:
            sentence = self.env._(
                "Mails that wait to leave: %(count)s, the oldest for %(minutes)s minutes. Look "
                "at the outgoing servers, and at the scheduled action that sends.",
                count=figures["waiting"],
                minutes=minutes,
            )
            return Verdict("red" if minutes >= QUEUE_TOO_LATE else "amber", sentence, evidence)
        if failed:
            sentence = self.env._(
                "Mails that failed in the last day: %(count)s. Look at them under Settings, "
                "Technical, Emails: each says why.",
                count=failed,
            )
            return Verdict("amber", sentence, evidence)
        return Verdict("green", self.env._("Nothing waits for long."), evidence)

    # ------------------------------------------------------------
    # OTHER ADDONS
    # ------------------------------------------------------------

    @api.model
    def _conflicts(self):
        """Return addons that get in the way, with advice: ``{module: sentence}``. Hook."""
        return {
            "mail_outbound_static": self.env._(
                "takes From from another server than the one that sends. Let a sender policy do "
                "it, and uninstall the addon."
            ),
            "mail_multicompany": self.env._(
                "forces a server per company and keeps From from being adapted to it. Let the "
                "sender policies of each company do it, and uninstall the addon."
            ),
            "mail_show_follower": self.env._(
                "writes a list of followers into the text, twice if a mail is tried again. “Who "
                "was told and why” shows it without."
            ),
            "fetchmail_notify_error_to_sender": self.env._(
                "loses its notice when a message fails. Failed messages are kept and shown to "
                "managers without it."
            ),
            "fetchmail_thread_default": self.env._(
                "sends mail that nobody expects to one document. Check that it does not take "
                "answers that belong elsewhere."
            ),
            "mail_no_user_assign_notification": self.env._(
                "silences assignments. A scheme that tells of them stays silent too."
            ),
            "mute_notification_user_autosubscribe": self.env._(
                "silences the mail about assignments. A scheme does the same, and says why."
            ),
            "mail_activity_reminder": self.env._(
                "is silent once an activity is overdue. Deadline alerts are not."
            ),
            "mail_digest": self.env._(
                "collects mails too. Use the schedules of the preferences instead."
            ),
        }

    def _check_addons(self):
        """No installed addon works against this one."""
        conflicts = self._conflicts()
        found = self.env["ir.module.module"].sudo().search(
            [("name", "in", list(conflicts)), ("state", "=", "installed")], order="name"
        )  # fmt: skip
        if not found:
            sentence = self.env._("No addon is installed that is known to get in the way.")
            return Verdict("green", sentence)
        return Verdict(
            "amber",
            self.env._("These addons do work of this one differently; each says what to do:")
            + "\n"
            + "\n".join(f"{addon.name} {conflicts[addon.name]}" for addon in found),
            "\n".join(f"{addon.name} {addon.installed_version}" for addon in found),
        )
