from datetime import timedelta

from odoo import api, fields, models

from ..sender.notify_check import Verdict

#: Days after which somebody should have looked at a message, if nobody chose otherwise.
PATIENCE = 3
#: So many messages in a day are no accident any more.
MANY = 20


class NotifyCheck(models.Model):
    """Messages in quarantine: does anybody look at them?"""

    _inherit = "notify.check"

    kind = fields.Selection(
        selection_add=[("quarantine", "Messages in quarantine")],
        ondelete={"quarantine": "cascade"},
    )

    @api.model
    def _checks(self):
        return [
            *super()._checks(),
            {
                "kind": "quarantine",
                "key": "quarantine",
                "topic": "incoming",
                "sequence": 58,
                "hours": 0,
                "is_scheduled": True,
            },
        ]

    @api.model
    def _quarantine_patience(self):
        """Return for how many days a message may wait for somebody to look at it."""
        value = self.env["ir.config_parameter"].sudo().get_param("notify_routing.quarantine_alarm")
        return int(value) if value and value.isdigit() and int(value) else PATIENCE

    def _check_quarantine(self):
        """No message waits for long, and not ever more of them come."""
        now = fields.Datetime.now()
        days = self._quarantine_patience()
        Quarantine = self.env["notify.quarantine"].sudo()
        waiting = [("stage", "=", "open")]
        late = Quarantine.search_count([*waiting, ("date", "<", now - timedelta(days=days))])
        new = Quarantine.search_count([*waiting, ("date", ">=", now - timedelta(days=1))])
        count = Quarantine.search_count(waiting)
        evidence = self.env._("Waiting: %(count)s. Of the last day: %(new)s.", count=count, new=new)
        if late:
            sentence = self.env._(
                "Messages in quarantine that nobody looked at for %(days)s days: %(count)s. Open "
                "Notifications, Mail, Quarantine; route or discard them.",
                days=days,
                count=late,
            )
            return Verdict("red", sentence, evidence)
        if new >= MANY:
            sentence = self.env._(
                "Messages that came into quarantine in a day: %(count)s. Group them by reason, "
                "mend what they have in common, and try them again.",
                count=new,
            )
            return Verdict("red", sentence, evidence)
        if count:
            sentence = self.env._("Messages in quarantine to look at: %(count)s.", count=count)
            return Verdict("amber", sentence, evidence)
        return Verdict("green", self.env._("No message waits in quarantine."), evidence)


class ResConfigSettings(models.TransientModel):
    """Door: how long a message may wait in quarantine."""

    _inherit = "res.config.settings"

    notify_quarantine_alarm = fields.Integer(
        "Alarm About Quarantine",
        default=PATIENCE,
        config_parameter="notify_routing.quarantine_alarm",
        help="Days after which managers are alarmed of a message in quarantine that nobody looked "
        "at.",
    )
