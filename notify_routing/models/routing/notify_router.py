import logging
from datetime import datetime

from psycopg2 import Error as DatabaseError

from odoo import api, models
from odoo.tools import SQL

from ...tools.decision import Candidate, Event, Preference, decide, settle

_logger = logging.getLogger(__name__)

#: Reasons that say no more than that nobody asked for a channel.
SILENT = ("off", "no_role", "prefers_other", "external", "no_push")


class NotifyRouter(models.AbstractModel):
    """Decides who is told of a message on a document that a scheme speaks of.

    Odoo's candidates and the people in the scheme's roles become candidates of
    :func:`notify_routing.tools.decision.decide`; what it says is written back on the recipients'
    data, which Odoo then works off as ever.
    """

    _name = "notify.router"
    _description = "Notification Router"

    # ------------------------------------------------------------
    # ENTRY: from the door into mail.thread
    # ------------------------------------------------------------

    @api.model
    def _route(self, document, message, msg_vals, recipients):
        """Return who is told of a message, and what was decided against.

        A fault in the scheme changes nothing for this message: Odoo's own recipients are told, and
        the managers are alarmed.

        :param recipients: see ``mail.thread._notify_get_recipients``
        :return: ``(recipients, dropped)``, ``dropped`` being a list of dicts such as
            ``{"partner_id": 7, "channel": "email", "reason": "muted", "event_id": 3,
            "line_id": 9}``
        """
        scheme = self.env["notify.scheme"]._of_or_alarm(document) if document else None
        rows = scheme and self._rows(scheme, document, message, msg_vals)
        if not rows:
            return recipients, []
        try:
            considered = self._consider(scheme, rows, document, message, msg_vals, recipients)
        except DatabaseError:
            raise
        except Exception as error:
            _logger.warning(
                "The scheme %s does not work, Odoo's own recipients are told",
                scheme.id,
                exc_info=True,
            )
            self.env["notify.scheme"].browse(scheme.id)._alarm(error)
            return recipients, []
        told, dropped = [], []
        events = {row.code: row for row in rows}
        for recipient, outcome in considered:
            if outcome.told:
                told.append(self._write_decision(recipient, outcome, events))
            dropped += self._dropped(recipient, outcome, events)
        return told, dropped

    @api.model
    def _rows(self, scheme, document, message, msg_vals):
        """Return the events of a scheme that a message tells of, heaviest first."""
        act = self.env.context.get("notify_act")
        if act and act["document"] == (document._name, document.id):
            return [
                row
                for row in scheme.of_kind(*{row.kind for row in scheme.rows})
                if row.code in act["codes"]
            ]

        def value(name):
            return msg_vals[name] if name in msg_vals else message.sudo()[name]

        if value("message_type") == "user_notification":
            return []
        subtype_id = (
            msg_vals["subtype_id"] if "subtype_id" in msg_vals else message.sudo().subtype_id.id
        )
        to_id = self.env["ir.model.data"]._xmlid_to_res_id
        rows = [row for row in scheme.of_kind("subtype") if row.subtype_id == subtype_id]
        if subtype_id == to_id("mail.mt_comment"):
            rows += scheme.of_kind("message")
        elif subtype_id == to_id("mail.mt_note"):
            rows += scheme.of_kind("note")
        return rows

    # ------------------------------------------------------------
    # CANDIDATES
    # ------------------------------------------------------------

    @api.model
    def _consider(self, scheme, rows, document, message, msg_vals, recipients):
        """Decide for everybody who may have to be told.

        :return: list of ``(recipient data, Outcome)``
        """
        act = self.env.context.get("notify_act") or {}
        subtype_id = (
            msg_vals["subtype_id"] if "subtype_id" in msg_vals else message.sudo().subtype_id.id
        )
        direct = set(
            msg_vals["partner_ids"] if "partner_ids" in msg_vals else message.sudo().partner_ids.ids
        )
        author_id = msg_vals.get("author_id") or message.sudo().author_id.id
        roles = (
            self.env["notify.role"]
            .sudo()
            .browse({int(cell.role) for row in rows for cell in row.cells})
        )
        members, addresses, followers = self._members(document, roles, subtype_id)
        everybody = self._everybody(document, recipients, members, addresses)
        follower_roles = {
            str(role.id) for role in roles if roles._specs()[role.id][0] == "follower"
        }
        stock = {id(recipient) for recipient in recipients}
        preferences = self._preferences(
            document._name, everybody, "act" if act else self._event_of(document, msg_vals, message)
        )
        pushes = self._pushes(document._name, everybody)
        quiet = bool(
            scheme.quiet_domain
            and self.env["notify.scheme"]._matches(document, scheme.quiet_domain)
        )
        cells = {row.code: self._cells(row, document) for row in rows}
        now = datetime.now()
        result = []
        for position, recipient in enumerate(everybody):
            partner_id = recipient["id"]
            own = {role for role, people in members.items() if partner_id and partner_id in people}
            own |= {
                role
                for role, found in addresses.items()
                if recipient["email_normalized"] in found and not partner_id
            }
            if id(recipient) in stock and recipient["is_follower"]:
                own |= follower_roles
            candidate = Candidate(
                roles=frozenset(own),
                new_roles=frozenset(
                    role for role in own if partner_id in act.get("new", {}).get(role, ())
                ),
                direct=partner_id in direct,
                stock=id(recipient) in stock,
                author=partner_id == author_id and bool(partner_id),
                external=not recipient["uid"] or recipient["ushare"],
                active=recipient["active"] is not False,
                access=self._may_read(document, recipient),
                address=bool(recipient["email_normalized"]),
                push=pushes[position],
                opted_out=self._opted_out(
                    followers.get(partner_id), id(recipient) in stock, bool(act)
                ),
            )
            outcome = settle(
                (event, decide(event, candidate, cells[row.code], preferences[position], now))
                for row in rows
                for event in [Event(row.code, quiet=quiet)]
            )
            result.append((recipient, outcome))
        return result

    @api.model
    def _event_of(self, document, msg_vals, message):
        """Return the code of the event that a message tells of."""

        def value(name):
            return msg_vals[name] if name in msg_vals else message.sudo()[name]

        subtype_id = (
            msg_vals["subtype_id"] if "subtype_id" in msg_vals else message.sudo().subtype_id.id
        )
        return document._notify_event(value("message_type"), subtype_id)

    @api.model
    def _cells(self, row, document):
        """Return the cells of an event with what their mail filter says of a document."""
        matches = self.env["notify.scheme"]._matches
        return [
            cell
            if cell.id not in row.email_domains or matches(document, row.email_domains[cell.id])
            else cell.without_email()
            for cell in row.cells
        ]

    @api.model
    def _everybody(self, document, recipients, members, addresses):
        """Return Odoo's recipients and the data of those that only the scheme's roles know."""
        known = {recipient["id"] for recipient in recipients if recipient["id"]}
        missing = set().union(*members.values()) - known
        everybody = list(recipients)
        if missing:
            data = self.env["mail.followers"]._get_recipient_data(
                document, "user_notification", False, list(missing)
            )
            everybody += data.get(document.id, {}).values()
        emails = set().union(*addresses.values()) - {
            recipient["email_normalized"] for recipient in everybody
        }
        return everybody + [self._address_data(email) for email in sorted(emails)]

    @api.model
    def _address_data(self, email):
        """Return recipient data for a bare address, as Odoo makes it."""
        return {
            "active": True,
            "email_normalized": email,
            "id": False,
            "is_follower": False,
            "name": email,
            "lang": False,
            "groups": [],
            "notif": "email",
            "share": True,
            "type": "customer",
            "uid": False,
            "ushare": False,
        }

    @api.model
    def _may_read(self, document, recipient):
        """Tell whether a recipient may read the document. People without a user have no say in it:
        somebody put them there."""
        if not recipient["uid"] or recipient["ushare"]:
            return True
        user = self.env["res.users"].browse(recipient["uid"])
        return document.with_user(user).with_context(
            allowed_company_ids=list(user.sudo()._get_company_ids())
        ).has_access("read")  # fmt: skip

    @api.model
    def _opted_out(self, follower, told_by_stock, by_act):
        """Return what the bell of a person says against an event.

        :param follower: ``(origin, muted, follows anything)`` or ``None``
        :param by_act: the event is no message of a kind that one can follow
        """
        if not follower:
            return None
        origin, muted, anything = follower
        if muted:
            return "muted"
        if origin == "choice" and not told_by_stock and (not by_act or not anything):
            return "bell"
        return None

    # ------------------------------------------------------------
    # ROLES, in one query where their paths allow it
    # ------------------------------------------------------------

    @api.model
    def _members(self, document, roles, subtype_id):
        """Return who is in which role, and what followers chose.

        :return: ``({role: {partner_id, …}}, {role: {address, …}}, {partner_id: (origin, muted,
            follows anything)})``, a role being its id as text
        """
        document.flush_recordset()
        self.env["mail.followers"].flush_model()
        members, addresses, branches = {}, {}, []
        specs = roles._specs()
        for role in roles:
            branch = role._sql(document)
            if branch is not None:
                members[str(role.id)] = set()
                branches.append(branch)
            elif specs[role.id][0] != "follower":
                members[str(role.id)], addresses[str(role.id)] = role._members(document)
        branches.append(
            SQL(
                """SELECT 0, partner_id, notify_origin, COALESCE(notify_muted, FALSE),
                          EXISTS(SELECT 1 FROM mail_followers_mail_message_subtype_rel rel
                                  WHERE rel.mail_followers_id = fol.id)
                     FROM mail_followers fol WHERE res_model = %s AND res_id = %s""",
                document._name,
                document.id,
            )
        )
        followers = {}
        for role_id, partner_id, origin, muted, anything in self.env.execute_query(
            SQL(" UNION ALL ").join(SQL("(%s)", branch) for branch in branches)
        ):
            if role_id:
                members[str(role_id)].add(partner_id)
            else:
                followers[partner_id] = (origin, muted, anything)
        return members, addresses, followers

    # ------------------------------------------------------------
    # HOOKS for the houses after this one
    # ------------------------------------------------------------

    @api.model
    def _preferences(self, model, recipients, event):
        """Hook: return how each recipient prefers to be told, as a list in the same order.

        :param str event: a value of ``mail.notification.notify_event``
        """
        return [Preference(frozenset({recipient["notif"]})) for recipient in recipients]

    @api.model
    def _pushes(self, model, recipients):
        """Hook: return for each recipient whether pushes of a document type are allowed."""
        return [False for _recipient in recipients]

    @api.model
    def _record(self, message, dropped):
        """Hook: keep what was decided against telling somebody. See :meth:`_route`."""

    # ------------------------------------------------------------
    # OUTCOME
    # ------------------------------------------------------------

    @api.model
    def _write_decision(self, recipient, outcome, events):
        """Return a recipient's data with what was decided."""
        channels = {channel for channel, (_event, decision) in outcome.told.items()}
        event, decision = next(iter(outcome.told.values()))
        _event, email = outcome.told.get("email", (None, None))
        return {
            **recipient,
            "notif": "email" if "email" in channels else "inbox" if "inbox" in channels else "push",
            "notify_both": {"email", "inbox"} <= channels,
            "notify_push": "push" in channels,
            "notify_decided": True,
            "notify_due": email.due if email else None,
            "notify_burst": bool(email and email.burst),
            "notify_event_id": events[event.code].event_id,
            "notify_line_id": decision.line_id,
            "notify_reason": decision.reason if decision.reason != "direct" else False,
        }

    @api.model
    def _dropped(self, recipient, outcome, events):
        """Return what is worth keeping of what was decided against."""
        return [
            {
                "partner_id": recipient["id"],
                "email": recipient["email_normalized"],
                "channel": decision.channel,
                "reason": decision.reason,
                "event_id": events[event.code].event_id,
                "line_id": decision.line_id,
            }
            for event, decision in outcome.dropped
            if decision.reason not in SILENT
        ]
