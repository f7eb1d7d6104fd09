from collections import Counter
from datetime import timedelta

from odoo import fields, models
from odoo.tools import SQL

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
#: So many mails an hour about one document does a person get; more is a storm.
STORM = 60


class IrMailServer(models.Model):
    """How many mails may leave now."""

    _inherit = "ir.mail_server"

    def _notify_allowed(self, mails):
        """Return the mails that may leave now; the others wait, and their rows say why."""
        now = fields.Datetime.now()
        if self.notify_broken_until and self.notify_broken_until > now:
            self._notify_let_wait(mails, self.notify_broken_until, self.notify_broken_reason)
            return mails.browse()
        mails = self._notify_calm_storms(mails, now)
        limited = [
            (self.notify_rate_minute, MINUTE, self.env._("Limit of mails a minute")),
            (self.notify_rate_day, DAY, self.env._("Limit of mails a day")),
        ]
        if not (self.notify_rate_domain or any(limit for limit, _period, _text in limited)):
            return mails
        # One worker after the other counts.
        self.env.cr.execute(SQL("SELECT id FROM ir_mail_server WHERE id = %s FOR UPDATE", self.id))
        for limit, period, text in limited:
            if limit:
                mails = self._notify_within(mails, limit, now - period, period, text)
        return self._notify_within_domains(mails, now) if self.notify_rate_domain else mails

    def _notify_let_wait(self, mails, moment, reason):
        if mails:
            Delivery = self.env["notify.delivery"]
            Delivery._postpone(mails, self, moment, reason)
            Delivery._trigger(moment)

    def _notify_within(self, mails, limit, since, period, text):
        left = limit - self.env["notify.delivery"].search_count(
            [("server_id", "=", self.id), ("date_last", ">", since)]
        )
        allowed = mails.browse()
        for mail in mails:
            count = len(self.env["notify.delivery"]._addresses(mail))
            # A mail to more than the limit would never leave.
            if count <= left or (left == limit and not allowed):
                allowed |= mail
                left -= count
        self._notify_let_wait(mails - allowed, since + 2 * period, text)
        return allowed

    def _notify_within_domains(self, mails, now):
        self.env.cr.execute(
            SQL(
                """
                SELECT split_part(email, '@', 2), count(*)
                  FROM notify_delivery
                 WHERE server_id = %s AND date_last > %s
              GROUP BY 1
                """,
                self.id,
                now - MINUTE,
            )
        )
        counts = Counter(dict(self.env.cr.fetchall()))
        allowed = mails.browse()
        for mail in mails:
            addresses = self.env["notify.delivery"]._addresses(mail)
            wanted = Counter(address.rpartition("@")[2] for address, _partner in addresses)
            fits = all(
                counts[domain] + count <= self.notify_rate_domain or not counts[domain]
                for domain, count in wanted.items()
            )
            if fits:
                allowed |= mail
                counts += wanted
        text = self.env._("Limit of mails a minute and domain")
        self._notify_let_wait(mails - allowed, now + MINUTE, text)
        return allowed

    def _notify_calm_storms(self, mails, now):
        """Hold back what one person gets about one document beyond all measure."""
        parameter = self.env["ir.config_parameter"].sudo().get_param
        limit = int(parameter("notify_routing.storm_limit", STORM))
        about = mails.filtered(lambda mail: mail.model and mail.res_id)
        if not limit or not about:
            return mails
        addresses = {
            mail: [address for address, _partner in self.env["notify.delivery"]._addresses(mail)]
            for mail in about
        }
        self.env.cr.execute(
            SQL(
                """
                SELECT email, res_model, res_id, count(*)
                  FROM notify_delivery
                 WHERE email IN %s AND date > %s AND state = 'sent'
              GROUP BY email, res_model, res_id
                """,
                tuple({one for some in addresses.values() for one in some}) or ("",),
                now - HOUR,
            )
        )
        counts = Counter({tuple(key): count for *key, count in self.env.cr.fetchall()})
        stormy = mails.browse()
        for mail in about:
            keys = [(address, mail.model, mail.res_id) for address in addresses[mail]]
            if any(counts[key] >= limit for key in keys):
                stormy |= mail
            counts.update(keys)
        text = self.env._("More than %s mails in an hour about the same document", limit)
        self._notify_let_wait(stormy, now + HOUR, text)
        return mails - stormy
