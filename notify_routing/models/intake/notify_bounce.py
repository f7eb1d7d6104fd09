import logging

from odoo import api, fields, models
from odoo.tools import email_normalize

_logger = logging.getLogger(__name__)

#: So many soft bounces in a row count as a hard one.
SOFT_BOUNCES = 3


class NotifyBounce(models.AbstractModel):
    """What a mail server says of a mail of ours, and what follows from it.

    Only what names a mail that we sent to that address counts: by the token of the delivery in the
    address that the notice came to, or else by the id of the message. A forged notice changes
    nothing.
    """

    _name = "notify.bounce"
    _description = "Delivery Notice"

    # ------------------------------------------------------------
    # WHICH MAIL
    # ------------------------------------------------------------

    @api.model
    def _is_bounce(self, incoming, guess):
        """Tell whether a message says that a mail did not arrive.

        :param bool guess: what Odoo makes of it; it takes any report, and anything that is sent
            to a bounce address, for a bounce
        """
        if incoming.notice:
            return incoming.notice.kind == "failed"
        if incoming.kind == "answer":
            # A vacation notice goes to the envelope's sender, as RFC 3834 has it.
            return guess and incoming.is_from_daemon
        if self._token(incoming)["state"] == "valid":
            return guess or incoming.kind == "generated"
        return guess

    @api.model
    def _token(self, incoming):
        """Return what the address that a notice came to says, if it is that of a delivery."""
        ReturnAddress = self.env["notify.return.address"]
        notice = incoming.notice
        # Some servers send notices to Reply-To, or only enclose the mail's head.
        for addresses in (incoming.recipients, notice.addresses if notice else ()):
            reading = ReturnAddress._read_all(addresses)
            if reading["state"] == "valid" and reading["kind"] == "bounce":
                return reading
        return {"state": "none"}

    @api.model
    def _find_delivery(self, incoming):
        """Return the ``notify.delivery`` that a notice is about, empty if it is about none.

        :return: and the report about its address
        """
        Delivery = self.env["notify.delivery"].sudo()
        notice, reading = incoming.notice, self._token(incoming)
        if reading["state"] == "valid":
            delivery = Delivery.browse(reading["delivery_id"]).exists()
            return delivery, notice.report(delivery.email) if notice and delivery else None
        if notice and notice.message_ids:
            for delivery in Delivery.search([("message_id", "in", notice.message_ids)]):
                report = notice.report(delivery.email)
                if report.address == delivery.email:
                    return delivery, report
        return Delivery, notice.report() if notice else None

    @api.model
    def _identify(self, incoming, values):
        """Put right what Odoo found out about a bounce.

        :param dict values: of Odoo's ``_message_parse_extract_bounce``
        :return: those of them that change: all empty if the bounce is about no mail of ours
        """
        delivery, report = self._find_delivery(incoming)
        incoming.delivery, incoming.report = delivery, report
        message = delivery.mail_message_id or values["bounced_message"]
        if delivery:
            address, partner = delivery.email, delivery.partner_id
        elif not self._must_match(incoming, message, values["bounced_email"]):
            address = values["bounced_email"] or (report.address if report else False)
            partner = values["bounced_partner"]
        else:
            _logger.info("A bounce about no mail of ours: %s", values["bounced_email"])
            incoming.outcome = "unknown_notice"
            address, partner = False, self.env["res.partner"].sudo()
            message = self.env["mail.message"].sudo()
        if address and not partner:
            partner = self.env["res.partner"].sudo().search([("email_normalized", "=", address)])
        return {
            "bounced_email": address,
            "bounced_partner": partner,
            "bounced_message": message,
            "bounced_msg_ids": values["bounced_msg_ids"],
        }

    @api.model
    def _must_match(self, incoming, message, address):
        """Tell whether a bounce must match a delivery: whether there would be one if it were true.

        What was sent before deliveries were recorded, or by another way, is found by the id of its
        message alone. What a mail server's script hands over about addresses that no delivery was
        made to stays as Odoo has it.
        """
        if not message and incoming.intake:
            return True
        domain = [("mail_message_id", "=", message.id)] if message else [("email", "=", address)]
        return bool(self.env["notify.delivery"].sudo().search_count(domain, limit=1))

    # ------------------------------------------------------------
    # WHAT FOLLOWS
    # ------------------------------------------------------------

    @api.model
    def _weigh(self, thread, incoming, message_dict):
        """Return the thread on which Odoo handles a bounce: a soft one does not count against the
        address, until there were several in a row."""
        report = incoming.report
        if not report or report.hard or not message_dict.get("bounced_email"):
            return thread
        partners = message_dict["bounced_partner"]
        for partner in partners:
            partner.notify_soft_bounces += 1
        if partners and max(partners.mapped("notify_soft_bounces")) >= SOFT_BOUNCES:
            partners.notify_soft_bounces = 0
            return thread
        return thread.with_context(notify_soft_bounce=True)

    @api.model
    def _forget_soft(self, records):
        """An address that writes to us works."""
        if records._name == "res.partner":
            records.notify_soft_bounces = 0

    @api.model
    def _mark(self, incoming, message_dict):
        """Write the server's code and text where people look, after Odoo marked the bounce."""
        message = message_dict["bounced_message"]
        if not message_dict.get("bounced_email"):
            incoming.outcome = "unknown_notice"
            return
        incoming.outcome = "bounce"
        report = incoming.report
        self._write_delivery(incoming, "bounced")
        if not message:
            return
        incoming.mail_message_id = message.id
        notifications = message.notification_ids.filtered(
            lambda row: (
                row.notification_status == "bounce"
                and (
                    row.res_partner_id in message_dict["bounced_partner"]
                    or row.mail_email_address == message_dict["bounced_email"]
                )
            )
        )
        for row in notifications if report and report.sentence else ():
            row.failure_reason = f"{report.sentence}\n\n{row.failure_reason or ''}".rstrip()
        # Their author sees it at once.
        message._notify_message_notification_update()

    @api.model
    def _note(self, incoming):
        """Note what a server says that is no failure: delayed, delivered, read, complained about.

        :return: whether the message was such a notice
        """
        if not incoming.notice:
            return False
        delivery, report = self._find_delivery(incoming)
        incoming.delivery, incoming.report = delivery, report
        if not delivery:
            incoming.outcome = "unknown_notice"
        elif report.kind == "complaint":
            incoming.outcome = "complaint"
            self._write_delivery(incoming)
            self._stop(delivery)
        else:
            incoming.outcome = "notice"
            self._write_delivery(incoming)
        incoming.mail_message_id = delivery.mail_message_id.id
        return True

    @api.model
    def _write_delivery(self, incoming, state=None):
        delivery, report = incoming.delivery, incoming.report
        if not delivery or not report:
            return
        words = {
            "failed": self.env._("came back"),
            "delayed": self.env._("delayed, the other server tries again"),
            "passed": self.env._("passed on"),
            "read": self.env._("read"),
            "complaint": self.env._("reported as spam"),
        }
        now = fields.Datetime.to_string(fields.Datetime.now())
        line = f"{now} {words[report.kind]}: {report.sentence}".rstrip(": ")
        values = {"history": f"{delivery.history or ''}{line}\n"}
        if state:
            values.update(
                state=state, code=report.code, enhanced=report.status, reply=report.text or line
            )
        delivery.write(values)

    @api.model
    def _stop(self, delivery):
        """Stop mail to somebody who complained, as far as they may opt out of it: mailings, and
        what they get as a follower of this document. Mandatory lines of a scheme stay."""
        address = email_normalize(delivery.email) or delivery.email
        reason = self.env._("Reported as spam by the recipient")
        self.env["mail.blacklist"].sudo()._add(address, message=reason)
        model = delivery.res_model or delivery.mail_message_id.model
        document_id = delivery.res_id or delivery.mail_message_id.res_id
        if not document_id or model not in self.env:
            return
        document = self.env[model].sudo().browse(document_id).exists()
        if document and delivery.partner_id:
            document.message_unsubscribe(delivery.partner_id.ids)
            document._message_log(
                body=self.env._(
                    "%(address)s reported a mail of this document as spam, and gets no more of "
                    "them as a follower.",
                    address=address,
                )
            )


class ResPartner(models.Model):
    _inherit = "res.partner"

    notify_soft_bounces = fields.Integer(
        "Soft Bounces",
        readonly=True,
        copy=False,
        help="Mails in a row that came back for a reason that may pass, as a full mailbox.",
    )
