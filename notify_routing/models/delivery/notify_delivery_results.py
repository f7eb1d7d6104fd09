from odoo import api, models

from .mail_mail import is_changed

#: States that end in a failure, as far as Odoo has a word for it.
NOT_AGAIN = ("failed", "doubt")


class NotifyDelivery(models.Model):
    """What the answers mean for Odoo's mails and notifications."""

    _inherit = "notify.delivery"

    @api.model
    def _conclude(self, parcels):
        """Do for mails whose letters are all answered what Odoo does after sending one.

        :param parcels: list of :class:`Parcel`
        """
        there = set(
            self.env["mail.mail"].browse([parcel.mail_id for parcel in parcels]).exists().ids
        )
        parcels = [parcel for parcel in parcels if parcel.mail_id in there]
        again = [parcel for parcel in parcels if parcel.next]
        failed = [parcel for parcel in parcels if not parcel.next and self._failure_of(parcel)]
        sent = [parcel for parcel in parcels if parcel not in again and parcel not in failed]
        self._conclude_sent(sent)
        for parcel in failed:
            self._conclude_failed(parcel)
        for parcel in again:
            self._conclude_later(parcel)
        if again:
            self._trigger(min(parcel.next for parcel in again))
        gone = there - set(self.env["mail.mail"].browse(there).exists().ids)
        self._forget_mails(gone)

    @api.model
    def _forget_mails(self, mail_ids):
        """Empty the links to mails that Odoo deleted."""
        if mail_ids:
            self.env.cr.execute(
                "UPDATE notify_delivery SET mail_mail_id = NULL WHERE mail_mail_id IN %s",
                [tuple(mail_ids)],
            )

    def _conclude_sent(self, parcels):
        mails = self.env["mail.mail"].browse([parcel.mail_id for parcel in parcels])
        if not mails:
            return
        mails.write(
            {
                "state": "sent",
                "failure_type": False,
                "failure_reason": False,
                "scheduled_date": False,
            }
        )
        for mail, pids, emails in self._together(mails, parcels):
            mail._postprocess_sent_message(success_pids=pids, success_emails=emails)

    def _together(self, mails, parcels):
        """Yield mails with whom they reached: all at once, if no other addon wants them singly."""
        reached = {parcel.mail_id: self._reached(parcel) for parcel in parcels}
        if is_changed(self.env["mail.mail"], "_postprocess_sent_message"):
            for mail in mails:
                yield mail, *reached[mail.id]
        else:
            pids = [pid for some, _emails in reached.values() for pid in some]
            yield mails, pids, [email for _pids, some in reached.values() for email in some]

    def _conclude_failed(self, parcel):
        failure_type, reason = self._failure_of(parcel)
        mail = self.env["mail.mail"].browse(parcel.mail_id)
        pids, emails = self._reached(parcel)
        mail.write(
            {
                "state": "exception",
                "failure_type": failure_type,
                "failure_reason": reason,
                "scheduled_date": False,
            }
        )
        mail._postprocess_sent_message(
            success_pids=pids,
            success_emails=emails,
            failure_reason=reason,
            failure_type=failure_type,
        )
        self._say_each_reason(parcel, reason)

    def _say_each_reason(self, parcel, reason):
        """Odoo knows one reason a mail: where people differ, say each one's."""
        for item in parcel.items:
            for address, outcome in item.outcomes.items():
                own = str(outcome.reply)
                if outcome.state in NOT_AGAIN and own and own != reason:
                    self._notifications_to(parcel, item, address).write(
                        {"failure_type": outcome.reply.failure_type, "failure_reason": own}
                    )

    def _conclude_later(self, parcel):
        """Leave a mail in the queue for those whom it has not reached."""
        mail = self.env["mail.mail"].browse(parcel.mail_id)
        waits = next(outcome for outcome in parcel.outcomes if outcome.next)
        mail.write({"scheduled_date": parcel.next, "failure_reason": str(waits.reply)})
        for item in parcel.items:
            for address, outcome in item.outcomes.items():
                if outcome.state == "sent":
                    self._notifications_to(parcel, item, address).write(
                        {"notification_status": "sent", "failure_type": "", "failure_reason": ""}
                    )

    def _notifications_to(self, parcel, item, address):
        """Return the notifications of one recipient that are not settled yet."""
        recipient = (
            [("res_partner_id", "=", item.partner.id)]
            if item.partner
            else [("mail_email_address", "=", address)]
        )
        return self.env["mail.notification"].sudo().search(
            [
                ("notification_type", "=", "email"),
                ("mail_mail_id", "=", parcel.mail_id),
                ("notification_status", "not in", ("sent", "canceled", "bounce")),
                *recipient,
            ]
        )  # fmt: skip

    def _reached(self, parcel):
        """Return whom a mail has reached, as Odoo's hook wants it: ``(partners, addresses)``."""
        partners, emails = [], []
        for item in parcel.items:
            if any(outcome.state == "sent" for outcome in item.outcomes.values()):
                if item.partner:
                    partners.append(item.partner.with_env(self.env))
                else:
                    emails += item.email_to
                    emails += [
                        address
                        for address, outcome in item.outcomes.items()
                        if outcome.state == "sent"
                    ]
        return partners, emails

    def _failure_of(self, parcel):
        """Return Odoo's failure type and the words for it, or None."""
        if parcel.failure:
            return parcel.failure
        if not parcel.items:
            return "mail_email_missing", self.env["ir.mail_server"].NO_VALID_RECIPIENT
        for outcome in parcel.outcomes:
            if outcome.state in NOT_AGAIN and not outcome.next:
                return outcome.reply.failure_type, str(outcome.reply)
        return None
