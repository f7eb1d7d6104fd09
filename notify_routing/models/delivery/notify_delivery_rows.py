from datetime import timedelta

from odoo import api, fields, models
from odoo.tools import SQL, email_normalize_all

from ...tools.reply_class import Reply
from .parcel import Item, Outcome, Row

CLASSES = ("direct", "normal", "digest")


def class_of(mail):
    """Return the class of a ``mail.mail`` as its place in :data:`CLASSES`."""
    return min(max(mail.notify_priority, 0), len(CLASSES) - 1)


class NotifyDelivery(models.Model):
    """The rows: made when a mail is taken from the queue, written when a server has answered."""

    _inherit = "notify.delivery"

    @api.model
    def _rows_of(self, mails):
        """Return the rows of mails that were taken before: ``{(mail_id, address): row}``."""
        rows = self.search([("mail_mail_id", "in", mails.ids)], order="id")
        return {(row.mail_mail_id.id, row.email): row for row in rows}

    @api.model
    def _row_values(self, mail, server, address, partner=None):
        """Return the values of a row for one address of a mail."""
        return {
            "mail_mail_id": mail.id,
            "mail_message_id": mail.mail_message_id.id if mail.is_notification else False,
            "partner_id": partner.id if partner else False,
            "company_id": mail.record_company_id.id,
            "server_id": server.id or False,
            "res_model": mail.model,
            "res_id": mail.res_id,
            "email": address,
            "email_from": mail.email_from,
            "subject": mail.subject,
            "message_id": mail.message_id,
            "mail_class": CLASSES[class_of(mail)],
        }

    @api.model
    def _addresses(self, mail):
        """Return whom a mail is for, without making it: ``[(address, partner or None)]``."""
        addresses = [
            (address, None)
            for address in email_normalize_all(f"{mail.email_to or ''},{mail.email_cc or ''}")
        ]
        for partner in mail.recipient_ids:
            own = email_normalize_all(partner.email) or [partner.email or "?"]
            addresses += [(address, partner) for address in own]
        return addresses

    @api.model
    def _take_rows(self, outgoing, server, policy):
        """Find or make the rows of messages that are sent from now on, and fill the parcels.

        :param outgoing: ``[(mail, parcel, emails)]``, the last as of ``_prepare_outgoing_list``
        """
        now = fields.Datetime.now()
        taken = {
            "state": "claimed",
            "date_last": now,
            "date_next": False,
            "lease_until": now + timedelta(minutes=10),
            "worker": self._worker(),
            "server_id": server.id or False,
        }
        known = self._rows_of(self.env["mail.mail"].union(*(mail for mail, _p, _e in outgoing)))
        vals_list, places, again = [], [], self.browse()
        for mail, parcel, emails in outgoing:
            rows = [row for (mail_id, _address), row in known.items() if mail_id == mail.id]
            # A mail that was settled and is in the queue again: somebody wants it tried again.
            restarted = all(row.state in ("sent", "failed", "canceled") for row in rows)
            for email in emails:
                item = Item(parcel, email["partner_id"], email["email_to"] or [])
                parcel.items.append(item)
                addresses = email["email_to_normalized"] or [email["email_to_raw"] or "?"]
                for address in dict.fromkeys(addresses):
                    row = known.get((mail.id, address))
                    if row is None:
                        values = self._row_values(mail, server, address, item.partner)
                        vals_list.append({**values, **taken, "attempts": 1, "date_first": now})
                        places.append((item, address))
                    elif outcome := row._settled(restarted, policy):
                        item.outcomes[address] = outcome
                    else:
                        item.rows[address] = Row(row.id, row.attempts + 1, row.date)
                        again |= row
        for (item, address), row in zip(places, self._insert(vals_list), strict=True):
            item.rows[address] = Row(row.id, 1, now)
        again._take_again(taken, now)

    @api.model
    def _insert(self, vals_list):
        """Make rows past the ORM, a third of whose time it would be to take mails from the queue.

        :param vals_list: dicts with the same keys
        :return: the rows, in the order of their values (PostgreSQL keeps it; Odoo relies on that)
        """
        if not vals_list:
            return self.browse()
        names, now = list(vals_list[0]), fields.Datetime.now()
        rows = [
            (now, *(None if vals[name] is False else vals[name] for name in names))
            for vals in vals_list
        ]
        found = self.env.execute_query(
            SQL(
                "INSERT INTO notify_delivery (%s) VALUES %s RETURNING id",
                SQL(", ").join(map(SQL.identifier, ["date", *names])),
                SQL(", ").join(rows),
            )
        )
        return self.browse(row_id for (row_id,) in found)

    def _settled(self, restarted, policy):
        """Return what became of an address at an earlier attempt, or None to send to it now."""
        if self.state == "claimed" and policy.hold_doubt:
            text = self.env._("The system stopped while this mail was being sent.")
            self.write({"state": "doubt", "reply": text, "lease_until": False})
            return Outcome("doubt", Reply("doubt", text=text))
        if self.state in ("sent", "canceled"):
            return Outcome(
                self.state, Reply("sent", self.code, self.enhanced or "", self.reply or "")
            )
        if self.state == "failed" and not restarted:
            return Outcome(
                "failed", Reply("never", self.code, self.enhanced or "", self.reply or "")
            )
        return None

    def _take_again(self, taken, now):
        """Note on the rows of mails that are tried again what came of the attempt before."""
        for row in self:
            values = {**taken, "attempts": row.attempts + 1, "date_first": row.date_first or now}
            if row.state == "claimed":
                lost = self.env._("The system stopped while this mail was being sent.")
                values["history"] = "\n".join(
                    filter(None, [row.history, f"{fields.Datetime.to_string(now)} {lost}"])
                )
            row.write(values)
