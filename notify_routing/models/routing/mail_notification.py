from odoo import api, fields, models

from .loose import LooseMany2one


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
    notify_due = fields.Datetime("Due", help="When this leaves. Empty: at once.")

    @api.model_create_multi
    def create(self, vals_list):
        message_id, decisions = self.env.context.get("notify_decisions") or (None, {})
        in_app = set()
        for vals in vals_list:
            if message_id and vals.get("mail_message_id") == message_id:
                decision = decisions.get(
                    vals.get("res_partner_id") or vals.get("mail_email_address"), {}
                )
                vals.update(decision.get("row", {}))
                if decision.get("both") and vals.get("notification_type") == "email":
                    in_app.add(vals["res_partner_id"])
        # Odoo allows one row a message and person: the e-mail joins the one that is there in-app.
        existing = self._in_app_rows(message_id, in_app)
        fresh = [vals for vals in vals_list if vals.get("res_partner_id") not in existing]
        created = super().create(fresh)
        return self._join_in_app(vals_list, existing, created) if existing else created

    def _in_app_rows(self, message_id, partner_ids):
        """Return the rows of people who were told of a message in-app: ``{partner_id: row}``."""
        if not partner_ids:
            return {}
        rows = self.search(
            [("mail_message_id", "=", message_id), ("res_partner_id", "in", list(partner_ids))]
        )
        return {row.res_partner_id.id: row for row in rows}

    def _join_in_app(self, vals_list, existing, created):
        """Make one row of an in-app notification that is there and the e-mail that comes.

        It stays unread, so that it counts in the inbox, and follows the fate of the e-mail.

        :param dict existing: ``{partner_id: row}``
        :param created: the rows of those who are told by e-mail only, in the order of the values
        :return: one row for each of the values, in their order
        """
        created = iter(created)
        rows = self.browse()
        by_values = {}
        for vals in vals_list:
            row = existing.get(vals.get("res_partner_id"))
            if row is None:
                rows |= next(created)
                continue
            rows |= row
            kept = {
                name: value
                for name, value in vals.items()
                if name not in ("mail_message_id", "res_partner_id", "is_read", "read_date")
            }
            kept["notify_in_app"] = True
            key = tuple(sorted(kept.items()))
            by_values[key] = by_values.get(key, self.browse()) | row
        for values, own in by_values.items():
            own.write(dict(values))
        return rows
