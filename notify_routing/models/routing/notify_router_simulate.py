from markupsafe import Markup

from odoo import api, models
from odoo.exceptions import UserError

from ...tools.decision import CHANNELS, HELD, NOW, SUPPRESSED
from ...tools.identity import ByIdentity
from .notify_router import SILENT

#: Key of the context: a dict in which the router reports what it considers, and writes nothing.
REPORT = "notify_report"


class Report(ByIdentity, dict):
    """What the router reports of a question."""


class NotifyRouter(models.AbstractModel):
    """What would happen: the very code that decides, asked without a message."""

    _inherit = "notify.router"

    @api.model
    def _consider(self, scheme, rows, document, message, msg_vals, recipients):
        considered = super()._consider(scheme, rows, document, message, msg_vals, recipients)
        report = self.env.context.get(REPORT)
        if report is not None:
            report["considered"] = considered
        return considered

    # ------------------------------------------------------------
    # PREVIEW: before sending
    # ------------------------------------------------------------

    @api.model
    def preview(
        self, model, res_id, subtype_xmlid, partner_ids=(), body="", emails=(), role_ids=()
    ):
        """Return who will be told of a message that is not sent yet.

        :param str subtype_xmlid: ``mail.mt_comment`` or ``mail.mt_note``
        :param partner_ids: recipients and mentioned people
        :param emails: recipients that are no contacts yet
        :param role_ids: mentioned roles of users (``res.role``)
        :return: e.g. ``{"people": [{"partner_id": 5, "name": "Mister Client", "external": True,
            "email": "client@customer.example", "channels": ["email"], "how": "E-mail",
            "reason": "was chosen as recipient"}], "fault": False}``, colleagues first
        """
        document = self.env["notify.bell"]._document(model, res_id)
        partners, unknown = self._preview_partners(document, partner_ids, emails, role_ids)
        msg_vals = self._message_values(document, subtype_xmlid, partners.ids, body)
        recipients, report = self._ask(document, self.env["mail.message"], msg_vals)
        people = [self._preview_person(recipient) for recipient in recipients]
        if self.env.user.has_group("base.group_partner_manager"):
            # Sending makes contacts of them.
            people += [self._preview_person(self._address_data(email)) for email in unknown]
        people.sort(key=lambda person: (person["external"], person["name"].lower()))
        return {"people": people, "fault": report.get("fault", False)}

    @api.model
    def _preview_partners(self, document, partner_ids, emails, role_ids):
        """Return the recipients as the web client's controller reads them, and other addresses."""
        partners = self.env["res.partner"].browse(partner_ids)
        known = document._partner_find_from_emails_single(list(emails), no_create=True)
        unknown = [email for email in emails if email not in known.mapped("email_normalized")]
        if role_ids:
            # sudo: whoever may mention a role reaches its users
            users = self.env["res.users"].sudo().search([("role_ids", "in", role_ids)])
            partners |= users.partner_id.sudo(False)
        return (partners | known).filtered(lambda partner: partner.has_access("read")), unknown

    @api.model
    def _message_values(self, document, subtype_xmlid, partner_ids, body):
        """Return the values that ``message_post`` would pass on for a message of the user's."""
        author_id, email_from = document._message_compute_author(None, None)
        return {
            "model": document._name,
            "res_id": document.id,
            "author_id": author_id,
            "email_from": email_from,
            "body": Markup(body or ""),
            "message_type": "comment",
            "subtype_id": self.env["ir.model.data"]._xmlid_to_res_id(subtype_xmlid),
            "partner_ids": list(partner_ids),
            "outgoing_email_to": False,
            "subject": False,
        }

    @api.model
    def _ask(self, document, message, msg_vals, act=None):
        """Ask Odoo who would be told.

        :param dict act: see ``_tell_act``
        :return: ``(recipients, report)``; the report has ``considered`` where a scheme decides, and
            ``fault`` where it could not
        """
        report = Report()
        context = {REPORT: report, **({"notify_act": act} if act else {})}
        # sudo: posting does the same; the document may be read, that was checked
        asked = document.sudo().with_context(**context)
        return asked._notify_get_recipients(message.with_context(**context), msg_vals), report

    @api.model
    def _preview_person(self, recipient):
        sentences = self._sentences()
        channels = self._channels_of(recipient)
        partner = self.env["res.partner"].sudo().browse(recipient["id"] or [])
        return {
            "partner_id": recipient["id"],
            "name": partner.display_name or recipient["email_normalized"] or "",
            "email": partner.email or recipient["email_normalized"] or False,
            "external": not recipient.get("uid") or bool(recipient.get("ushare")),
            "channels": channels,
            "how": ", ".join(self._channel_names()[channel] for channel in channels),
            "reason": sentences.get(recipient.get("notify_reason") or "direct", ""),
        }

    @api.model
    def _channels_of(self, recipient):
        """Return the channels on which Odoo's recipient data tells somebody."""
        told = {recipient["notif"]} & set(CHANNELS)
        if recipient.get("notify_both"):
            told |= {"email", "inbox"}
        if recipient.get("notify_push"):
            told.add("push")
        return [channel for channel in CHANNELS if channel in told]

    # ------------------------------------------------------------
    # SIMULATE: everybody, also those who are not told
    # ------------------------------------------------------------

    @api.model
    def simulate(self, model, res_id, event_id=None, message_id=None):
        """Return what would be decided for everybody considered, and why. Changes nothing.

        :param event_id: the ``notify.event`` that is supposed to happen, by the current user
        :param message_id: a message of the document, decided about as if it were posted now
        :return: e.g. ``{
            "document": "RFI-001 Fire doors", "scheme": {"id": 1, "name": "Correspondence"},
            "events": [{"id": 3, "name": "Issued"}], "event_id": 3, "event": "Issued",
            "supposed": "as if …", "fault": False,
            "rows": [{
                "partner_id": 5, "name": "Dora", "email": "dora@…", "external": True, "told": True,
                "channels": [{"channel": "email", "name": "E-mail", "state": "now",
                              "sentence": "has a role …", "due": False,
                              "line": {"id": 9, "name": "Issued · Creator"}}, …],
            }],
        }``
        """
        document = self.env["notify.bell"]._document(model, res_id)
        scheme = self.env["notify.scheme"].with_context(**{REPORT: Report()})._of_or_alarm(document)
        events = self._simulated_events(document, scheme)
        message = self._simulated_message(document, message_id)
        event = self.env["notify.event"].browse(event_id or []).exists() & events
        if not message and not event:
            event = events[:1]
        act, msg_vals = self._suppose(document, scheme, event, message)
        recipients, report = self._ask(document, message, msg_vals, act)
        if "considered" in report:
            rows = [self._considered_row(*item) for item in report["considered"]]
        else:
            rows = [self._stock_row(recipient) for recipient in recipients]
        record = self.env["notify.scheme"].sudo().browse(scheme.id if scheme else [])
        return {
            "document": document.display_name,
            "scheme": {"id": record.id, "name": record.name} if record else False,
            "governed": "considered" in report,
            "events": [{"id": event.id, "name": event.name} for event in events],
            "event_id": event.id,
            "event": message.sudo().subtype_id.name or event.name,
            "message_id": message.id,
            "supposed": self._supposition(event, act),
            "fault": report.get("fault", False),
            "rows": sorted(rows, key=lambda row: (not row["told"], row["name"].lower())),
        }

    @api.model
    def _simulated_events(self, document, scheme):
        """Return the events that can be supposed: those of the scheme, a message and a note."""
        rows = scheme.of_kind(*{row.kind for row in scheme.rows}) if scheme else ()
        ids = [row.event_id for row in rows]
        events = self.env["notify.event"].browse(ids)
        for xmlid in ("notify_routing.event_reply", "notify_routing.event_note"):
            general = self.env.ref(xmlid, raise_if_not_found=False)
            if general and general.kind not in events.mapped("kind"):
                events |= general
        return events

    @api.model
    def _simulated_message(self, document, message_id):
        message = self.env["mail.message"].browse(message_id or []).exists()
        if message:
            message.check_access("read")
            if (message.model, message.res_id) != (document._name, document.id):
                raise UserError(self.env._("This message belongs to another document."))
        return message

    @api.model
    def _suppose(self, document, scheme, event, message):
        """Return the act and the message values that stand for what is supposed to happen."""
        if message:
            # What an act told of is only kept on its notifications.
            told = message.sudo().notification_ids.filtered(lambda row: row.notify_event == "act")
            event, msg_vals = told.notify_event_id, {"model": document._name}
        else:
            msg_vals = self._message_values(document, "mail.mt_note", (), "")
            if event.kind == "message":
                comment = self.env["ir.model.data"]._xmlid_to_res_id("mail.mt_comment")
                msg_vals["subtype_id"] = comment
            elif event.kind == "subtype":
                msg_vals.update(subtype_id=event.subtype_id.id, message_type="notification")
        if not event or event[:1].kind in ("message", "note", "subtype"):
            return None, msg_vals
        if not message:
            msg_vals["message_type"] = "notification"
        roles = event.role_id | self.env["notify.role"].sudo().browse(
            int(cell.role)
            for row in (scheme.rows if scheme else ())
            if row.event_id in event.ids
            for cell in row.cells
            if cell.only_new
        )
        return {
            "document": (document._name, document.id),
            "codes": event.mapped("code"),
            "new": {str(role.id): role.sudo()._members(document)[0] for role in roles},
        }, msg_vals

    @api.model
    def _supposition(self, event, act):
        if act and any(act["new"].values()):
            return self.env._("as if everybody in the role had just come into it")
        return False

    @api.model
    def _considered_row(self, recipient, outcome):
        """Return a row of :meth:`simulate` for what the scheme's decision says."""
        channels = []
        for channel in CHANNELS:
            decisions = [
                decision for _event, decision in outcome.dropped if decision.channel == channel
            ]
            # What was decided against is told with its weightiest reason.
            decisions.sort(key=lambda decision: decision.reason in SILENT)
            if channel in outcome.told:
                decisions.insert(0, outcome.told[channel][1])
            decision = decisions[0]
            channels.append(
                self._channel_data(
                    channel, decision.state, decision.reason, decision.line_id, decision.due
                )
            )
        return self._row(recipient, channels)

    @api.model
    def _stock_row(self, recipient):
        """Return a row of :meth:`simulate` for somebody whom no scheme speaks of."""
        told = self._channels_of(recipient)
        external = not recipient.get("uid") or recipient.get("ushare")
        channels = []
        for channel in CHANNELS:
            if channel in told:
                reason = recipient.get("notify_reason") or "follower"
                due = recipient.get("notify_due") if channel == "email" else None
                state = HELD if due else NOW
                channels.append(self._channel_data(channel, state, reason, due=due))
            else:
                reason = "external" if external and channel != "email" else "prefers_other"
                channels.append(
                    self._channel_data(channel, SUPPRESSED, "off" if channel == "push" else reason)
                )
        return self._row(recipient, channels)

    @api.model
    def _row(self, recipient, channels):
        person = self._preview_person(recipient)
        return {
            **{name: person[name] for name in ("partner_id", "name", "email", "external")},
            "told": any(channel["state"] != SUPPRESSED for channel in channels),
            "channels": channels,
        }

    @api.model
    def _channel_data(self, channel, state, reason, line_id=None, due=None):
        line = self.env["notify.scheme.line"].sudo().browse(line_id or [])
        return {
            "channel": channel,
            "name": self._channel_names()[channel],
            "state": state,
            "state_name": self._state_names()[state],
            "sentence": self._sentences().get(reason, reason),
            "due": due and str(due.replace(microsecond=0)),
            "line": {"id": line.id, "name": line.display_name} if line else False,
        }

    # ------------------------------------------------------------
    # WORDS
    # ------------------------------------------------------------

    @api.model
    def _channel_names(self):
        """Return the names of the channels: those of the columns in a scheme's line."""
        Line = self.env["notify.scheme.line"]
        return {name: Line._fields[name]._description_string(self.env) for name in CHANNELS}

    @api.model
    def _state_names(self):
        return {
            NOW: self.env._("told"),
            HELD: self.env._("told later"),
            SUPPRESSED: self.env._("not told"),
        }

    @api.model
    def _sentences(self):
        """Return the sentence of each reason: ``{code: text}``. Hook for those who add reasons."""
        return dict(
            self.env["mail.notification"]._fields["notify_reason"]._description_selection(self.env)
        )
