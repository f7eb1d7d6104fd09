from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.tools import SQL, email_normalize

#: What happened, in the order in which it happens.
STAGES = ("event", "decision", "delivery")
#: The columns of the view and their types in the database.
COLUMNS = {
    "id": "bigint",
    "stage": "varchar",
    "date": "timestamp",
    "mail_message_id": "int",
    "model": "varchar",
    "res_id": "int",
    "partner_id": "int",
    "email": "varchar",
    "author_id": "int",
    "company_id": "int",
    "channel": "varchar",
    "state": "varchar",
    "event": "varchar",
    "event_id": "int",
    "line_id": "int",
    "reason": "varchar",
    "code": "int",
    "answer": "text",
    "due": "timestamp",
    "left": "timestamp",
}


class NotifyTrail(models.Model):
    """Everything on its way from an event to a person, for search: no copies, a view of the rows.

    * stage *event*: a message on a document;
    * stage *decision*: that somebody is told of it (``mail.notification``) or not
      (``notify.suppression``);
    * stage *delivery*: an e-mail to one address (``notify.delivery``).

    The rows of one message and person are its chain, see :meth:`chain`.
    """

    _name = "notify.trail"
    _description = "Trail of Notifications"
    _auto = False
    # By the column that all tables behind it have an index on.
    _order = "mail_message_id.id DESC, id"
    _rec_name = "email"
    _depends = {
        "mail.message": ["model", "res_id", "date", "author_id", "record_company_id"],
        "mail.notification": [
            "mail_message_id", "res_partner_id", "mail_email_address", "notification_type",
            "notification_status", "failure_reason", "notify_in_app", "notify_event",
            "notify_event_id", "notify_line_id", "notify_reason", "notify_due", "notify_left",
        ],
        "notify.suppression": [
            "mail_message_id", "partner_id", "email", "channel", "reason", "event_id", "line_id",
        ],
        "notify.delivery": [
            "mail_message_id", "partner_id", "email", "state", "code", "reply", "date_last",
        ],
        "res.partner": ["email_normalized"],
    }  # fmt: skip

    stage = fields.Selection(
        [("event", "Event"), ("decision", "Decision"), ("delivery", "E-Mail")], readonly=True
    )
    date = fields.Datetime(readonly=True)
    mail_message_id = fields.Many2one("mail.message", string="Message", readonly=True)
    model = fields.Char("Document Type", readonly=True)
    res_id = fields.Many2oneReference("Document ID", model_field="model", readonly=True)
    document = fields.Char(compute="_compute_document")
    partner_id = fields.Many2one("res.partner", string="Person", readonly=True)
    is_mine = fields.Boolean(compute="_compute_is_mine", search="_search_is_mine")
    email = fields.Char("Address", readonly=True)
    address = fields.Char(
        "Any Form of the Address",
        compute="_compute_address",
        search="_search_address",
        help="Finds an address however it is written.",
    )
    author_id = fields.Many2one("res.partner", string="By", readonly=True)
    company_id = fields.Many2one("res.company", readonly=True)
    channel = fields.Selection(
        [
            ("email", "E-mail"),
            ("inbox", "In Odoo"),
            ("both", "E-mail and in Odoo"),
            ("push", "Push"),
            ("other", "Another Channel"),
        ],
        readonly=True,
    )
    state = fields.Selection(
        [
            ("happened", "Happened"),
            ("suppressed", "Not Told"),
            ("ready", "Waiting"),
            ("process", "Being Sent"),
            ("pending", "Sent, Not Confirmed"),
            ("retrying", "Trying Again"),
            ("sent", "Sent"),
            ("bounce", "Bounced"),
            ("exception", "Failed"),
            ("doubt", "In Doubt"),
            ("canceled", "Canceled"),
        ],
        readonly=True,
    )
    event = fields.Selection(
        selection=lambda self: self.env["mail.notification"]._fields["notify_event"].selection,
        readonly=True,
    )
    event_id = fields.Many2one("notify.event", string="Event of the Scheme", readonly=True)
    line_id = fields.Many2one("notify.scheme.line", string="Line of the Scheme", readonly=True)
    reason = fields.Selection(selection="_select_reason", readonly=True)
    code = fields.Integer("SMTP Code", readonly=True, aggregator=None)
    answer = fields.Text("Answer of the Server", readonly=True)
    outcome = fields.Char("What Became of It", compute="_compute_outcome")
    due = fields.Datetime("Held Until", readonly=True)
    left = fields.Datetime(readonly=True, help="When an e-mail that was held was let go.")
    hint = fields.Char(
        "Where to Look Next",
        compute="_compute_hint",
        help="What to do if the person says that nothing arrived.",
    )

    @api.model
    def _select_reason(self):
        """Return the reasons for and against telling somebody."""
        told = self.env["mail.notification"]._fields["notify_reason"]
        dropped = self.env["notify.suppression"]._fields["reason"]
        return [
            *told._description_selection(self.env),
            *dropped._description_selection(self.env),
        ]

    @property
    def _table_query(self):
        return SQL(" UNION ALL ").join(
            SQL("(SELECT %s %s)", self._columns(values), source)
            for values, source in self._branches()
        )

    @api.model
    def _columns(self, values):
        """Return the columns of a branch, in order and of the same types in each.

        PostgreSQL only looks for an address, say, within the branches, where it has indexes, if
        their types agree to the letter.

        :param values: column → SQL of its value; what is missing is empty
        """
        return SQL(", ").join(
            SQL("(%s)::%s AS %s", SQL(values.get(name, "NULL")), SQL(kind), SQL.identifier(name))
            for name, kind in COLUMNS.items()
        )

    @api.model
    def _branches(self):
        """Return what makes the rows: ``[({column: its SQL}, SQL of the tables), …]``.

        Each can be searched by an index: by document, message, person and address.
        """
        message = {
            "mail_message_id": "m.id",
            "model": "m.model",
            "res_id": "m.res_id",
            "author_id": "m.author_id",
            "company_id": "m.record_company_id",
            "date": "m.date",
        }
        told = {
            **message,
            "stage": "'decision'",
            "channel": """CASE WHEN n.notify_in_app THEN 'both'
                               WHEN n.notification_type IN ('email', 'inbox')
                               THEN n.notification_type ELSE 'other' END""",
            "state": "n.notification_status",
            "event": "n.notify_event",
            "event_id": "n.notify_event_id",
            "line_id": "n.notify_line_id",
            "reason": "n.notify_reason",
            "answer": "n.failure_reason",
            "due": "n.notify_due",
            "left": "n.notify_left",
        }
        suppressed = {
            "stage": "'decision'",
            "date": "s.date",
            "partner_id": "s.partner_id",
            "email": "s.email",
            "channel": "s.channel",
            "state": "'suppressed'",
            "event_id": "s.event_id",
            "line_id": "s.line_id",
            "reason": "s.reason",
        }
        return [
            (
                {**message, "id": "m.id::bigint * 8", "stage": "'event'", "state": "'happened'"},
                SQL("FROM mail_message m WHERE m.model IS NOT NULL AND m.res_id > 0"),
            ),
            (
                {
                    **told,
                    "id": "n.id::bigint * 8 + 1",
                    "partner_id": "p.id",
                    "email": "p.email_normalized",
                },
                SQL(
                    """FROM mail_notification n
                       JOIN mail_message m ON m.id = n.mail_message_id
                       JOIN res_partner p ON p.id = n.res_partner_id"""
                ),
            ),
            (
                {
                    **told,
                    "id": "n.id::bigint * 8 + 2",
                    "email": "lower(n.mail_email_address)",
                },
                SQL(
                    """FROM mail_notification n
                       JOIN mail_message m ON m.id = n.mail_message_id
                      WHERE n.res_partner_id IS NULL"""
                ),
            ),
            (
                {**message, **suppressed, "id": "s.id::bigint * 8 + 3"},
                SQL("FROM notify_suppression s JOIN mail_message m ON m.id = s.mail_message_id"),
            ),
            (
                {
                    **suppressed,
                    "id": "s.id::bigint * 8 + 3",
                    "model": "s.res_model",
                    "res_id": "s.res_id",
                },
                SQL("FROM notify_suppression s WHERE s.mail_message_id IS NULL"),
            ),
            (
                {
                    "id": "d.id::bigint * 8 + 4",
                    "stage": "'delivery'",
                    "date": "COALESCE(d.date_last, d.date)",
                    "mail_message_id": "d.mail_message_id",
                    "model": "d.res_model",
                    "res_id": "d.res_id",
                    "company_id": "d.company_id",
                    "partner_id": "d.partner_id",
                    "email": "d.email",
                    "channel": "'email'",
                    "state": """CASE d.state WHEN 'waiting' THEN 'ready'
                                             WHEN 'claimed' THEN 'process'
                                             WHEN 'failed' THEN 'exception'
                                             WHEN 'bounced' THEN 'bounce'
                                             ELSE d.state END""",
                    "code": "d.code",
                    "answer": "d.reply",
                },
                SQL("FROM notify_delivery d"),
            ),
        ]

    # ------------------------------------------------------------
    # FIELDS
    # ------------------------------------------------------------

    @api.depends("model", "res_id")
    @api.depends_context("uid", "allowed_company_ids")
    def _compute_document(self):
        """Name the documents that the reader may see; of others, only what kind they are."""
        for model, rows in self.grouped("model").items():
            known = model in self.env
            ids = [row.res_id for row in rows if row.res_id]
            documents = self.env[model].browse(ids).exists() if known else ()
            readable = documents._filtered_access("read") if documents else ()
            names = {document.id: document.display_name for document in readable}
            kind = self.env["ir.model"]._get(model).name if known else model
            for row in rows:
                row.document = names.get(row.res_id) or (kind and f"{kind} #{row.res_id}")

    @api.depends_context("uid")
    def _compute_is_mine(self):
        for row in self:
            row.is_mine = row.partner_id == self.env.user.partner_id

    @api.model
    def _search_is_mine(self, operator, value):
        if operator != "in" or True not in value:
            return NotImplemented
        return [("partner_id", "=", self.env.user.partner_id.id)]

    def _compute_address(self):
        for row in self:
            row.address = row.email

    def _is_held(self):
        return bool(self.due) and self.state == "ready"

    @api.depends("state", "due")
    @api.depends_context("lang", "tz")
    def _compute_outcome(self):
        """Say the state, and of what is held until when."""
        names = dict(self._fields["state"]._description_selection(self.env))
        for row in self:
            held = row._is_held()
            row.outcome = self._held_name(row.due) if held else names.get(row.state)

    @api.depends("stage", "channel", "state", "due")
    def _compute_hint(self):
        hints = self._hints()
        for row in self:
            by_mail = row.channel in ("email", "both")
            state = "held" if row._is_held() else row.state
            row.hint = (by_mail or row.state == "suppressed") and hints.get(state, False)

    @api.model
    def _hints(self):
        """Return where to look next, by state, in the reader's language."""
        return {
            "sent": self.env._(
                "The receiving server took it. Not in the mailbox? Look into the spam folder, then "
                "ask the recipient's administrator whether it is in quarantine."
            ),
            "pending": self.env._("It was handed over; the receiving server has not confirmed it."),
            "held": self.env._(
                "It is held by the person's schedule, or for what else happens on the document. "
                "Managers of notifications let it leave at once: When › Waiting."
            ),
            "ready": self.env._("It waits in the queue. Look at the set-up check if it stays."),
            "retrying": self.env._("The server put it off; it goes again by itself."),
            "exception": self.env._("Read the answer of the server; mend that and send it again."),
            "bounce": self.env._("The address does not take mail: check it on the contact."),
            "doubt": self.env._("The connection broke off: ask the person before sending again."),
            "suppressed": self.env._("The reason says which line, bell or preference decided."),
        }

    @api.model
    def _search_address(self, operator, value):
        if operator not in ("=", "in"):
            return NotImplemented
        values = [value] if isinstance(value, str) else value
        return [("email", "in", [email_normalize(text) or text for text in values if text])]

    # ------------------------------------------------------------
    # CHAIN
    # ------------------------------------------------------------

    @api.model
    def chain(self, message_id, partner_id):
        """Return the steps from an event to one person, as far as they went.

        :return: e.g. ``{"steps": [{"stage": "event", "name": "Event", "state": "Happened",
            "answer": False}, …], "missing": "delivery", "sentence": "…"}``: *missing* is the first
            stage of which there is no row although there should be one, or ``False``
        """
        self.env["mail.message"].browse(message_id).check_access("read")
        # sudo: who may read the message may know what became of it
        rows = self.sudo().search(
            [
                ("mail_message_id", "=", message_id),
                ("stage", "!=", "event"),
                ("partner_id", "=", partner_id),
            ]
        )
        event = self.sudo().search(
            [("mail_message_id", "=", message_id), ("stage", "=", "event")], limit=1
        )
        rows = event | rows
        stages = set(rows.mapped("stage"))
        by_mail = any(
            row.stage == "decision"
            and row.channel in ("email", "both")
            and row.state != "suppressed"
            for row in rows
        )
        expected = STAGES if by_mail else STAGES[:2]
        missing = next((stage for stage in expected if stage not in stages), False)
        return {
            "steps": [row._step() for row in rows.sorted(lambda row: STAGES.index(row.stage))],
            "missing": missing,
            "sentence": self._missing_sentences().get(missing, False),
        }

    def _step(self):
        self.ensure_one()

        def label(name):
            return dict(self._fields[name]._description_selection(self.env)).get(self[name], False)

        return {
            "stage": self.stage,
            "name": label("stage"),
            "channel": label("channel"),
            "state": self.outcome,
            "reason": label("reason"),
            "date": fields.Datetime.to_string(self.date),
            "answer": self.answer or False,
        }

    @api.model
    def _held_name(self, due):
        """Return the words for what is held, in the reader's language and time zone.

        :param datetime due: when it leaves, UTC
        """
        moment = self.env["notify.preference"]._moment(due)
        return self.env._("Held until %(moment)s", moment=moment)

    @api.model
    def _missing_sentences(self):
        return {
            "event": self.env._("The message was deleted."),
            "decision": self.env._(
                "This person was not considered: they neither follow this kind of event, nor are "
                "they addressed, nor have they a role that a scheme tells of it."
            ),
            "delivery": self.env._(
                "No mail has left yet: it waits in the queue, or was sent before deliveries were "
                "recorded. Look at the queue and the set-up check."
            ),
        }

    # ------------------------------------------------------------
    # BUTTONS
    # ------------------------------------------------------------

    def action_open_document(self):
        """Open the document.

        :raise UserError: if it does not exist any more
        """
        self.ensure_one()
        if self.model not in self.env or not self.env[self.model].browse(self.res_id).exists():
            raise UserError(self.env._("This document does not exist any more."))
        return {
            "type": "ir.actions.act_window",
            "res_model": self.model,
            "res_id": self.res_id,
            "view_mode": "form",
        }

    def action_chain(self):
        """Open all rows of the same message: event, decisions and e-mails."""
        self.ensure_one()
        action = self.env["ir.actions.act_window"]._for_xml_id("notify_routing.notify_trail_action")
        return {
            **action,
            "name": self.env._("Trail of one Message"),
            "domain": [("mail_message_id", "=", self.mail_message_id.id)],
            "context": {"group_by": "stage"},
        }


class MailNotification(models.Model):
    """Door: people without a contact are found by their address."""

    _inherit = "mail.notification"

    _notify_address_idx = models.Index("(lower(mail_email_address)) WHERE res_partner_id IS NULL")


class ResPartner(models.Model):
    """Door: people are found by their address."""

    _inherit = "res.partner"

    _notify_email_normalized_idx = models.Index("(email_normalized)")
