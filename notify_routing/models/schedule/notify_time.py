from datetime import UTC, datetime, timedelta

from babel.units import format_unit

from odoo import api, fields, models
from odoo.tools.misc import babel_locale_parse, get_lang

from ...tools.slots import due, is_quiet, known_zone, to_wall

#: How far to look for the next working hours.
CALENDAR_DAYS = 15


class NotifyTime(models.AbstractModel):
    """Says when what may wait leaves, for each person."""

    _name = "notify.time"
    _description = "Notification Time"

    @api.model
    def _zone(self, user):
        """Return a user's time zone, and the name of one that does not exist, if it is theirs.

        The person's, else their company's, else UTC.
        """
        # sudo: who tells somebody need not know more of them
        user = user.sudo()
        return known_zone([user.tz, user.company_id.partner_id.tz])

    @api.model
    def _length(self, count, unit):
        """Return a length of time in the reader's language: *1 hour*, *3 days*.

        :param str unit: as scheduled actions name it: ``minutes``, ``hours``, ``days``, …
        """
        locale = babel_locale_parse(get_lang(self.env).code)
        return format_unit(count, f"duration-{unit.removesuffix('s')}", locale=locale)

    @api.model
    def _due(self, user, model, event, now=None):
        """Return when e-mail of an event leaves, as a datetime, or None for at once."""
        book = self.env["notify.preference"]._time_book()
        person = book.people.get(user.id)
        slots = book.of(user.id, model, event)
        if not person and slots.kind == "now" and not slots.working_hours:
            return None
        now = now or fields.Datetime.now()
        return due(
            slots,
            now,
            self._zone(user)[0],
            quiet=person and person.quiet,
            back=person and person.back,
            working=self._working(user, now) if slots.working_hours else (),
        )

    @api.model
    def _is_quiet(self, user, now=None):
        """Tell whether these are a user's quiet hours."""
        person = self.env["notify.preference"]._time_book().people.get(user.id)
        if not person or not person.quiet:
            return False
        return is_quiet(person.quiet, now or fields.Datetime.now(), self._zone(user)[0])

    @api.model
    def _working(self, user, now):
        """Return when somebody works in the next days, as naive UTC intervals.

        :return: ``[(start, end), …]``; none without a calendar of working hours
        """
        user = user.sudo()
        if "resource_calendar_id" not in self.env["res.company"]._fields:
            return []
        person = self.env["notify.preference"]._time_book().people.get(user.id)
        start = now
        if person and person.back:
            start = max(now, datetime.combine(person.back, datetime.min.time()))
        calendar = user.company_id.resource_calendar_id
        if "resource_calendar_id" in user._fields:
            calendar = user.resource_calendar_id or calendar
        if not calendar:
            return []
        start = start.replace(tzinfo=UTC)
        intervals = calendar._work_intervals_batch(start, start + timedelta(days=CALENDAR_DAYS))
        return [
            tuple(moment.astimezone(UTC).replace(tzinfo=None) for moment in (begins, ends))
            for begins, ends, _attendance in intervals[False]
        ]

    # ------------------------------------------------------------
    # RECIPIENTS
    # ------------------------------------------------------------

    @api.model
    def _apply(self, model, recipients):
        """Write on recipients' data when their e-mail leaves, and whether a device may ring.

        Whoever is addressed is told at once. In-app notifications never wait.

        :param list recipients: see ``mail.thread._notify_get_recipients``, with the keys that
            the routing adds
        """
        book = self.env["notify.preference"]._time_book()
        if not book:
            return
        for recipient in recipients:
            # Externals chose nothing.
            if recipient["uid"] not in book.users or recipient["ushare"]:
                continue
            event = recipient.get("notify_event")
            if event == "direct" or recipient.get("notify_reason") in ("direct", "mention"):
                continue
            user = self.env["res.users"].browse(recipient["uid"])
            if recipient["notif"] == "email":
                recipient["notify_due"] = self._due(user, model, event)
            if self._is_quiet(user):
                recipient["notify_push"] = False

    # ------------------------------------------------------------
    # DELEGATES
    # ------------------------------------------------------------

    @api.model
    def _delegate_of(self, user):
        """Return who stands in for somebody who is away now, an empty record for nobody.

        A delegate who is away as well passes it on; where that comes back to somebody who was
        asked before, nobody stands in and the mail waits for its owner.
        """
        people = self.env["notify.preference"]._time_book().people
        asked, current = set(), user.id
        while current not in asked:
            asked.add(current)
            person = people.get(current)
            if not self._is_away(self.env["res.users"].browse(current), person):
                delegate = self.env["res.users"].sudo().browse(current)
                fits = current != user.id and delegate.active and not delegate.share
                return delegate if fits else delegate.browse()
            if not person.delegate:
                break
            current = person.delegate
        return self.env["res.users"]

    @api.model
    def _is_away(self, user, person):
        if not person or not person.back:
            return False
        return person.back > to_wall(fields.Datetime.now(), self._zone(user)[0]).date()

    @api.model
    def _delegates(self, document, recipients):
        """Return the data of those who stand in for recipients who are away.

        They must be able to read the document, and are told once, as they prefer to be told.
        """
        if not document or not self.env["notify.preference"]._time_book().people:
            return []
        there = {recipient["id"] for recipient in recipients}
        events = {}
        for recipient in recipients:
            if recipient.get("notify_due") and recipient["uid"]:
                user = self.env["res.users"].browse(recipient["uid"])
                partner = self._delegate_of(user).partner_id
                if partner and partner.id not in there:
                    events.setdefault(partner.id, recipient.get("notify_event"))
        if not events:
            return []
        found = self.env["mail.followers"]._get_recipient_data(
            document, "user_notification", False, list(events)
        )
        Router = self.env["notify.router"]
        return [
            {**data, "notify_reason": "delegate", "notify_event": events[partner_id]}
            for partner_id, data in found.get(document.id, {}).items()
            if Router._may_read(document, data)
        ]
