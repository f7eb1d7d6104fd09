from datetime import timedelta

from odoo import api, fields, models
from odoo.tools import SQL

from ..sender.notify_check import Verdict

#: How long a mail may wait for its server; longer than the second, no single address is at fault
#: if there are many.
LATE, TOO_LATE = timedelta(hours=1), timedelta(hours=4)
MANY = 10
#: From so many failures in a day on, and if they are that part of all mail, something is broken.
FAILURES, PART = 20, 0.25


class NotifyCheck(models.Model):
    """Mail under way: does it leave in the end, and does the queue use every server?"""

    _inherit = "notify.check"

    kind = fields.Selection(
        selection_add=[("delivery", "E-mails under way")], ondelete={"delivery": "cascade"}
    )

    @api.model
    def _checks(self):
        return [
            *super()._checks(),
            {
                "kind": "delivery",
                "key": "delivery",
                "topic": "outgoing",
                "sequence": 36,
                "hours": 0,
                "is_scheduled": True,
            },
        ]

    def _check_outgoing(self):
        """A server that answers may still be left alone by the queue."""
        verdict = super()._check_outgoing()
        server = self.env["ir.mail_server"].sudo().browse(self.res_id)
        paused = server.notify_broken_until and server.notify_broken_until > fields.Datetime.now()
        if verdict.state == "red" or not paused:
            return verdict
        return self._paused(server, server.notify_broken_reason or "")

    @api.model
    def _paused(self, server, reason):
        """Return the verdict on a server that the queue leaves alone for a while."""
        sentence = self.env._(
            "The queue leaves the server “%(server)s” alone until %(time)s (UTC): it broke down "
            "while mail was sent. Mend what it answered, then press “Try Again Now” on its form.",
            server=server.name,
            time=fields.Datetime.to_string(server.notify_broken_until),
        )
        return Verdict("red", sentence, reason)

    def _check_delivery(self):
        """Nothing is tried again for too long, nothing is in doubt, and not much fails."""
        now = fields.Datetime.now()
        self.env.flush_all()
        ((late, too_late, doubt),) = self.env.execute_query(
            SQL(
                """
                SELECT count(*) FILTER (WHERE date < %s AND state IN ('waiting', 'retrying')),
                       count(*) FILTER (WHERE date < %s AND state = 'retrying'),
                       count(*) FILTER (WHERE state = 'doubt')
                  FROM notify_delivery
                 WHERE state IN ('waiting', 'claimed', 'retrying', 'doubt')
                """,
                now - LATE,
                now - TOO_LATE,
            )
        )
        ((failed, settled),) = self.env.execute_query(
            SQL(
                """
                SELECT count(*) FILTER (WHERE state IN ('failed', 'bounced')), count(*)
                  FROM notify_delivery
                 WHERE date >= %s AND state IN ('sent', 'failed', 'bounced')
                """,
                now - timedelta(days=1),
            )
        )
        evidence = self.env._(
            "Waiting for more than an hour: %(late)s. In doubt: %(doubt)s. Failed in the last day: "
            "%(failed)s of %(all)s.",
            late=late,
            doubt=doubt,
            failed=failed,
            all=settled,
        )
        if too_late >= MANY:
            sentence = self.env._(
                "E-mails that are tried again for more than four hours: %(count)s. Open "
                "Notifications, Mail, E-Mails, and mend what the servers answer.",
                count=too_late,
            )
            return Verdict("red", sentence, evidence)
        if failed >= FAILURES and failed >= PART * settled:
            sentence = self.env._(
                "E-mails that failed in the last day: %(failed)s of %(all)s. Open Notifications, "
                "Mail, E-Mails, group the failed ones by status code, and mend what most have in "
                "common.",
                failed=failed,
                all=settled,
            )
            return Verdict("red", sentence, evidence)
        if late or doubt:
            sentence = self.env._(
                "E-mails that wait for more than an hour: %(late)s, in doubt: %(doubt)s. Each one "
                "says why under Notifications, Mail, E-Mails.",
                late=late,
                doubt=doubt,
            )
            return Verdict("amber", sentence, evidence)
        return Verdict("green", self.env._("Nothing is stuck."), evidence)
