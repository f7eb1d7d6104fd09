from collections import defaultdict
from dataclasses import replace
from datetime import datetime, time, timedelta

from odoo import api, models
from odoo.fields import Domain

from ...tools.deadline import Item, alert_days, due_window, local_day

#: A moment in one time zone is on a day of another one that is at most so far away.
A_DAY = timedelta(days=1)


class NotifyDeadline(models.Model):
    """Which documents a deadline speaks of on a day, and who is alerted of each of them."""

    _inherit = "notify.deadline"

    def _items(self, company, today, last=None):
        """Return who is alerted of which documents in a company, or why not.

        :param today: the day, in the company's time zone
        :param last: look ahead until this day, as things are now
        :rtype: list[notify_routing.tools.deadline.Item]
        :raise ValidationError: if the deadline cannot be followed, with a sentence for managers
        """
        self.ensure_one()
        last = last or today
        if not self._speaks_of(company):
            return []
        documents = self._documents().sudo().with_context(allowed_company_ids=company.ids)
        first = max(self.since or today, today - timedelta(days=self.catch_up))
        window = due_window(self._offsets(), first, last)
        documents = window and documents.search(self._domain_of(documents, company, window))
        if not documents:
            return []
        zone, _known = company._notify_zone()
        dues = {document.id: local_day(document[self.date_field], zone) for document in documents}
        days = {
            document_id: alert_days(due, self._offsets(), first, today, last)
            for document_id, due in dues.items()
        }
        documents = documents.filtered(lambda document: days[document.id])
        return self._with_outcome(
            documents, company, self._candidates(documents, company, dues, days, today)
        )

    def _speaks_of(self, company):
        """Tell whether a company has alerts of this deadline."""
        if self.company_id and self.company_id != company:
            return False
        return self.mandatory or company not in self.quiet_company_ids

    def _domain_of(self, documents, company, window):
        """Return the documents of a company with a date within some days, as a domain."""
        earliest, latest = window
        if documents._fields[self.date_field].type == "datetime":
            # Days begin and end elsewhere at other moments: which day it is, is looked at later.
            earliest = datetime.combine(earliest, time.min)
            latest = datetime.combine(latest, time.max)
            earliest = earliest - A_DAY if earliest > datetime.min + A_DAY else earliest
            latest = latest + A_DAY if latest < datetime.max - A_DAY else latest
        domain = Domain(self.date_field, ">=", earliest) & Domain(self.date_field, "<=", latest)
        if "company_id" in documents._fields:
            domain &= Domain("company_id", "in", [company.id, False])
        return domain & self._filter()

    # ------------------------------------------------------------
    # CANDIDATES
    # ------------------------------------------------------------

    def _candidates(self, documents, company, dues, days, today):
        """Return one item for each person, document and day, nothing decided yet."""
        members = self._members(self.role_ids, documents)
        above = self._members(self.escalate_role_ids, documents) if self.escalate_after else {}
        past = self._days_past(documents, dues) if self.escalate_after else {}
        told = self._told(documents, today)
        names, urls = self._names(documents), self._urls(documents)
        items = []
        for document in documents:
            due, reminders = dues[document.id], past.get(document.id, set())
            for day in days[document.id]:
                people = dict.fromkeys(members.get(document.id, ()), False)
                before = len([reminder for reminder in reminders if reminder < day])
                if self.escalate_after and day > due and before >= self.escalate_after:
                    people.update(
                        (partner_id, True)
                        for partner_id in above.get(document.id, ())
                        if partner_id not in people
                    )
                if day > due:
                    reminders = reminders | {day}
                items += [
                    Item(
                        deadline_id=self.id,
                        partner_id=partner_id,
                        model=documents._name,
                        res_id=document.id,
                        name=names[document.id],
                        url=urls[document.id],
                        due=due,
                        day=day,
                        escalated=escalated,
                    )
                    for partner_id, escalated in people.items()
                    if (document.id, partner_id, day) not in told
                    and not (day <= today and (document.id, partner_id, "today") in told)
                ]
        return self._at_home(documents, company, items)

    @api.model
    def _members(self, roles, documents):
        """Return who is in some roles on documents: ``{document id: {partner_id, …}}``."""
        members = defaultdict(set)
        for role in roles:
            if role.kind == "follower":
                followers = self.env["mail.followers"].sudo().search_fetch(
                    [("res_model", "=", documents._name), ("res_id", "in", documents.ids)],
                    ["res_id", "partner_id"],
                )  # fmt: skip
                for follower in followers:
                    members[follower.res_id].add(follower.partner_id.id)
                continue
            for document in documents:
                members[document.id] |= role._members(document)[0]
        return members

    def _told(self, documents, today):
        """Return what people were told of before: ``{(document id, partner id, day)}``; a day is
        also the word ``"today"`` where somebody was told of a document today."""
        lines = self.env["notify.deadline.alert.line"].sudo().search_fetch(
            [
                ("deadline_id", "=", self.id),
                ("res_id", "in", documents.ids),
                ("reason", "=", False),
                ("sent_on", ">=", today - timedelta(days=self.catch_up + 1)),
            ],
            ["res_id", "partner_id", "day", "sent_on"],
        )  # fmt: skip
        return {(line.res_id, line.partner_id.id, line.day) for line in lines} | {
            (line.res_id, line.partner_id.id, "today") for line in lines if line.sent_on == today
        }

    def _days_past(self, documents, dues):
        """Return the days past the present date of each document of which people were alerted."""
        groups = self.env["notify.deadline.alert.line"].sudo()._read_group(
            [
                ("deadline_id", "=", self.id),
                ("res_id", "in", documents.ids),
                ("reason", "=", False),
            ],
            ["res_id", "due:day", "day:day"],
        )  # fmt: skip
        days = defaultdict(set)
        for res_id, due, day in groups:
            if due == dues[res_id] and day > due:
                days[res_id].add(day)
        return days

    def _at_home(self, documents, company, items):
        """Keep what is this company's matter.

        A document of no company belongs to the company that each person works in; for people
        without a user, to the first company.
        """
        if self.company_id:
            return items
        if "company_id" in documents._fields:
            homeless = {document.id for document in documents if not document.company_id}
        else:
            homeless = set(documents.ids)
        if not homeless:
            return items
        people = self.env["res.partner"].sudo().browse(
            {item.partner_id for item in items if item.res_id in homeless}
        )  # fmt: skip
        first = self.env["res.company"].sudo().search([], limit=1, order="id")
        homes = {
            person.id: (person.user_ids[:1].company_id if person.user_ids else first)
            for person in people
        }
        return [
            item
            for item in items
            if item.res_id not in homeless or homes[item.partner_id] == company
        ]

    @api.model
    def _names(self, documents):
        if documents._name != "mail.activity":
            return {document.id: document.display_name or "" for document in documents}
        return {
            activity.id: " · ".join(
                filter(
                    None,
                    (activity.res_name, activity.summary or activity.activity_type_id.name),
                )
            )
            for activity in documents
        }

    @api.model
    def _urls(self, documents):
        """Return where a document is seen; an activity is seen on its document."""
        if documents._name == "mail.activity":
            return {
                activity.id: f"/mail/view?model={activity.res_model}&res_id={activity.res_id}"
                if activity.res_model and activity.res_id
                else None
                for activity in documents
            }
        return {
            document.id: f"/mail/view?model={documents._name}&res_id={document.id}"
            for document in documents
        }

    # ------------------------------------------------------------
    # OUTCOME
    # ------------------------------------------------------------

    def _with_outcome(self, documents, company, items):
        """Return the items with the channels on which each person is told, or why not."""
        people = self.env["res.partner"].sudo().browse({item.partner_id for item in items})
        people = people.exists()
        data = self._recipients(documents, people, company)
        readable = self._readable(documents, data)
        muted = set() if self.mandatory else self._muted(documents, people)
        off = set() if self.mandatory else set(self.opted_out_ids.ids)
        decided = []
        for item in items:
            recipient = data.get(item.partner_id)
            if recipient is None:
                continue
            reason = None
            if recipient["gone"]:
                reason = "inactive"
            elif item.res_id not in readable[item.partner_id]:
                reason = "no_access"
            elif item.partner_id in off:
                reason = "opted_out"
            elif (item.res_id, item.partner_id) in muted:
                reason = "muted"
            elif not recipient["channels"]:
                reason = "unreachable"
            decided.append(
                replace(
                    item,
                    reason=reason,
                    channels=frozenset() if reason else recipient["channels"],
                    url=item.url if recipient["internal"] else None,
                )
            )
        return decided

    def _recipients(self, documents, people, company):
        """Return how people can be told, and whether they can.

        :return: ``{partner_id: {"user": user or empty, "internal": True, "gone": False,
            "channels": frozenset({"email"})}}``
        """
        if not people:
            return {}
        found = self.env["mail.followers"]._get_recipient_data(
            None, "user_notification", False, people.ids
        )[0]
        self.env["notify.preference"]._apply_channels(documents._name, list(found.values()))
        pushed = self.env["notify.preference"].sudo()._pushed() if self.push else set()
        users = self.env["res.users"].sudo().with_context(active_test=False)
        left = users.search([("partner_id", "in", people.ids)]).partner_id
        result = {}
        for partner_id, recipient in found.items():
            internal = bool(recipient["uid"]) and not recipient["ushare"]
            wanted = set(self._channels())
            if self.prefer:
                wanted.add(recipient["notif"])
                if recipient.get("notify_both"):
                    wanted.add("inbox")
            possible = {"email"} if recipient["email_normalized"] else set()
            if internal:
                possible.add("inbox")
                if (recipient["uid"], documents._name) in pushed:
                    possible.add("push")
            result[partner_id] = {
                "user": users.browse(recipient["uid"] or []),
                "internal": internal,
                # Who had a user and has none now has left: nobody can say what they may see.
                "gone": not recipient["active"]
                or (not recipient["uid"] and partner_id in left.ids),
                "channels": frozenset(wanted & possible),
            }
        return result

    @api.model
    def _readable(self, documents, data):
        """Return which documents each person may read: ``{partner_id: {document id, …}}``.

        People without an internal user have no say in it: somebody put them there.
        """
        readable = {}
        for partner_id, recipient in data.items():
            if not recipient["internal"]:
                readable[partner_id] = set(documents.ids)
                continue
            user = recipient["user"]
            own = documents.sudo(False).with_user(user).with_context(
                allowed_company_ids=list(user._get_company_ids())
            )  # fmt: skip
            readable[partner_id] = set(own._filtered_access("read").ids)
        return readable

    @api.model
    def _muted(self, documents, people):
        """Return who muted which documents with the bell: ``{(document id, partner_id), …}``."""
        followers = self.env["mail.followers"].sudo().search_fetch(
            [
                ("res_model", "=", documents._name),
                ("res_id", "in", documents.ids),
                ("partner_id", "in", people.ids),
                ("notify_muted", "=", True),
            ],
            ["res_id", "partner_id"],
        )  # fmt: skip
        return {(follower.res_id, follower.partner_id.id) for follower in followers}
