import json
from datetime import timedelta

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.fields import Domain
from odoo.tools import SQL
from odoo.tools.misc import format_date

#: How long it is kept who was alerted of what.
KEPT = timedelta(days=400)
#: Documents of one deadline that an alert names; the rest is behind its link.
NAMED = 50


class NotifyDeadlineAlert(models.Model):
    """What one person is alerted of on one day: one mail, whatever deadlines and documents."""

    _name = "notify.deadline.alert"
    _description = "Deadline Alert"
    _inherit = ["mail.thread"]
    _order = "id DESC"
    _rec_name = "partner_id"
    _mail_post_access = "read"

    partner_id = fields.Many2one(
        "res.partner", string="Person", required=True, ondelete="cascade", index=True
    )
    company_id = fields.Many2one("res.company", required=True, ondelete="cascade")
    day = fields.Date(required=True, index=True)
    line_ids = fields.One2many("notify.deadline.alert.line", "alert_id", string="Documents")
    can_stop = fields.Boolean(compute="_compute_can_stop")

    @api.depends("partner_id", "day")
    def _compute_display_name(self):
        for alert in self:
            alert.display_name = self.env._(
                "Alert of %(day)s for %(person)s",
                day=format_date(self.env, alert.day),
                person=alert.partner_id.sudo().name,
            )

    # ------------------------------------------------------------
    # TELL
    # ------------------------------------------------------------

    @api.model
    def _tell(self, company, day, partner, items):
        """Alert one person, of what nobody told them yet.

        The rows that keep it from happening again are written in the transaction of the message:
        of two workers only one gets them.

        :param items: of this person, see :class:`notify_routing.tools.deadline.Item`
        :return: the number of documents told of
        """
        Line = self.env["notify.deadline.alert.line"]
        Line._claim(company, day, [item for item in items if item.reason])
        told = Line._claim(company, day, [item for item in items if not item.reason])
        if not told:
            return 0
        alert = self.create({"partner_id": partner.id, "company_id": company.id, "day": day})
        Line.browse(told.values()).alert_id = alert
        alert = alert.with_company(company).with_context(
            lang=partner.lang or self.env.user.lang, notify_kind="alert"
        )
        # What a person gets on each channel is one message; equal ones are the same.
        by_items = {}
        for channel in ("email", "inbox", "push"):
            of_channel = tuple(item for item in told if channel in item.channels)
            if of_channel:
                by_items.setdefault(of_channel, set()).add(channel)
        for own, channels in by_items.items():
            alert._post(own, channels)
        return len(told)

    def _post(self, items, channels):
        """Post one message about some documents on some channels."""
        sender = self.company_id._notify_alert_from()
        self.with_context(notify_alert_channels=channels).message_notify(
            author_id=self.company_id.partner_id.id,
            email_from=sender,
            reply_to=sender,
            subject=self._subject(items),
            body=self.env["ir.qweb"]._render(
                "notify_routing.deadline_alert_body", self._body_values(items)
            ),
            partner_ids=self.partner_id.ids,
            subtype_xmlid="mail.mt_note",
            email_layout_xmlid="mail.mail_notification_layout",
            email_add_signature=False,
            # The sending job takes it from here: an alert is not worth stopping for a slow relay.
            force_send=False,
        )

    def _subject(self, items):
        """Return e.g. ``"3 documents due: Answer due"``."""
        deadlines = self.env["notify.deadline"].browse({item.deadline_id for item in items})
        documents = {(item.model, item.res_id) for item in items}
        names = ", ".join(deadlines.sorted().mapped("name"))
        if len(documents) == 1:
            return self.env._("%(deadline)s: %(document)s", deadline=names, document=items[0].name)
        return self.env._("%(deadline)s: %(count)s documents", deadline=names, count=len(documents))

    def _body_values(self, items):
        """Return what the template of the body shows: deadlines, each with its documents.

        Documents that are due first stand first; a long list is cut, the link shows the rest.
        """
        today = self.day
        blocks = []
        for deadline in self.env["notify.deadline"].browse(
            {item.deadline_id for item in items}
        ).sorted():  # fmt: skip
            own = sorted(
                (item for item in items if item.deadline_id == deadline.id),
                key=lambda item: (item.due, item.name, item.res_id),
            )
            blocks.append(
                {
                    "deadline": deadline,
                    "rows": [
                        {
                            "name": item.name,
                            "url": item.url,
                            "due": format_date(self.env, item.due),
                            "left": self._left((item.due - today).days),
                            "late": item.due < today,
                            "escalated": item.escalated,
                        }
                        for item in own[:NAMED]
                    ],
                    "more": max(len(own) - NAMED, 0),
                }
            )
        return {"blocks": blocks, "stop_url": self._stop_url()}

    def _left(self, days):
        """Return in words how many days are left, e.g. ``"in 3 days"``."""
        if not days:
            return self.env._("today")
        if days == 1:
            return self.env._("tomorrow")
        if days == -1:
            return self.env._("since yesterday")
        if days > 0:
            return self.env._("in %(days)s days", days=days)
        return self.env._("%(days)s days late", days=-days)

    def _notify_get_recipients(self, message, msg_vals=False, **kwargs):
        recipients = super()._notify_get_recipients(message, msg_vals=msg_vals, **kwargs)
        channels = self.env.context.get("notify_alert_channels")
        if not channels:
            return recipients
        # How a person is told of deadlines was decided by their documents, not by the alert.
        main = next(name for name in ("email", "inbox", "push") if name in channels)
        return [
            {
                **recipient,
                "notif": main,
                "notify_both": {"email", "inbox"} <= channels,
                "notify_push": "push" in channels,
                "notify_decided": True,
            }
            for recipient in recipients
        ]

    # ------------------------------------------------------------
    # STOP
    # ------------------------------------------------------------

    @api.depends_context("uid")
    @api.depends("line_ids.deadline_id.mandatory", "line_ids.deadline_id.opted_out_ids")
    def _compute_can_stop(self):
        for alert in self:
            mine = alert.partner_id == self.env.user.partner_id
            alert.can_stop = mine and bool(alert._stoppable())

    def _stoppable(self):
        """Return the deadlines of this alert that its person may opt out of, and has not."""
        # sudo: whoever got the alert knows its deadlines; who else opted out they do not learn
        deadlines = self.sudo().line_ids.deadline_id
        return deadlines.filtered(
            lambda deadline: (
                not deadline.mandatory and self.partner_id not in deadline.opted_out_ids
            )
        )

    def _deadline_names(self):
        """Return the names of this alert's deadlines that one may opt out of, or has."""
        # sudo: as above
        deadlines = self.sudo().line_ids.deadline_id
        return ", ".join(deadlines.filtered(lambda deadline: not deadline.mandatory).mapped("name"))

    def _stop_url(self):
        """Return where the person opts out; ``None`` if there is nothing that they may stop."""
        if not self._stoppable():
            return None
        if self.partner_id.user_ids.filtered(lambda user: user._is_internal()):
            return f"/mail/view?model={self._name}&res_id={self.id}"
        return self._unsubscribe_url()

    def _unsubscribe_url(self):
        """Return a link that opts the person out without logging in: they may have no user."""
        return self.env["notify.review"]._unsubscribe_url(
            self.env["res.users"], f"{self._name},{self.id}"
        )

    def _unsubscribe_headers(self):
        """Return the headers of the alert's mail; none if there is nothing to opt out of."""
        if not self._stoppable():
            return {}
        return self.env["notify.review"]._unsubscribe_headers_of(self._unsubscribe_url())

    def _stop(self):
        """Take the person off the deadlines of this alert, but the mandatory ones."""
        self.ensure_one()
        stopped = self._stoppable()
        stopped._opt_out(self.partner_id)
        return stopped

    def action_stop(self):
        """Opt out, as the person who was alerted."""
        self.ensure_one()
        if self.partner_id != self.env.user.partner_id:
            raise UserError(self.env._("Only who was alerted can opt out."))
        stopped = self._stop()
        return {
            "type": "ir.actions.client",
            "tag": "display_notification",
            "params": {
                "type": "success",
                "message": self.env._(
                    "You are not alerted of “%(deadlines)s” any more. My Preferences undoes it.",
                    deadlines=", ".join(stopped.mapped("name")),
                ),
                "next": {"type": "ir.actions.client", "tag": "soft_reload"},
            },
        }

    @api.autovacuum
    def _gc_alerts(self):
        """Forget alerts that no deadline can ask for any more."""
        last = fields.Date.today() - KEPT
        self.search([("day", "<", last)], limit=10000).unlink()
        self.env["notify.deadline.alert.line"].search(
            Domain("sent_on", "<", last) & Domain("alert_id", "=", False), limit=10000
        ).unlink()


