import logging
from datetime import timedelta

from odoo import SUPERUSER_ID, api, fields, models

from ...tools import reply_class
from ...tools.reply_class import Reply
from .parcel import Policy, Row

_logger = logging.getLogger(__name__)

#: Where answers and rows wait for the end of the transaction.
REPLY = "notify.delivery.reply"
ROWS = "notify.delivery.rows"


class NotifyDelivery(models.Model):
    """Rows of mails that Odoo's own loop sent: noted while it runs, made after it commits."""

    _inherit = "notify.delivery"

    @api.model
    def _note_trouble(self, reply):
        """Keep what a server answered for the row that comes; None if no server had a part."""
        if reply:
            self.env.cr.precommit.data[REPLY] = reply

    @api.model
    def _note(self, mails, success_pids, success_emails):
        """Note whom mails have reached, before Odoo deletes them."""
        reply = self.env.cr.precommit.data.pop(REPLY, None)
        data = self.env.cr.postcommit.data
        server = self.env["ir.mail_server"].browse(self.env.context.get("notify_server_id", []))
        if ROWS not in data:
            data[ROWS] = []
            self.env.cr.postcommit.add(self._make_noted)
        for mail in mails:
            recipients = self._addresses(mail)
            missed = [
                address
                for address, partner in recipients
                if not (partner in success_pids if partner else success_emails)
            ]
            trouble = reply or Reply("never", text=mail.failure_reason or "")
            if len(missed) > 1 and trouble.code:
                # Odoo stops at the first refusal; those behind it were not even asked for.
                trouble = Reply("later", trouble.code, trouble.enhanced, trouble.text)
            for address, partner in recipients:
                own = trouble if address in missed else Reply("sent", 250)
                data[ROWS].append(
                    {**self._row_values(mail, server, address, partner), **self._noted(own)}
                )

    def _noted(self, reply):
        now = fields.Datetime.now()
        policy = Policy(timedelta(days=2), False)
        outcome = policy.judge(reply, Row(0, 1, now), now)
        return {
            "state": outcome.state,
            "code": reply.code,
            "enhanced": reply.enhanced,
            "reply": reply.text,
            "attempts": 1,
            "date_first": now,
            "date_last": now,
            "date_sent": now if outcome.state == "sent" else False,
            "date_next": outcome.next,
            "history": False
            if outcome.state == "sent"
            else f"{fields.Datetime.to_string(now)} {reply}",
        }

    @api.model
    def _make_noted(self):
        """Write the rows in a transaction of their own: a post that sends at once pays nothing,
        and what cannot be written does not take back what was sent."""
        vals_list = self.env.cr.postcommit.data.pop(ROWS, [])
        try:
            with self.env.registry.cursor() as cr:
                env = api.Environment(cr, SUPERUSER_ID, {})
                env["notify.delivery"]._write_noted(vals_list)
        except Exception:
            _logger.exception("Mails that were sent are missing from the ledger: %s", vals_list)

    @api.model
    def _write_noted(self, vals_list):
        """Make or go on with the rows of mails that Odoo sent itself."""
        mails = self.env["mail.mail"].browse([vals["mail_mail_id"] for vals in vals_list]).exists()
        known = self._rows_of(mails)
        # Odoo deletes mails, and others delete messages and people, while mail is being sent.
        there = {
            name: set(self.env[model].browse({vals[name] for vals in vals_list} - {0}).exists().ids)
            for name, model in (
                ("mail_mail_id", "mail.mail"),
                ("mail_message_id", "mail.message"),
                ("partner_id", "res.partner"),
            )
        }
        new = []
        for vals in vals_list:
            row = known.get((vals["mail_mail_id"], vals["email"]))
            vals.update({name: False for name, ids in there.items() if vals[name] not in ids})
            if row:
                row.write({**vals, "attempts": row.attempts + 1, "date_first": row.date_first})
            else:
                new.append(vals)
        self.create(new)
        moments = [vals["date_next"] for vals in new if vals["date_next"]]
        if moments:
            self._trigger(min(moments))

    @api.model
    def _revive(self):
        """Put back into the queue what Odoo gave up on though it only has to wait; commits."""
        self.env.cr.execute(
            """
            UPDATE mail_mail
               SET state = 'outgoing', scheduled_date = NULL
              FROM notify_delivery row
             WHERE row.mail_mail_id = mail_mail.id
               AND row.state = 'retrying'
               AND row.date_next <= %s
               AND mail_mail.state = 'exception'
            """,
            [fields.Datetime.now()],
        )
        self.env["mail.mail"].invalidate_model(["state", "scheduled_date"])
        self.env.cr.commit()  # pylint: disable=invalid-commit


class IrMailServer(models.Model):
    """Door: what a server answered is heard before Odoo wraps it in its own error."""

    _inherit = "ir.mail_server"

    def _connect__(self, *args, **kwargs):
        try:
            return super()._connect__(*args, **kwargs)
        except Exception as error:
            self.env["notify.delivery"]._note_trouble(reply_class.of_connection(error))
            raise

    def send_email(self, *args, **kwargs):
        try:
            return super().send_email(*args, **kwargs)
        except Exception as error:
            if not self.env.context.get("notify_told"):
                self.env["notify.delivery"]._note_trouble(reply_class.of_exception(error))
            raise
