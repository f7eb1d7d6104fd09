import logging
from dataclasses import dataclass

from psycopg2 import errors

from odoo import api, fields, models
from odoo.tools import SQL

from ...tools.digest import files_of, without_files

_logger = logging.getLogger(__name__)

#: People of one transaction: enough to share queries, few enough to lose little and stay small.
PEOPLE = 500
#: First key of the advisory locks by which workers leave each other's people alone.
LOCK = 0x6E6F7469
#: How often the review looks again when other workers change what it is about to take.
TRIES = 5
RECHECKS = ("none", "exists", "unread")


@dataclass(slots=True)
class Held:
    """A held e-mail on its way.

    :param who: partner id, or address of somebody without one
    :param body: the message without files that were deleted meanwhile; None for as it is
    """

    id: int
    message_id: int
    partner_id: int | None
    email: str | None
    in_app: bool
    is_read: bool
    reason: str | None
    parameters: str | None
    body: str | None = None

    @property
    def who(self):
        return self.partner_id or self.email


class NotifyReview(models.AbstractModel):
    """The review: moves held e-mail that is due to the mail queue.

    All that is due for one person leaves in one transaction: as the mail that it would have been if
    it is one, else as one digest. Until it is committed all of it is still due, and afterwards all
    of it is in the queue: a review that is killed loses nothing and sends nothing twice.
    """

    _inherit = "notify.review"

    @api.model
    def _cron_review(self):
        """Let go what is due, in batches. Called by the scheduled action; several may run."""
        Cron = self.env["ir.cron"]
        seconds = Cron._commit_progress(remaining=self._count_due())
        while seconds > 0:
            done = self._review_batch()
            if not done:
                # What is due now, if anything, another worker has.
                Cron._commit_progress(remaining=0)
                break
            seconds = Cron._commit_progress(done)
            self.env.invalidate_all()

    @api.model
    def _review_batch(self):
        """Let go what is due for some people.

        :return: number of people; 0 if nothing is due that no other worker has
        """
        for _try in range(TRIES):
            try:
                held = self._claim()
            except errors.SerializationFailure:
                # Another worker was faster with somebody's rows; the next look does not see them.
                self.env.cr.rollback()
                self.env.invalidate_all()
                continue
            if held:
                self._release(held)
            return len({row.who for row in held})
        return 0

    @api.model
    def _count_due(self):
        """Return for how many people something is due."""
        self.env["mail.notification"].flush_model()
        ((count,),) = self.env.execute_query(
            SQL(
                """
                SELECT COUNT(DISTINCT (res_partner_id, mail_email_address))
                  FROM mail_notification WHERE notify_due <= %s
                """,
                fields.Datetime.now(),
            )
        )
        return count

    # ------------------------------------------------------------
    # CLAIM
    # ------------------------------------------------------------

    @api.model
    def _claim(self):
        """Lock all that is due for some people whom no other worker has.

        A person's mail must not be divided between workers, so that people are locked first, until
        the end of the transaction; rows that somebody changes just now stay for the next review.

        :return: list of :class:`Held`
        """
        now = fields.Datetime.now()
        self.env["mail.notification"].flush_model()
        people = self.env.execute_query(
            SQL(
                """
                SELECT * FROM (
                       SELECT DISTINCT res_partner_id, mail_email_address
                         FROM mail_notification
                        WHERE notify_due <= %s
                     ORDER BY 1, 2
                ) due
                 WHERE pg_try_advisory_xact_lock(
                       %s, COALESCE(res_partner_id, hashtext(mail_email_address)))
                 LIMIT %s
                """,
                now,
                LOCK,
                PEOPLE,
            )
        )
        if not people:
            return []
        return [
            Held(*values)
            for values in self.env.execute_query(
                SQL(
                    """
                      SELECT id, mail_message_id, res_partner_id, mail_email_address,
                             COALESCE(notify_in_app, FALSE), COALESCE(is_read, FALSE),
                             notify_reason, notify_parameters
                        FROM mail_notification
                       WHERE notify_due <= %s
                         AND (res_partner_id = ANY(%s)
                              OR (res_partner_id IS NULL AND mail_email_address = ANY(%s)))
                    ORDER BY mail_message_id
                         FOR NO KEY UPDATE SKIP LOCKED
                    """,
                    now,
                    [partner_id for partner_id, _address in people if partner_id],
                    [address for partner_id, address in people if not partner_id],
                )
            )
        ]

    # ------------------------------------------------------------
    # CHECK AGAIN
    # ------------------------------------------------------------

    @api.model
    def _recheck(self):
        """Return what is asked before held mail leaves, besides access: one of RECHECKS."""
        value = self.env["ir.config_parameter"].sudo().get_param("notify_routing.recheck")
        return value if value in RECHECKS else "exists"

    @api.model
    def _objections(self, held):
        """Return why some of the e-mail does not leave: ``{row id: reason}``; and write on the
        others what is left of them."""
        recheck = self._recheck()
        messages = self.env["mail.message"].sudo().browse({row.message_id for row in held})
        messages.fetch(["model", "res_id", "body"])
        partners = self.env["res.partner"].sudo().browse(
            {row.partner_id for row in held if row.partner_id}
        )  # fmt: skip
        partners.fetch(["active", "email_normalized"])
        existing = self._existing(messages)
        users = self._users_of(partners)
        refused = self._refused(held, users, existing)
        files = self._files(messages) if recheck != "none" else {}
        result = {}
        for row in held:
            message = messages.browse(row.message_id)
            partner = partners.browse(row.partner_id)
            if partner and not partner.active:
                result[row.id] = "inactive"
            elif partner and not partner.email_normalized:
                result[row.id] = "no_address"
            elif message.res_id not in existing.get(message.model, ()):
                result[row.id] = "gone"
            elif row.id in refused:
                result[row.id] = "no_access"
            elif recheck == "unread" and row.in_app and row.is_read:
                result[row.id] = "read"
            elif message.id in files and files[message.id] is None:
                result[row.id] = "gone"
            else:
                row.body = files.get(message.id)
        return result

    @api.model
    def _existing(self, messages):
        """Return which of the messages' documents exist: ``{model: {id, …}}``."""
        ids = {}
        for message in messages:
            if message.model in self.env and message.res_id:
                ids.setdefault(message.model, set()).add(message.res_id)
        return {
            model: set(self.env[model].sudo().browse(own).exists().ids)
            for model, own in ids.items()
        }

    @api.model
    def _users_of(self, partners):
        """Return the internal user of each partner who has one: ``{partner id: user}``."""
        users = self.env["res.users"].sudo().search_fetch(
            [("partner_id", "in", partners.ids), ("share", "=", False)], ["partner_id"]
        )  # fmt: skip
        return {user.partner_id.id: user for user in reversed(users)}

    @api.model
    def _refused(self, held, users, existing):
        """Return the ids of the rows of people who may not read the document any more.

        People without a user have no say in it: somebody put them there.
        """
        wanted = {}
        documents = {}
        for row in held:
            message = self.env["mail.message"].sudo().browse(row.message_id)
            user = users.get(row.partner_id)
            if user and message.res_id in existing.get(message.model, ()):
                documents[row.id] = (user, message.model, message.res_id)
                wanted.setdefault(message.model, {}).setdefault(user, set()).add(message.res_id)
        readable = {model: self._readable(model, own) for model, own in wanted.items()}
        return {
            row_id
            for row_id, (user, model, res_id) in documents.items()
            if res_id not in readable[model][user]
        }

    @api.model
    def _files(self, messages):
        """Return the messages of which files were deleted meanwhile.

        :return: ``{message id: what is left of its body, None for nothing}``
        """
        named = {message.id: files_of(message.body) for message in messages}
        ids = set().union(*named.values())
        if not ids:
            return {}
        gone = ids - set(self.env["ir.attachment"].sudo().browse(ids).exists().ids)
        return {
            message.id: without_files(message.body, gone)
            for message in messages
            if named[message.id] & gone
        }

    # ------------------------------------------------------------
    # LET GO
    # ------------------------------------------------------------

    @api.model
    def _release(self, held):
        """Move what is due for some people to the queue, or cancel it."""
        try:
            with self.env.cr.savepoint():
                self._release_people(held)
        except errors.OperationalError:
            raise
        except Exception:
            _logger.exception("Held mail could not leave together, it is tried one by one")
            self.env.invalidate_all(flush=False)
            self._release_one_by_one(held)

    @api.model
    def _release_one_by_one(self, held):
        """Whatever cannot be made a mail must not stand in the way of the others' mail."""
        people = {}
        for row in held:
            people.setdefault(row.who, []).append(row)
        for own in people.values():
            try:
                with self.env.cr.savepoint():
                    self._release_people(own)
            except errors.OperationalError:
                raise
            except Exception as error:
                _logger.exception("Held mail could not leave")
                self.env.invalidate_all(flush=False)
                self._end(own, "exception", failure=(str(error), "unknown"))

    @api.model
    def _release_people(self, held):
        objections = self._objections(held)
        self._cancel([row for row in held if row.id in objections], objections)
        people = {}
        for row in held:
            if row.id not in objections:
                people.setdefault(row.who, []).append(row)
        # What lost a file says something else than its message: only a digest can say that.
        plain = [own[0] for own in people.values() if len(own) == 1 and own[0].body is None]
        singles = {row.who for row in plain}
        self._send_plain(plain)
        self._send_digests({who: own for who, own in people.items() if who not in singles})
        if people:
            self.env.ref("mail.ir_cron_mail_scheduler_action").sudo()._trigger()

    @api.model
    def _cancel(self, held, reasons):
        """Keep why e-mail does not leave. Who is told in Odoo too still has it there."""
        if not held:
            return
        rows = self.env["mail.notification"].sudo().browse(row.id for row in held)
        self.env["notify.router"]._record(
            self.env["mail.message"], [row._held_decision(reasons[row.id]) for row in rows]
        )
        without = [row for row in held if reasons[row.id] == "no_address"]
        self._end(without, "exception", failure=("", "mail_email_missing"))
        self._end([row for row in held if row not in without], "canceled")

    @api.model
    def _end(self, held, status, failure=(None, None)):
        """Let rows wait no more. One that is in the Inbox as well is only there from now on."""
        rows = self.env["mail.notification"].sudo().browse(row.id for row in held)
        values = {"notify_due": False, "notify_left": fields.Datetime.now()}
        if failure[1]:
            values |= {"failure_reason": failure[0], "failure_type": failure[1]}
        in_app = rows.browse(row.id for row in held if row.in_app) if status == "canceled" else None
        if in_app:
            in_app.write(
                {
                    **values,
                    "notification_type": "inbox",
                    "notification_status": "sent",
                    "notify_in_app": False,
                }
            )
            rows -= in_app
        rows.write({**values, "notification_status": status})

    @api.model
    def _send_plain(self, held):
        """Make the mail that a message would have been, for those for whom it is all there is."""
        by_message = {}
        for row in held:
            by_message.setdefault((row.message_id, row.parameters), []).append(row)
        for (message_id, parameters), rows in by_message.items():
            message = self.env["mail.message"].sudo().browse(message_id)
            company = message.record_company_id or message.author_id.company_id
            document = self.env[message.model].browse(message.res_id)._fallback_lang()
            if company:
                document = document.with_company(company)
            document._notify_thread_by_email(
                message,
                self._recipients(document, rows),
                msg_vals=False,
                force_send=False,
                **self._load(parameters),
            )
            made = self.env["mail.notification"].sudo().browse(row.id for row in rows)
            made.mail_mail_id.notify_review = "plain"
            made.write({"notify_due": False, "notify_left": fields.Datetime.now()})

    @api.model
    def _recipients(self, document, rows):
        """Return recipients' data as ``_notify_thread`` had them, with the rows that exist."""
        partner_ids = [row.partner_id for row in rows if row.partner_id]
        known = self.env["mail.followers"]._get_recipient_data(
            document, "user_notification", False, partner_ids
        )
        known = known.get(document.id, {})
        return [
            {
                **(
                    known[row.partner_id]
                    if row.partner_id
                    else self.env["notify.router"]._address_data(row.email)
                ),
                "notif": "email",
                "notify_held_id": row.id,
            }
            for row in rows
        ]
