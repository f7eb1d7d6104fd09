import base64
import hashlib
import logging
import time
from datetime import timedelta
from email import policy
from email.parser import BytesHeaderParser

from psycopg2 import OperationalError
from psycopg2.errors import SerializationFailure
from psycopg2.extensions import TransactionRollbackError

from odoo import SUPERUSER_ID, api, fields, models
from odoo.tools import SQL, email_normalize

from ...tools import headers
from ...tools.incoming import Incoming
from .set_aside import SetAside

_logger = logging.getLogger(__name__)

#: Messages claimed at once; one that failed before is claimed alone, so that it harms nobody else.
CLAIM = 20
#: How long nobody else touches what was claimed; only a worker that was killed lets it run out.
LEASE = timedelta(minutes=15)
#: After so many tries a message is set aside, with the pauses in between.
MAX_TRIES = 3
PAUSE = timedelta(minutes=1)
#: After so many deaths of its workers as well, though most are no fault of the message.
MAX_KILLS = 6
#: What is no fault of the message, as a full disk, is waited out so long, with such pauses at most.
PATIENCE = timedelta(days=2)
LONGEST_PAUSE = timedelta(minutes=15)
#: Seconds after which the scheduled action says that it lives, and asks how long it may go on.
TELL = 1
#: How often a message is taken up again at once after a collision with another worker.
COLLISIONS = 5
#: Texts of headers that are kept for people to read.
HEADER_LENGTH = 500


#: What says something of this machine or of others, and nothing of the message.
OUTSIDE = (OSError, OperationalError)


class WorkerKilled(Exception):
    """Whoever processed a message did not live to tell."""


