import logging
from collections import defaultdict
from datetime import UTC

from psycopg2 import OperationalError

from odoo import api, fields, models
from odoo.exceptions import UserError

from ...tools.deadline import last_round, round_to_make_up

_logger = logging.getLogger(__name__)

#: People alerted in one transaction.
BATCH = 50


class NotifyDeadline(models.Model):
    """The job: every company's alerts leave once a day, at the company's hour."""

    _inherit = "notify.deadline"

    @api.model
    def _cron_alert(self):
        """Alert the people of all companies whose hour has come, and wake up at the next hour."""
        for company in self.env["res.company"].search([("active", "=", True)]):
            day = self._due_round(company)
            if day and not self._run_round(company, day):
                # Time is up: the rest follows at once in another run.
                self.env.ref("notify_routing.ir_cron_deadline")._trigger()
                return
        self._wake()

    @api.model
    def _wake(self):
        """Let the job be woken at the next hour of any company."""
        if not self.sudo().search_count([], limit=1):
            return
        companies = self.env["res.company"].sudo().search([("active", "=", True)])
        at = min(company._notify_next_alert_at() for company in companies)
        cron = self.env.ref("notify_routing.ir_cron_deadline")
        waiting = self.env["ir.cron.trigger"].sudo()
        if not waiting.search_count([("cron_id", "=", cron.id), ("call_at", "=", at)], limit=1):
            cron._trigger(at)

    @api.model
    def _due_round(self, company):
        """Return the day whose alerts have to leave now, ``None`` if there are none."""
        now = fields.Datetime.now().replace(tzinfo=UTC)
        zone, _known = company._notify_zone()
        hour = company.notify_alert_hour
        if not company.notify_alert_day or not self.search_count([], limit=1):
            # Who switches on a first deadline is not alerted at once, but at the next hour.
            latest = last_round(now, hour, zone)
            if company.notify_alert_day != latest:
                company.notify_alert_day = latest
            return None
        return round_to_make_up(company.notify_alert_day, now, hour, zone)

    @api.model
    def _run_round(self, company, day):
        """Alert the people of a company, in batches that are committed.

        What goes wrong with one deadline, or with one person, stops nobody else's alerts.

        :param day: in the company's time zone
        :return: whether all is done
        """
        by_person = defaultdict(list)
        for deadline in self.search([("active", "=", True)]):
            for item in deadline._items_or_alarm(company, day):
                by_person[item.partner_id].append(item)
        people = self.env["res.partner"].browse(sorted(by_person))
        IrCron = self.env["ir.cron"]
        try:
            for start in range(0, len(people), BATCH):
                batch = people[start : start + BATCH]
                for partner in batch:
                    self._tell_or_alarm(company, day, partner, by_person[partner.id])
                self.env.ref("mail.ir_cron_mail_scheduler_action")._trigger()
                left = len(people) - start - len(batch)
                if not IrCron._commit_progress(len(batch), remaining=left) and left:
                    return False
            company.notify_alert_day = day
            IrCron._commit_progress()
        except OperationalError:
            # Another worker was at the same people: what it did not tell, the next run does.
            _logger.info("The alerts of company %s are being sent already", company.id)
            self.env.cr.rollback()
        return True

    def _items_or_alarm(self, company, day):
        """Return the items of a deadline; none, and an alarm, if it cannot be followed."""
        self.ensure_one()
        try:
            with self.env.cr.savepoint():
                items = self._items(company, day)
        except OperationalError:
            raise
        except Exception as error:
            _logger.warning("The deadline %s does not work", self.id, exc_info=True)
            self.env.invalidate_all(flush=False)
            self._alarm(self._words(error))
            return []
        if items and not company._notify_zone()[1]:
            self._alarm(
                self.env._(
                    "The company %(company)s has a time zone that does not exist, “%(zone)s”: its "
                    "alerts leave by UTC until you choose another one.",
                    company=company.name,
                    zone=company.notify_alert_tz,
                )
            )
        return items

    def _words(self, error):
        """Return a sentence for managers about what went wrong."""
        if isinstance(error, UserError):
            return str(error)
        return self.env._(
            "The deadline “%(deadline)s” cannot be followed: %(error)s",
            deadline=self.name,
            error=error,
        )

    @api.model
    def _tell_or_alarm(self, company, day, partner, items):
        """Alert a person; if that does not work, the others are alerted all the same."""
        try:
            with self.env.cr.savepoint():
                self.env["notify.deadline.alert"].with_context(
                    tracking_disable=True, mail_create_nosubscribe=True, mail_create_nolog=True
                )._tell(company, day, partner, items)
        except OperationalError:
            raise
        except Exception as error:
            _logger.warning("Partner %s could not be alerted", partner.id, exc_info=True)
            self.browse(items[0].deadline_id)._alarm(
                self.env._(
                    "%(person)s could not be alerted: %(error)s",
                    person=partner.display_name,
                    error=error,
                )
            )
