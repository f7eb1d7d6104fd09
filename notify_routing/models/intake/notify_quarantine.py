import logging
from datetime import timedelta
from email import message_from_bytes, policy
from xmlrpc.client import Binary

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.tools import html2plaintext, html_sanitize

from ...tools import headers, mail_repair
from .set_aside import SetAside

_logger = logging.getLogger(__name__)

#: How much of a message the preview shows.
PREVIEW_LENGTH = 20_000


class NotifyQuarantine(models.Model):
    """An incoming message that a person must look at, and what was done about it."""

    _name = "notify.quarantine"
    _description = "Message in Quarantine"
    _inherits = {"notify.intake": "intake_id"}
    _order = "id DESC"

    intake_id = fields.Many2one(
        "notify.intake", string="Incoming Message", required=True, ondelete="restrict", index=True
    )
    reason = fields.Selection(
        [
            ("no_route", "Belongs to no document"),
            ("gone", "Its document was removed"),
            ("tampered", "Its return address is not genuine"),
            ("expired", "Its return address has expired"),
            ("untrusted", "May not come from whom it says"),
            ("failed", "Could not be processed"),
        ],
        required=True,
        readonly=True,
    )
    detail = fields.Text(readonly=True)
    stage = fields.Selection(
        [("open", "To Review"), ("routed", "Routed"), ("discarded", "Discarded")],
        default="open",
        required=True,
        readonly=True,
    )
    resource_ref = fields.Reference(
        selection="_selection_document",
        string="Document",
        help="Where the message is posted by Route to Document.",
    )
    decided_by = fields.Many2one("res.users", readonly=True)
    decided_on = fields.Datetime(readonly=True)
    preview = fields.Text(compute="_compute_preview")
    preview_headers = fields.Text("Headers", compute="_compute_preview")
    attachment_names = fields.Char("Attachments", compute="_compute_preview")

    _intake_uniq = models.UniqueIndex("(intake_id)")
    _open_idx = models.Index("(id) WHERE stage = 'open'")

    @api.model
    def _selection_document(self):
        """Return all document types that take messages."""
        found = self.env["ir.model"].sudo().search([("is_mail_thread", "=", True)], order="name")
        return [
            (model.model, model.name)
            for model in found
            if model.model in self.env and not self.env[model.model]._abstract
        ]

    @api.depends("intake_id.raw")
    def _compute_preview(self):
        """Show the text as plain text: nothing in it is run, loaded or linked."""
        for row in self:
            message = message_from_bytes(row.intake_id._octets(), policy=policy.default)
            mail_repair.repair(message)
            row.preview = _text(message)[:PREVIEW_LENGTH]
            row.preview_headers = "\n".join(
                f"{name}: {headers.readable(str(value))}" for name, value in message.raw_items()
            )[:PREVIEW_LENGTH]
            row.attachment_names = ", ".join(_attachment_names(message))

    @api.depends("subject", "reason")
    def _compute_display_name(self):
        for row in self:
            row.display_name = row.subject or self.env._("Message without a subject")

    # ------------------------------------------------------------
    # KEEP
    # ------------------------------------------------------------

    @api.model
    def _keep(self, intake, reason, detail, document=None):
        """Put a message into quarantine, or back into it.

        :param intake: the row of ``notify.intake``
        :return: the row in quarantine
        """
        intake.write({"state": "quarantine", "error": detail})
        if document and "company_id" in document._fields:
            intake.company_id = document.sudo().company_id or intake.company_id
        found = self.search([("intake_id", "=", intake.id)])
        values = {
            "reason": reason,
            "detail": detail,
            "stage": "open",
            "resource_ref": document and f"{document._name},{document.id}",
        }
        if found:
            found.write(values)
            return found
        return self.create({**values, "intake_id": intake.id})

    @api.model
    def _keep_given(self, message, error):
        """Keep a message that was handed over by a mail server's script.

        :param message: as ``message_process`` takes it
        :param error: the :class:`SetAside`
        """
        raw = message.data if isinstance(message, Binary) else message
        raw = raw.encode() if isinstance(raw, str) else bytes(raw)
        intake = self.env["notify.intake"].sudo()._store([raw], state="quarantine")
        if intake:
            self.sudo()._keep(intake, error.reason, str(error), error.document)

    # ------------------------------------------------------------
    # DECIDE
    # ------------------------------------------------------------

    def action_replay(self):
        """Try once more what arriving messages go through."""
        return self._decide()

    def action_accept(self):
        """Post the message in the name of its sender: a person vouches for it."""
        return self._decide(notify_accept=True)

    def action_route(self):
        """Post the messages on the documents that were chosen for them."""
        for row in self:
            if not row.resource_ref:
                raise UserError(self.env._("Choose the document that the message belongs to."))
            # Who routes must be allowed to write there; the message itself is from its sender.
            row.resource_ref.check_access("write")
            document = (row.resource_ref._name, row.resource_ref.id)
            row._decide(notify_document=document, notify_accept=True)

    def action_discard(self):
        """Throw the content away and keep the trace of it."""
        self._check_open()
        # sudo: managers decide about messages, and change nothing else of them
        self.intake_id.sudo().write({"state": "done", "outcome": "ignored", "raw": False})
        self._close("discarded")

    def _decide(self, **context):
        self._check_open()
        for row in self:
            try:
                with self.env.cr.savepoint():
                    row.intake_id.sudo()._route(**context)
            except SetAside as error:
                raise UserError(
                    self.env._("The message stays in quarantine: %(why)s", why=str(error))
                ) from error
            except UserError:
                raise
            except Exception as error:
                raise UserError(
                    self.env._(
                        "The message could not be processed: %(error)s. Route it to a document by "
                        "hand, or ask an administrator to look into the log.",
                        error=error,
                    )
                ) from error
            row._close("routed")

    def _check_open(self):
        self.check_access("write")
        if any(row.stage != "open" for row in self):
            raise UserError(self.env._("This message has been dealt with already."))

    def _close(self, stage):
        self.write(
            {
                "stage": stage,
                "decided_by": self.env.uid,
                "decided_on": fields.Datetime.now(),
            }
        )

    @api.autovacuum
    def _gc_old(self):
        """Discard what nobody looked at for long, and forget what was decided long ago."""
        get_param = self.env["ir.config_parameter"].sudo().get_param
        days = int(get_param("notify_routing.quarantine_days", 90))
        before = fields.Datetime.now() - timedelta(days=days)
        old = self.search([("create_date", "<", before)], limit=1000)
        intakes = old.intake_id
        old.unlink()
        intakes.unlink()


def _text(message):
    """Return a message's text as a person would read it, from HTML if there is nothing else."""
    for kind in ("plain", "html"):
        try:
            part = message.get_body((kind,))
            if part is not None and (content := part.get_content().strip()):
                if kind == "html":
                    content = html2plaintext(html_sanitize(content), include_references=False)
                return content.replace("\x00", "")
        except Exception:
            _logger.debug("The %s text of a message cannot be read", kind, exc_info=True)
    return ""


def _attachment_names(message):
    for part in message.walk():
        try:
            name = part.get_filename()
        except Exception:  # noqa: BLE001
            name = "?"
        if name:
            yield headers.readable(name)