class NotifyIntake(models.Model):
    """A raw message as it came, until it is routed; then a trace of it, without its content.

    It is stored and committed before anything looks into it: what goes wrong later cannot lose it.
    """

    _name = "notify.intake"
    _description = "Incoming Message"
    _order = "id DESC"
    _rec_name = "subject"
    _log_access = False

    server_id = fields.Many2one(
        "fetchmail.server", string="Mailbox", ondelete="set null", index="btree_not_null"
    )
    company_id = fields.Many2one("res.company", ondelete="set null", index=True)
    model_id = fields.Many2one("ir.model", string="Document Type", ondelete="set null")
    identity = fields.Char(
        required=True, help="The same for each copy of a message, however often it is fetched."
    )
    raw = fields.Binary("Original", attachment=False)
    size = fields.Integer("Octets", aggregator=False)
    date = fields.Datetime("Fetched", default=fields.Datetime.now, required=True)

    subject = fields.Char()
    email_from = fields.Char("From")
    email_to = fields.Char("To")
    message_id = fields.Char("Message-Id")

    state = fields.Selection(
        [("waiting", "Waiting"), ("done", "Done"), ("quarantine", "In Quarantine")],
        default="waiting",
        required=True,
    )
    outcome = fields.Selection(
        [
            ("posted", "Posted"),
            ("automatic", "Filed as automatic answer"),
            ("bounce", "Bounce, marked"),
            ("notice", "Delivery notice, noted"),
            ("complaint", "Complaint, acted upon"),
            ("unknown_notice", "Notice about no mail of ours"),
            ("duplicate", "Was there before"),
            ("refused", "Refused, the sender was told"),
            ("ignored", "Ignored"),
        ],
    )
    mail_message_id = fields.Many2one(
        "mail.message", string="Message", ondelete="set null", index="btree_not_null"
    )
    tries = fields.Integer(default=0, required=True)
    next_try = fields.Datetime(default=fields.Datetime.now, required=True)
    error = fields.Text("What Went Wrong")

    _identity_uniq = models.UniqueIndex("(identity)")
    _waiting_idx = models.Index("(next_try, id) WHERE state = 'waiting'")
    _correspondent_idx = models.Index("(email_from, date) WHERE outcome IS NOT NULL")

    # ------------------------------------------------------------
    # STORE
    # ------------------------------------------------------------

    @api.model
    def _store(self, raws, server=None, state="waiting"):
        """Store raw messages; one that is there already is left alone.

        :param raws: messages as octets
        :param server: the ``fetchmail.server`` they come from, if any
        :param str state: of the new rows
        :return: the new rows
        """
        if not raws:
            return self
        rows = {}
        companies = self._companies()
        for raw in raws:
            row = self._describe(raw)
            row["company_id"] = self._company_of(row["email_to"] or "", companies)
            rows.setdefault(row["identity"], row)
        now = fields.Datetime.now()
        common = {
            "server_id": server.id if server else None,
            "model_id": (server and server.object_id.id) or None,
            "state": state,
            "tries": 0,
            "date": now,
            "next_try": now,
        }
        names = [*next(iter(rows.values())), *common]
        found = self.env.execute_query(
            SQL(
                """
                INSERT INTO notify_intake (%s) VALUES %s
                    ON CONFLICT (identity) DO NOTHING
                RETURNING id
                """,
                SQL(", ").join(map(SQL.identifier, names)),
                SQL(", ").join((*row.values(), *common.values()) for row in rows.values()),
            )
        )
        return self.browse(row[0] for row in found)

    @api.model
    def _describe(self, raw):
        """Return what a row says of a message: ``{"identity": …, "subject": …, "raw": …}``."""
        header = BytesHeaderParser(policy=policy.compat32).parsebytes(raw)
        message_id = headers.first(header, "Message-Id")
        senders = headers.addresses(header, "From")

        def text(*names):
            values = map(headers.readable, headers.raw_values(header, *names))
            return ", ".join(values)[:HEADER_LENGTH] or None

        return {
            "identity": hashlib.sha256(message_id.encode("utf-8", "replace") or raw).hexdigest(),
            "raw": base64.b64encode(raw),
            "size": len(raw),
            "subject": text("Subject"),
            "email_from": (senders and email_normalize(senders[0])) or text("From"),
            "email_to": text("To", "Delivered-To"),
            "message_id": headers.readable(message_id)[:HEADER_LENGTH] or None,
        }

    @api.model
    def _companies(self):
        """Return domain → company, of domains that only one company uses."""
        return {
            domain.name.lower(): domain.company_ids.id
            for domain in self.env["mail.alias.domain"].sudo().search([])
            if len(domain.company_ids) == 1
        }

    @api.model
    def _company_of(self, text, companies):
        """Return the id of the company that a message is meant for if there is no doubt, or None.

        :param str text: the addresses it was sent to
        :param dict companies: see :meth:`_companies`
        """
        text = text.lower()
        found = {company for domain, company in companies.items() if f"@{domain}" in text}
        return found.pop() if len(found) == 1 else None

    # ------------------------------------------------------------
    # WORK
    # ------------------------------------------------------------

    @api.model
    def _cron_work(self):
        """Route what waits, then say when there is more to do."""
        self._work()
        self._wake()

    @api.model
    def _work(self):
        """Route messages that wait until none is left or the time is up.

        Any number of workers can do this at a time, on any number of machines.

        :return: how many messages were looked at
        """
        count, told = 0, time.monotonic()
        while claimed := self._claim():
            if not count and len(claimed) == CLAIM:
                # There is enough for one more worker.
                self._wake()
            for number, message in enumerate(claimed, 1):
                message._work_one()
                count += 1
                if time.monotonic() < told + TELL:
                    continue
                if not self.env["ir.cron"]._commit_progress():
                    claimed[number:]._release()
                    return count
                told = time.monotonic()
        return count

    @api.model
    def _wake(self):
        """Have the scheduled action run when the next message is due, if there is one."""
        due = self.search([("state", "=", "waiting")], order="next_try", limit=1).next_try
        if due:
            cron = self.env.ref("notify_routing.ir_cron_notify_intake", raise_if_not_found=False)
            if cron:
                cron.sudo()._trigger(at=due)

    @api.model
    def _claim(self):
        """Reserve messages for this worker and count the try, before anything can go wrong.

        What never failed comes first, and together; what did comes alone.
        """
        for only_new in (True, False):
            while True:
                try:
                    claimed = self._reserve(only_new)
                    break
                except SerializationFailure:
                    # Another worker took one of them in this very moment.
                    self.env.cr.rollback()  # pylint: disable=invalid-commit
            if claimed:
                self.env.cr.commit()  # pylint: disable=invalid-commit
                self.invalidate_model()
                return claimed
        return self.browse()

    @api.model
    def _reserve(self, only_new):
        now = fields.Datetime.now()
        found = self.env.execute_query(
            SQL(
                """
                   UPDATE notify_intake
                      SET tries = tries + 1, next_try = %(lease)s
                    WHERE id IN (
                          SELECT id FROM notify_intake
                           WHERE state = 'waiting' AND next_try <= %(now)s
                             AND (tries = 0) = %(only_new)s
                           ORDER BY id LIMIT %(limit)s
                             FOR UPDATE SKIP LOCKED)
                RETURNING id
                """,
                lease=now + LEASE,
                now=now,
                only_new=only_new,
                limit=CLAIM if only_new else 1,
            )
        )
        return self.browse(sorted(row[0] for row in found))

    def _release(self):
        """Give back what was claimed and not looked at."""
        if self:
            self.write({"next_try": fields.Datetime.now(), "tries": 0})
            self.env.cr.commit()  # pylint: disable=invalid-commit

    def _work_one(self):
        """Route one message, and commit; if that fails, note why, and commit."""
        self.ensure_one()
        message, cr = self.with_context(bin_size=False), self.env.cr
        for collisions_left in reversed(range(COLLISIONS)):
            try:
                if not message.try_lock_for_update():
                    return
                # In one query with all that is asked of it later.
                message.fetch(["state", "tries", "server_id", "model_id", "raw"])
                if message.state != "waiting":
                    return
                if message.tries > MAX_KILLS:
                    raise WorkerKilled(
                        self.env._("Workers that processed it were killed %s times.", MAX_KILLS)
                    )
                message._route()
                cr.commit()  # pylint: disable=invalid-commit
                return
            except Exception as error:  # noqa: BLE001, whatever it does must not stop the others
                cr.rollback()  # pylint: disable=invalid-commit
                self.env.invalidate_all()
                if collisions_left and isinstance(error, TransactionRollbackError):
                    # Somebody wrote on the same document in this moment.
                    continue
                self._note(error)
                cr.commit()  # pylint: disable=invalid-commit
                return

    def _route(self, **context):
        """Hand the message to Odoo, through the doors of this house.

        :param context: ``notify_accept`` to trust the sender, ``notify_document`` to post it on
            ``(model, id)`` whatever it says
        """
        self.ensure_one()
        server = self.server_id
        incoming = Incoming(self)
        # Whoever asks for it, it is Odoo that takes the message in.
        thread = self.env["mail.thread"].with_user(SUPERUSER_ID)
        thread = thread.with_context(notify_incoming=incoming, **context)
        if server:
            thread = thread.with_context(default_fetchmail_server_id=server.id)
        result = thread.message_process(
            self.model_id.model,
            self._octets(),
            save_original=server.original,
            strip_attachments=bool(server) and not server.attach,
        )
        # Odoo says so of a message whose id it has posted before.
        otherwise = "duplicate" if result is False else "ignored"
        self.write(
            {
                "state": "done",
                "outcome": incoming.outcome or otherwise,
                "mail_message_id": incoming.mail_message_id,
                "raw": False,
                "error": False,
            }
        )

    def _octets(self):
        return base64.b64decode(self.with_context(bin_size=False).raw or b"")

    def _note(self, error):
        """Note why a message could not be routed: it is set aside, or is tried again later."""
        Quarantine = self.env["notify.quarantine"]
        # An error may quote the message.
        text = headers.storable(f"{type(error).__name__}: {error}")
        if isinstance(error, SetAside):
            Quarantine._keep(self, error.reason, headers.storable(str(error)), error.document)
        elif isinstance(error, OUTSIDE) and fields.Datetime.now() - self.date < PATIENCE:
            _logger.warning("Incoming message %s waits: %s", self.id, error)
            age = fields.Datetime.now() - self.date
            self.write(
                {
                    "error": text,
                    "next_try": fields.Datetime.now() + max(PAUSE, min(age / 4, LONGEST_PAUSE)),
                    # It is tried alone, as all that failed, and no try is used up.
                    "tries": 1,
                }
            )
        elif self.tries >= MAX_TRIES:
            _logger.warning("Set aside incoming message %s", self.id, exc_info=error)
            Quarantine._keep(self, "failed", text)
        else:
            _logger.info("Incoming message %s is tried again", self.id, exc_info=error)
            self.write(
                {
                    "error": text,
                    "next_try": fields.Datetime.now() + PAUSE * 4 ** (self.tries - 1),
                }
            )

    @api.autovacuum
    def _gc_done(self):
        """Forget the traces of what was routed long ago; quarantine has a time of its own."""
        days = int(
            self.env["ir.config_parameter"].sudo().get_param("notify_routing.intake_days", 90)
        )
        before = fields.Datetime.now() - timedelta(days=days)
        self.search([("state", "=", "done"), ("date", "<", before)], limit=10_000).unlink()
