"""One run through the queue: Odoo's work in this thread, SMTP in those of the pools."""

from __future__ import annotations

import contextlib
import logging
import time
from datetime import timedelta
from email import message_from_bytes
from email.policy import SMTP

import psycopg2.errors

from odoo import fields
from odoo.tools import email_normalize, exception_to_unicode, str2bool
from odoo.tools import mail as mail_tools
from odoo.tools.mail import email_split_and_format_normalize

from odoo.addons.base.models.ir_mail_server import MailDeliveryException

from ...tools.mail_memory import remembering
from ...tools.reply_class import Reply
from ...tools.smtp_handover import Handover, Refusal
from .journal import Journal, write_outcomes
from .line import AHEAD, Line
from .mail_mail import FileElsewhere, is_changed
from .parcel import Outcome, Parcel, Policy

_logger = logging.getLogger(__name__)

#: So many answered mails are concluded in one transaction, or those of so many seconds.
GROUP = 50
PAUSE = 1
#: Seconds between two extensions of the leases.
EXTEND = 120


class Courier:
    """Takes mails from the queue until it is empty or the time is up.

    :param env: of a scheduled action: it commits
    """

    def __init__(self, env):
        self.env = env
        self.Delivery = env["notify.delivery"]
        parameter = env["ir.config_parameter"].sudo().get_param
        self.policy = Policy(
            limit=timedelta(hours=float(parameter("notify_routing.retry_hours") or 48)),
            hold_doubt=str2bool(parameter("notify_routing.hold_doubt") or "", False),
        )
        #: Server's id, 0 for the configuration file's.
        self.lines: dict[int, Line] = {}
        self.parcels: dict[int, Parcel] = {}
        self.extended = self.concluded = time.monotonic()
        self.cursor = env.registry.cursor
        #: Whether others want to hear from Odoo's method what became of a message.
        self.listened = is_changed(env["ir.mail_server"], "send_email")

    def work(self) -> None:
        self.Delivery._revive()
        try:
            with remembering(mail_tools):
                self._work()
        finally:
            self._close()

    def _work(self) -> None:
        more = True
        while more:
            mails = self.Delivery._claim()
            more = bool(mails)
            self._send(mails)
            self._collect()
            while any(line.pool.waiting > AHEAD for line in self.lines.values()):
                self._collect(wait=1)
            if self.env["ir.cron"]._commit_progress(len(mails), remaining=int(more)) <= 0:
                break
        while self.parcels:
            self._collect(wait=1)

    # ------------------------------------------------------------
    # OUT
    # ------------------------------------------------------------

    def _send(self, mails) -> None:
        for server_id, alias_domain_id, smtp_from, ids in mails._split_by_mail_configuration():
            server = self.env["ir.mail_server"].browse(server_id or [])
            batch = mails.browse(ids)
            if server.owner_user_id or is_changed(mails, "_send"):
                self._send_as_odoo_does(batch)
                continue
            if server and not batch._filter_mail_mail_servers(server):
                text = self.env._("Unauthorized server for some of the sending mails.")
                for mail in batch:
                    self.parcels[mail.id] = Parcel(mail.id, failure=("unknown", text))
                continue
            batch = server._notify_allowed(batch)
            if batch and self._has_line(server, smtp_from, batch):
                self._hand_over(batch, server, alias_domain_id, smtp_from)

    def _send_as_odoo_does(self, mails) -> None:
        """Personal servers have limits of their own; other addons, ways of their own to send."""
        self.env.cr.commit()  # pylint: disable=invalid-commit
        try:
            mails.send(auto_commit=True)
        except Exception:
            _logger.exception("Mails %s were not sent; they stay in the queue", mails.ids)
            self.env.cr.rollback()
        self.env.cr.commit()  # pylint: disable=invalid-commit

    def _has_line(self, server, smtp_from, mails) -> bool:
        """Open a session with a server, or let its mails wait."""
        line = self.lines.get(server.id or 0)
        if line is None:
            line = self.lines[server.id or 0] = Line(
                lambda: server._notify_connect(smtp_from),
                server._notify_session_count(),
                Journal(self.cursor, self.policy),
            )
        if line.pool.sessions:
            return True
        trouble = line.open()
        if trouble is None:
            server._notify_mend()
            return True
        server._notify_break(str(trouble))
        self.Delivery._put_off(mails, server, trouble, self.policy)
        self.env.cr.commit()  # pylint: disable=invalid-commit
        return False

    def _hand_over(self, mails, server, alias_domain_id, smtp_from) -> None:
        """Make each mail and give it to the sessions of a server."""
        outgoing = self._outgoing(mails, server)
        self.Delivery._take_rows(outgoing, server, self.policy)
        self.env.cr.commit()  # pylint: disable=invalid-commit
        line = self.lines[server.id or 0]
        handover = Handover(smtp_from, *line.offers)
        for _mail, parcel, emails in outgoing:
            self.parcels[parcel.mail_id] = parcel
            for item, email in zip(parcel.items, emails, strict=True):
                if item.rows:
                    self._make(item, email, alias_domain_id, handover)
                    self._post(line, item, handover.take())
            self._collect()

    def _outgoing(self, mails, server) -> list:
        """Return ``[(mail, parcel, emails)]``, the last as Odoo's hook makes them."""
        doc_to_followers = self.env["mail.followers"]._get_mail_doc_to_followers(
            mails.filtered(lambda mail: mail.body_html and "/mail/unfollow" in mail.body_html).ids
        )
        outgoing = []
        for mail in mails:
            parcel = Parcel(mail.id, mail.mail_server_id.id)
            try:
                emails = mail._prepare_outgoing_list(
                    mail_server=server or mail.mail_server_id, doc_to_followers=doc_to_followers
                )
            except psycopg2.Error:
                raise
            except FileElsewhere as error:
                _logger.warning("Mail %s waits: %s", mail.id, error)
                trouble = Reply("later", text=str(error))
                self.Delivery._put_off(mail, server, trouble, self.policy)
                continue
            except Exception as error:
                _logger.exception("Mail %s cannot be made", mail.id)
                parcel.failure = "unknown", exception_to_unicode(error)
                emails = []
            outgoing.append((mail, parcel, emails))
        return outgoing

    def _make(self, item, email, alias_domain_id, handover) -> None:
        """Make one message through the hooks that Odoo calls, and hand it over."""
        headers = self._headers(item, email["headers"], alias_domain_id)
        context = {"send_validated_to": email.pop("email_to_normalized", [])}
        if alias_domain_id:
            alias_domain = self.env["mail.alias.domain"].sudo().browse(alias_domain_id)
            context["domain_notifications_email"] = alias_domain.default_from_email
            context["domain_bounce_address"] = (
                headers.get("Return-Path") or alias_domain.bounce_email
            )
        IrMailServer = self.env["ir.mail_server"].with_context(**context)
        # What is read from the mail itself may have to be fetched again: mails before it have been
        # concluded meanwhile.
        emails_from = email_split_and_format_normalize(email["email_from"])
        try:
            message = IrMailServer._build_email__(
                email_from=emails_from[0] if emails_from else email["email_from"],
                email_to=email["email_to"],
                subject=email["subject"],
                body=email["body"],
                body_alternative=email["body_alternative"],
                email_cc=email["email_cc"],
                reply_to=email["reply_to"],
                attachments=email["attachments"],
                message_id=email["message_id"],
                references=email["references"],
                object_id=email["object_id"],
                subtype="html",
                subtype_alternative="plain",
                headers=headers,
            )
            IrMailServer.send_email(
                message, mail_server_id=item.parcel.server_id, smtp_session=handover
            )
        except (psycopg2.Error, MemoryError):
            raise
        except Exception as error:  # noqa: BLE001 - Odoo and addons raise what they like
            handover.take()
            failure = self._failure(error, email, IrMailServer)
            item.parcel.failure = item.parcel.failure or failure
            self._settle(item, Outcome("failed", Reply("never", text=failure[1])))
        else:
            if not handover.letters:
                # An addon's send_email took the message another way.
                self._settle(item, Outcome("sent", Reply("sent")))

    def _headers(self, item, headers, alias_domain_id) -> dict:
        """Return headers with a return address that names the delivery, if there are such."""
        alias_domain = self.env["mail.alias.domain"].sudo().browse(alias_domain_id or [])
        row = next(iter(item.rows.values()))
        address = self.env["notify.return.address"]._return_path(row.id, alias_domain)
        return {**headers, "Return-Path": address} if address else headers

    def _failure(self, error, email, IrMailServer) -> tuple[str, str]:
        """Return Odoo's type of an error that no server had a part in, and its words."""
        if isinstance(error, AssertionError) and error.args:
            reason = str(error.args[0])
            if reason == IrMailServer.NO_VALID_RECIPIENT:
                return ("mail_email_invalid" if email["email_to"] else "mail_email_missing"), reason
            if reason == IrMailServer.NO_VALID_FROM:
                return "mail_from_invalid", str(error.args[-1])
            if reason in (IrMailServer.NO_FOUND_FROM, IrMailServer.NO_FOUND_SMTP_FROM):
                return "mail_from_missing", reason
        _logger.info("A mail cannot be made: %s", error)
        spam = isinstance(error, MailDeliveryException) and "OutboundSpamException" in str(error)
        return "mail_spam" if spam else "unknown", exception_to_unicode(error)

    def _post(self, line, item, letters) -> None:
        """Give the letters of a message to the sessions."""
        addressed = set()
        for letter in letters:
            names = {email_normalize(raw, strict=False) or raw: raw for raw in letter.recipients}
            letter.recipients = [names[address] for address in item.rows if address in names]
            letter.owner = item, {raw: address for address, raw in names.items()}
            addressed |= names.keys()
            if letter.recipients:
                item.parcel.open += 1
                line.pool.put(letter)
        if addressed:
            missed = {address for address in item.rows if address not in addressed}
            self._settle(item, Outcome("failed", Reply("never", text="")), missed)
        line.keep_up()

    def _settle(self, item, outcome, addresses=None) -> None:
        """Write the outcome of addresses that no server is asked about."""
        settled = item.settle_rest(outcome, addresses)
        write_outcomes(self.env.cr, settled, fields.Datetime.now())

    # ------------------------------------------------------------
    # BACK
    # ------------------------------------------------------------

    def _collect(self, wait: float = 0) -> None:
        """Take answers, and do Odoo's part for mails that have all of theirs.

        :param wait: seconds to wait for answers
        """
        for server_id, line in self.lines.items():
            line.keep_up()
            for letter in line.pool.take(wait if line.pool.pending else 0):
                letter.owner[0].parcel.open -= 1
                self._heed(server_id, letter)
                if self.listened:
                    self._tell(server_id, letter)
        answered = [parcel for parcel in self.parcels.values() if not parcel.open]
        if answered and self._is_enough(answered):
            self._conclude(answered)
        if time.monotonic() - self.extended > EXTEND:
            self.extended = time.monotonic()
            self.Delivery._extend_leases(list(self.parcels))

    def _is_enough(self, answered) -> bool:
        """Tell whether to conclude what is answered, or to wait for more: it costs a commit."""
        return (
            len(answered) >= GROUP
            or time.monotonic() - self.concluded > PAUSE
            or not any(line.pool.pending for line in self.lines.values())
        )

    def _heed(self, server_id, letter) -> None:
        """Leave a server in peace that wants less, or nothing at all."""
        server = self.env["ir.mail_server"].browse(server_id or [])
        for reply in letter.replies.values():
            if reply.kind == "server":
                server._notify_break(str(reply))
            elif reply.kind == "slow":
                server._notify_slow_down()

    def _tell(self, server_id, letter) -> None:
        """Let addons that override ``send_email`` see a failure where they expect it: as its error.

        They were called when the message was handed over, and take it for sent since.
        """
        item, names = letter.owner
        outcomes = [item.outcomes[names[raw]] for raw in letter.replies]
        if not outcomes or any(outcome.state != "failed" for outcome in outcomes):
            return
        message = message_from_bytes(letter.data, policy=SMTP)
        IrMailServer = self.env["ir.mail_server"].with_context(notify_told=True)
        session = Refusal(letter, outcomes[0].reply)
        try:
            with self.env.cr.savepoint(), contextlib.suppress(MailDeliveryException):
                IrMailServer.send_email(
                    message, mail_server_id=server_id or None, smtp_session=session
                )
        except Exception:
            _logger.exception("An addon could not be told that a mail failed")

    def _conclude(self, parcels) -> None:
        for _attempt in range(3):
            self.env.cr.commit()  # pylint: disable=invalid-commit
            self.env.invalidate_all()
            try:
                self.Delivery._conclude(parcels)
                self.env.cr.commit()  # pylint: disable=invalid-commit
                break
            except (psycopg2.errors.SerializationFailure, psycopg2.errors.DeadlockDetected):
                self.env.cr.rollback()
            except psycopg2.OperationalError:
                raise
            except Exception:
                self.env.cr.rollback()
                if len(parcels) > 1:
                    for parcel in parcels:
                        self._conclude([parcel])
                    return
                # What was sent is on its row: the mail is concluded when its lease ends.
                _logger.exception("Mail %s is sent, but not concluded", parcels[0].mail_id)
                break
        for parcel in parcels:
            self.parcels.pop(parcel.mail_id, None)
        self.concluded = time.monotonic()

    def _close(self) -> None:
        """End the sessions, and free what was not handed over."""
        unsent = []
        for line in self.lines.values():
            unsent += line.pool.take_back()
            for letter in line.close():
                letter.owner[0].parcel.open -= 1
        answered = [parcel for parcel in self.parcels.values() if not parcel.open]
        if answered:
            self._conclude(answered)
        if unsent:
            self.Delivery._free(unsent)
            self.env.cr.commit()  # pylint: disable=invalid-commit
