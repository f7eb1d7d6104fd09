from contextvars import ContextVar

from odoo import api, fields, models

from .loose import LooseMany2one

#: The decisions about one message while Odoo makes its rows: ``(message_id, {partner_id or address:
#: decision})``. What is kept with the cursor would be lost when a savepoint is rolled back.
DECISIONS = ContextVar("notify_routing.decisions", default=(None, {}))


class MailNotification(models.Model):
    """Door: a decision (event, reason, due) is part of the row that Odoo makes anyway."""

    _inherit = "mail.notification"

    notify_event = fields.Selection(
        [
            ("message", "Message"),
            ("reply", "Answer by e-mail"),
            ("note", "Note"),
            ("direct", "Direct notification"),
            ("subtype", "Announced change"),
            ("act", "Event of a scheme"),
        ],
        string="Event",
        help="What happened on the document.",
    )
    notify_reason = fields.Selection(
        [
            ("mention", "was mentioned by name"),
            ("direct", "was chosen as recipient"),
            ("follower", "follows the document and this kind of event"),
            ("address", "is addressed by e-mail only"),
            ("other", "was added by another function of the system"),
            ("role", "has a role that the scheme tells of this"),
            ("mandatory", "has a role that the scheme always tells of this"),
            ("delegate", "stands in for somebody who is away"),
        ],
        string="Reason",
        help="Why this person is told.",
    )
    notify_event_id = LooseMany2one(
        "notify.event", string="Event of the Scheme", index="btree_not_null"
    )
    notify_line_id = LooseMany2one(
        "notify.scheme.line", string="Line of the Scheme", index="btree_not_null"
    )
    notify_origin = fields.Selection(
        selection=lambda self: self.env["mail.followers"]._fields["notify_origin"].selection,
        string="Subscription From",
        help="Where the follower's subscription came from when this happened.",
    )
    notify_subscription_id = LooseMany2one(
        "notify.subscription", string="Default Behind It", index="btree_not_null"
    )
    notify_in_app = fields.Boolean(
        "In Odoo Too", help="Told by e-mail and in Odoo: one row, unread until it is read in Odoo."
    )
    notify_due = fields.Datetime(
        "Held Until", help="When the e-mail leaves. Empty: at once, or it has left."
    )
    notify_burst = fields.Boolean(
        "Waits For More", help="Held for what else happens on the document: one mail for all."
    )
    notify_left = fields.Datetime("Left", help="When an e-mail that was held was let go.")

    # In the order in which the review takes people.
    _held_idx = models.Index(
        "(res_partner_id, mail_email_address, notify_due) WHERE notify_due IS NOT NULL"
    )
    _left_idx = models.Index("(notify_left) WHERE notify_left IS NOT NULL")

    @api.model_create_multi
    def create(self, vals_list):
        message_id, decisions = DECISIONS.get()
        in_app, existing = set(), {}
        for vals in vals_list:
            if message_id and vals.get("mail_message_id") == message_id:
                who = self._whose(vals)
                decision = decisions.get(who, {})
                if decision.get("held_id"):
                    # The row is there since the e-mail was held, and says why.
                    existing[who] = self.browse(decision["held_id"])
                    continue
                vals.update(decision.get("row", {}))
                if decision.get("both") and vals.get("notification_type") == "email":
                    in_app.add(vals["res_partner_id"])
        # Odoo allows one row a message and person: the e-mail joins the one that is there.
        existing |= self._in_app_rows(message_id, in_app)
        if not existing:
            return super().create(vals_list)
        fresh = [vals for vals in vals_list if self._whose(vals) not in existing]
        return self._join(vals_list, existing, super().create(fresh))

    @api.model
    def _whose(self, vals):
        return vals.get("res_partner_id") or vals.get("mail_email_address")

    def _in_app_rows(self, message_id, partner_ids):
        """Return the rows of people who were told of a message in-app: ``{partner_id: row}``."""
        if not partner_ids:
            return {}
        rows = self.search(
            [("mail_message_id", "=", message_id), ("res_partner_id", "in", list(partner_ids))]
        )
        return {row.res_partner_id.id: row for row in rows}

    def _join(self, vals_list, existing, created):
        """Make one row of the one that is there, in-app or held, and the e-mail that comes.

        It stays as unread as it was, so that it counts in the inbox, and follows the fate of the
        e-mail.

        :param dict existing: ``{partner_id or address: row}``
        :param created: the rows of those who are told by e-mail only, in the order of the values
        :return: one row for each of the values, in their order
        """
        created = iter(created)
        rows = self.browse()
        by_values = {}
        for vals in vals_list:
            row = existing.get(self._whose(vals))
            if row is None:
                rows |= next(created)
                continue
            rows |= row
            kept = {
                name: value
                for name, value in vals.items()
                if name not in ("mail_message_id", "res_partner_id", "is_read", "read_date")
            }
            if row.notification_type == "inbox":
                kept["notify_in_app"] = True
            key = tuple(sorted(kept.items()))
            by_values[key] = by_values.get(key, self.browse()) | row
        for values, own in by_values.items():
            own.write(dict(values))
        return rows