class NotifyDeadlineAlertLine(models.Model):
    """One document in an alert, or that somebody was not alerted of, and why.

    The unique indexes are what keeps two workers, or one that starts again, from telling anybody
    twice: by the day that an alert falls on, and by the day on which it was sent.
    """

    _name = "notify.deadline.alert.line"
    _description = "Document in an Alert"
    _order = "due, id"
    _log_access = False

    alert_id = fields.Many2one("notify.deadline.alert", ondelete="cascade", index=True)
    deadline_id = fields.Many2one("notify.deadline", required=True, ondelete="cascade")
    partner_id = fields.Many2one(
        "res.partner", string="Person", required=True, ondelete="cascade", index=True
    )
    company_id = fields.Many2one("res.company", required=True, ondelete="cascade")
    res_model = fields.Char("Document Model", required=True)
    res_id = fields.Many2oneReference("Document ID", model_field="res_model", required=True)
    name = fields.Char("Document")
    due = fields.Date(required=True)
    day = fields.Date("For", required=True, help="Day on which the alert fell.")
    sent_on = fields.Date(required=True, help="Day on which it was sent; later if it was missed.")
    escalated = fields.Boolean(help="Told as earlier alerts did not help.")
    reason = fields.Selection(
        [
            ("inactive", "is archived, or has no user any more"),
            ("no_access", "may not read the document"),
            ("opted_out", "opted out of this deadline"),
            ("muted", "muted the document with the bell"),
            ("unreachable", "has no e-mail address and no user"),
        ],
        string="Not Told",
        help="Why this person was not alerted. Empty: they were.",
    )

    _told_once = models.UniqueIndex(
        "(deadline_id, res_id, partner_id, day) WHERE reason IS NULL",
        "This person was alerted of this already.",
    )
    _told_once_a_day = models.UniqueIndex(
        "(deadline_id, res_id, partner_id, sent_on) WHERE reason IS NULL",
        "This person was alerted of this today.",
    )
    _dropped_once = models.UniqueIndex(
        "(deadline_id, res_id, partner_id, day, reason) WHERE reason IS NOT NULL",
        "It is recorded already why this person was not alerted.",
    )

    @api.model
    def _claim(self, company, day, items):
        """Write rows for items, but those that are there already.

        :return: the items whose rows are new: ``{item: id of its row}``
        """
        if not items:
            return {}
        rows = [
            {
                "deadline_id": item.deadline_id,
                "partner_id": item.partner_id,
                "company_id": company.id,
                "res_model": item.model,
                "res_id": item.res_id,
                "name": item.name,
                "due": item.due.isoformat(),
                "day": item.day.isoformat(),
                "sent_on": day.isoformat(),
                "escalated": item.escalated,
                "reason": item.reason,
            }
            # In one order everywhere: two workers that meet wait for each other, once.
            for item in sorted(items, key=lambda item: (item.deadline_id, item.res_id))
        ]
        columns = SQL(", ").join(SQL.identifier(name) for name in rows[0])
        new = {
            (deadline_id, res_id): row_id
            for row_id, deadline_id, res_id in self.env.execute_query(
                SQL(
                    """INSERT INTO notify_deadline_alert_line (%s)
                       SELECT %s FROM jsonb_populate_recordset(
                                        NULL::notify_deadline_alert_line, %s::jsonb)
                  ON CONFLICT DO NOTHING RETURNING id, deadline_id, res_id""",
                    columns,
                    columns,
                    json.dumps(rows),
                )
            )
        }
        keys = {item: (item.deadline_id, item.res_id) for item in items}
        return {item: new[key] for item, key in keys.items() if key in new}

    def action_open(self):
        """Open the document; an activity is opened on its document."""
        self.ensure_one()
        return self._open(self.res_model, self.res_id)

    @api.model
    def _open(self, model, res_id):
        if model == "mail.activity":
            activity = self.env[model].browse(res_id).exists()
            model, res_id = activity.res_model, activity.res_id
        if not model or model not in self.env or not self.env[model].browse(res_id).exists():
            raise UserError(self.env._("This document is not there any more."))
        return {
            "type": "ir.actions.act_window",
            "res_model": model,
            "res_id": res_id,
            "views": [(False, "form")],
        }
