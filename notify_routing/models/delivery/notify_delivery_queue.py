import os
import socket
from datetime import timedelta

import psycopg2.errors

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.tools import SQL

from .courier import Courier
from .journal import write_outcomes
from .parcel import Item, Parcel, Row

#: How long a mail is reserved for the worker that took it; then it goes to another one.
LEASE = timedelta(minutes=10)
#: How many mails are taken from the queue at a time.
BATCH = 100
#: From so many mails on, other workers are called.
LONG = 2000
#: States in which a row still has something before it.
OPEN = ("waiting", "claimed", "retrying", "doubt")


class NotifyDelivery(models.Model):
    """The queue: mails are reserved, sent by a courier, and come back if need be.

    A reserved mail is one that is scheduled for the end of its lease: whoever reads the queue,
    Odoo itself included, leaves it alone until then, and nobody has to free it after a crash.
    """

    _inherit = "notify.delivery"

    @api.model
    def _work_queue(self):
        """Hook for extensions: do what the scheduled action of the queue is for."""
        self._call_helpers()
        return self._drain()

    @api.model
    def _drain(self):
        """Send all mail that is due, until there is none or the job's time is up."""
        Courier(self.env).work()
        return True

    @api.model
    def _call_helpers(self):
        """Have other workers share the queue if it is long; commits."""
        if self._count_due(LONG) == LONG:
            for number in (2, 3, 4):
                helper = self.env.ref(f"notify_routing.ir_cron_delivery_{number}", False)
                if helper:
                    helper.sudo()._trigger()
        self.env.cr.commit()  # pylint: disable=invalid-commit

    @api.model
    def _count_due(self, limit):
        """Return how many mails are due, counting no further than to a limit."""
        self.env.cr.execute(
            SQL(
                "SELECT count(*) FROM (SELECT 1 FROM mail_mail WHERE state = 'outgoing'"
                " AND (scheduled_date IS NULL OR scheduled_date <= %s) LIMIT %s) due",
                fields.Datetime.now(),
                limit,
            )
        )
        return self.env.cr.fetchone()[0]

    @api.model
    def _worker(self):
        """Return who works here, e.g. ``"odoo1:4711"``."""
        return f"{socket.gethostname()}:{os.getpid()}"

    @api.model
    def _claim(self, limit=BATCH):
        """Reserve the next mails of the queue, committed: direct ones first, then the oldest.

        :return: the mails, in the order in which they shall leave
        """
        for attempt in range(5):
            self.env.cr.commit()  # pylint: disable=invalid-commit
            try:
                return self.env["mail.mail"].browse(self._claim_ids(limit))
            except (psycopg2.errors.SerializationFailure, psycopg2.errors.DeadlockDetected):
                self.env.cr.rollback()
                if attempt == 4:
                    raise
        return self.env["mail.mail"]

    def _claim_ids(self, limit):
        now = fields.Datetime.now()
        self.env.cr.execute(
            SQL(
                """
                  WITH due AS (
                       SELECT id
                         FROM mail_mail
                        WHERE state = 'outgoing'
                          AND (scheduled_date IS NULL OR scheduled_date <= %(now)s)
                     ORDER BY notify_priority, id
                        LIMIT %(limit)s
                   FOR UPDATE SKIP LOCKED)
                UPDATE mail_mail
                   SET scheduled_date = %(lease)s
                  FROM due
                 WHERE mail_mail.id = due.id
             RETURNING mail_mail.notify_priority, mail_mail.id
                """,
                now=now,
                limit=limit,
                lease=now + LEASE,
            )
        )
        ids = [mail_id for _priority, mail_id in sorted(self.env.cr.fetchall())]
        self.env.cr.commit()  # pylint: disable=invalid-commit
        self.env.invalidate_all()
        return ids

    @api.model
    def _extend_leases(self, mail_ids):
        """Keep mails that are still under way; commits."""
        if mail_ids:
            self.env.cr.commit()  # pylint: disable=invalid-commit
            self._schedule_mails(mail_ids, fields.Datetime.now() + LEASE)
            self.env.cr.commit()  # pylint: disable=invalid-commit

    @api.model
    def _schedule_mails(self, mail_ids, moment):
        """Set when mails are due, past the ORM: nothing that listens to a mail is meant."""
        self.env.cr.execute(
            SQL(
                "UPDATE mail_mail SET scheduled_date = %s WHERE id IN %s AND state = 'outgoing'",
                moment or None,
                tuple(mail_ids),
            )
        )
        self.env["mail.mail"].browse(mail_ids).invalidate_recordset(["scheduled_date"])

    # ------------------------------------------------------------
    # ROWS
    # ------------------------------------------------------------

    @api.model
    def _postpone(self, mails, server, moment, reason):
        """Let mails wait that nobody tried to send, and say why on their rows."""
        known = self._rows_of(mails)
        vals_list, waiting = [], self.browse()
        values = {"state": "waiting", "date_next": moment, "reply": reason, "lease_until": False}
        for mail in mails:
            for address, partner in self._addresses(mail):
                row = known.get((mail.id, address))
                if row is None:
                    row_values = self._row_values(mail, server, address, partner)
                    vals_list.append({**row_values, **values})
                elif row.state in OPEN:
                    waiting |= row
        self._insert(vals_list)
        waiting.write(values)
        self._schedule_mails(mails.ids, moment)

    @api.model
    def _put_off(self, mails, server, trouble, policy):
        """Count an attempt that a server's trouble made vain, for all addresses of mails.

        Where nothing is left to send, as after a crash before the end of it, a mail is concluded.
        """
        now = fields.Datetime.now()
        mails -= self._conclude_settled(mails, policy)
        if not mails:
            return
        self._postpone(mails, server, now, "")
        rows = self.search([("mail_mail_id", "in", mails.ids), ("state", "=", "waiting")])
        moments, outcomes = {}, []
        for row in rows:
            outcome = policy.judge(trouble, Row(row.id, row.attempts + 1, row.date), now)
            outcomes.append((row.id, outcome))
            moments.setdefault(row.mail_mail_id.id, []).append(outcome.next)
            row.write({"attempts": row.attempts + 1, "date_first": row.date_first or now})
        self.env.flush_all()
        write_outcomes(self.env.cr, outcomes, now)
        self.env.invalidate_all()
        given_up = mails.filtered(lambda mail: None in moments.get(mail.id, [None]))
        for mail in mails - given_up:
            self._schedule_mails(mail.ids, min(moments[mail.id]))
            mail.failure_reason = str(trouble)
        if given_up:
            given_up.write(
                {
                    "state": "exception",
                    "failure_type": "mail_smtp",
                    "failure_reason": str(trouble),
                    "scheduled_date": False,
                }
            )
            given_up._postprocess_sent_message(
                success_pids=[],
                success_emails=[],
                failure_reason=str(trouble),
                failure_type="mail_smtp",
            )
        later = [min(moments[mail.id]) for mail in mails - given_up]
        if later:
            self._trigger(min(later))

    @api.model
    def _conclude_settled(self, mails, policy):
        """Conclude mails that have reached everybody, or were canceled; return them."""
        settled = self.env["mail.mail"]
        parcels = []
        rows = self.search([("mail_mail_id", "in", mails.ids)])
        for mail, own in rows.grouped("mail_mail_id").items():
            if set(own.mapped("state")) - {"sent", "canceled"}:
                continue
            parcel = Parcel(mail.id)
            for row in own:
                item = Item(parcel, row.partner_id, [row.email])
                item.outcomes[row.email] = row._settled(False, policy)
                parcel.items.append(item)
            parcels.append(parcel)
            settled |= mail
        if parcels:
            self._conclude(parcels)
        return settled

    @api.model
    def _free(self, letters):
        """Give back what a worker took and had no time for."""
        items = [letter.owner[0] for letter in letters]
        row_ids = [row.id for item in items for row in item.rows.values()]
        self.browse(row_ids).filtered(lambda row: row.state == "claimed").write(
            {"state": "waiting", "lease_until": False}
        )
        self._schedule_mails([item.parcel.mail_id for item in items], None)
        self._trigger()

    @api.model
    def _wake(self, domain):
        """Make mails due that wait, and have the queue worked on.

        :param list domain: of rows
        """
        rows = self.search([("state", "in", ("waiting", "retrying")), *domain])
        if rows:
            rows.write({"date_next": fields.Datetime.now()})
            self._schedule_mails(rows.mail_mail_id.ids or [0], None)
            self._trigger()

    @api.model
    def _trigger(self, moment=None):
        """Have the queue worked on, at once or later."""
        # sudo: whoever writes mail may have it sent
        self.env.ref("mail.ir_cron_mail_scheduler_action").sudo()._trigger(at=moment)

    # ------------------------------------------------------------
    # BUTTONS
    # ------------------------------------------------------------

    def _mails(self, *states):
        """Return the mails of the rows that are in a state, if they are still there."""
        return self.filtered(lambda row: row.state in states).mail_mail_id.sudo().exists()

    def action_retry(self):
        """Try again now, also what failed or is in doubt.

        :raise UserError: if Odoo has deleted the mails
        """
        self.check_access("read")
        mails = self._mails("waiting", "retrying", "failed", "doubt")
        if not mails:
            raise UserError(
                self.env._(
                    "Odoo deletes a mail once it is sent, and when its address does not exist. "
                    "Correct the address and write the message again."
                )
            )
        rows = self.sudo().filtered(lambda row: row.mail_mail_id in mails and row.state != "sent")
        rows.write(
            {"state": "waiting", "date_next": fields.Datetime.now(), "date": fields.Datetime.now()}
        )
        mails.write({"state": "outgoing", "scheduled_date": False, "failure_reason": False})
        self._notifications(rows).write(
            {"notification_status": "ready", "failure_type": False, "failure_reason": False}
        )
        self._trigger()

    def action_cancel(self):
        """Do not send any more."""
        self.check_access("read")
        rows = self.sudo().filtered(
            lambda row: row.state in ("waiting", "retrying", "doubt", "failed")
        )
        mails = rows.mail_mail_id.exists()
        rows.write({"state": "canceled", "date_next": False})
        self._notifications(rows).write({"notification_status": "canceled"})
        open_mails = (
            self.sudo()
            .search([("mail_mail_id", "in", mails.ids), ("state", "in", OPEN)])
            .mail_mail_id
        )
        (mails - open_mails).cancel()

    def action_accept(self):
        """Take what is in doubt for sent: somebody found out."""
        self.check_access("read")
        rows = self.sudo().filtered(lambda row: row.state == "doubt")
        rows.write({"state": "sent", "date_next": False})
        self._notifications(rows).write({"notification_status": "sent"})
        rows.mail_mail_id.exists().write({"state": "sent"})

    def _notifications(self, rows):
        """Return the notifications behind rows, as superuser."""
        notifications = self.env["mail.notification"].sudo()
        for row in rows.filtered("mail_message_id"):
            notifications |= row.mail_message_id.sudo().notification_ids.filtered(
                lambda notification, row=row: (
                    notification.notification_type == "email"
                    and (
                        notification.res_partner_id == row.partner_id
                        if row.partner_id
                        else notification.mail_email_address == row.email
                    )
                )
            )
        return notifications
