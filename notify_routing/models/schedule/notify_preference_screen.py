from datetime import timedelta

from odoo import api, fields, models
from odoo.exceptions import AccessError, ValidationError
from odoo.tools import format_datetime, format_duration

from ...tools.slots import next_slot
from .notify_preference_time import PERSON_FIELDS, SCHEDULE_FIELDS


class NotifyPreference(models.Model):
    """When I am told: what My Preferences shows and changes."""

    _inherit = "notify.preference"

    @api.model
    def read_my_time(self):
        """Return when the current user's e-mail leaves, and what happens next in words.

        :return: e.g. ``{
            "schedules": [{"id": 3, "name": "Every day (08:00)"}],
            "classes": [{"field": "schedule_id", "name": "E-mail Leaves", "value": 3}],
            "quiet": {"from": "22:00", "to": "07:00"},
            "back_on": False,
            "delegate": {"id": 7, "name": "Ben"},
            "colleagues": [{"id": 7, "name": "Ben"}],
            "next": "Next digest: Monday 08:00 (in 14 h), 3 waiting",
            "arrival": "The sending job runs every 3 minutes: …",
            "waiting": 3,
            "zone": "Europe/Paris",
            "warnings": ["Your time zone …"],
        }``
        """
        self._check_internal()
        user = self.env.user
        row = self.search(self._my_row_domain(), limit=1)
        labels = {
            name: self._fields[name]._description_string(self.env) for name in SCHEDULE_FIELDS
        }
        waiting = self.env["notify.review"]._waiting(user)
        return {
            "schedules": [
                {"id": schedule.id, "name": schedule.display_name}
                for schedule in self.env["notify.schedule"]
                .with_context(notify_times=True)
                .search([])
            ],
            "classes": [
                {"field": name, "name": labels[name], "value": row[name].id}
                for name in SCHEDULE_FIELDS
            ],
            "quiet": {
                "from": format_duration(row.quiet_from) if row._quiet() else "",
                "to": format_duration(row.quiet_to) if row._quiet() else "",
            },
            "back_on": fields.Date.to_string(row.back_on),
            "delegate": {"id": row.delegate_id.id, "name": row.delegate_id.name},
            "colleagues": [
                {"id": colleague.id, "name": colleague.name}
                for colleague in self.env["res.users"].search(
                    [("share", "=", False), ("id", "!=", user.id)], limit=200, order="name"
                )
            ],
            "next": self._next_in_words(user, row, waiting),
            "arrival": self._arrival_in_words(waiting),
            "waiting": len(waiting),
            "zone": self.env["notify.time"]._zone(user)[0].key,
            "warnings": self._time_warnings(user, row),
        }

    @api.model
    def set_my_time(self, values):
        """Change when the current user's e-mail leaves.

        :param dict values: any of the schedule fields (id or ``False``), ``quiet_from`` and
            ``quiet_to`` (hours as float), ``back_on``, ``delegate_id``
        :return: see :meth:`read_my_time`
        """
        self._check_internal()
        if set(values) - {*SCHEDULE_FIELDS, *PERSON_FIELDS}:
            raise ValidationError(self.env._("There are no such preferences."))
        row = self.search(self._my_row_domain(), limit=1)
        emptied = [name for name, value in values.items() if not value]
        filled = {name: value for name, value in values.items() if value}
        if filled and not row:
            self.create({"user_id": self.env.uid, "channel": False, **filled})
        elif row:
            # In one step: quiet hours from midnight are the value 0.
            if any(row[name] for name in row._choice_fields() if name not in values) or filled:
                row.write(values)
            else:
                row._forget(*emptied)
        return self.read_my_time()

    @api.model
    def set_my_schedule(self, model, schedule_id, also=None):
        """Choose when e-mail about a document type leaves; ``False`` for as everywhere.

        :return: one's own table, see ``notify.subscription.table.read_mine``, also for ``also``
        """
        Table = self.env["notify.subscription.table"]
        self._check_internal()
        model_id = self.env["ir.model"]._get_id(Table._known(model))
        mine = [("user_id", "=", self.env.uid), ("model_id", "=", model_id)]
        row = self.search(mine, limit=1)
        if row and not schedule_id:
            row._forget("schedule_id")
        elif row:
            row.schedule_id = schedule_id
        elif schedule_id:
            self.create(
                {
                    "user_id": self.env.uid,
                    "model_id": model_id,
                    "channel": False,
                    "schedule_id": schedule_id,
                }
            )
        return Table.read_mine(also)

    @api.model
    def send_mine_now(self):
        """Let everything that waits for the current user leave with the next review.

        :return: see :meth:`read_my_time`
        """
        self._check_internal()
        Review = self.env["notify.review"]
        Review._let_go(Review._waiting(self.env.user))
        return self.read_my_time()

    @api.model
    def _check_internal(self):
        if not self.env.user._is_internal():
            raise AccessError(self.env._("Externals are told at once, and by e-mail only."))

    @api.model
    def _my_row_domain(self):
        return [("user_id", "=", self.env.uid), ("model_id", "=", False)]

    # ------------------------------------------------------------
    # IN WORDS
    # ------------------------------------------------------------

    @api.model
    def _time_warnings(self, user, row):
        """Return what does not work as the user may think, in words."""
        warnings = []
        zone, unknown = self.env["notify.time"]._zone(user)
        if unknown:
            warnings.append(
                self.env._(
                    "The time zone “%(unknown)s” does not exist any more: times are those of "
                    "%(zone)s. Choose another one in the tab Preferences.",
                    unknown=unknown,
                    zone=zone.key,
                )
            )
        if row.back_on and row.delegate_id:
            away = self.env["notify.time"]._is_away(user, self._time_book().people.get(user.id))
            if away and not self.env["notify.time"]._delegate_of(user):
                warnings.append(
                    self.env._(
                        "Nobody stands in for you: %(delegate)s is away as well, and those asked "
                        "instead are, too. Your mail waits for you.",
                        delegate=row.delegate_id.name,
                    )
                )
        return warnings

    @api.model
    def _next_in_words(self, user, row, waiting):
        """Return what happens next with e-mail that may wait."""
        now = fields.Datetime.now()
        count = len(waiting)
        if waiting:
            return self.env._(
                "Next: %(moment)s (%(distance)s), %(count)s waiting",
                moment=self._moment(waiting[0].notify_due),
                distance=self._distance(waiting[0].notify_due - now),
                count=count,
            )
        due = self.env["notify.time"]._due(user, None, None, now)
        slots = self._time_book().of(user.id, None, None)
        if not due:
            return self.env._("E-mail leaves immediately; nothing is waiting.")
        if slots.kind != "now":
            due = max(due, next_slot(slots, now, self.env["notify.time"]._zone(user)[0]))
        return self.env._(
            "Next digest: %(moment)s (%(distance)s), nothing is waiting",
            moment=self._moment(due),
            distance=self._distance(due - now),
        )

    @api.model
    def _arrival_in_words(self, waiting):
        """Return when mail arrives: the review hands it to the sending job."""
        # sudo: anybody may know how often mail is sent
        cron = self.env.ref("mail.ir_cron_mail_scheduler_action").sudo()
        interval = self.env["notify.time"]._length(cron.interval_number, cron.interval_type)
        if not cron.active:
            return self.env._("The sending job is switched off: nothing leaves. Ask your manager.")
        if waiting:
            return self.env._(
                "It is then handed to the sending job (interval: %(interval)s): expect it by "
                "%(moment)s.",
                interval=interval,
                moment=self._moment(self._arrival(waiting[0].notify_due)),
            )
        return self.env._(
            "“Immediately” means: handed to the sending job (interval: %(interval)s).",
            interval=interval,
        )

    @api.model
    def _arrival(self, due):
        """Return by when mail that leaves the review arrives: the next run of the sending job."""
        cron = self.env.ref("mail.ir_cron_mail_scheduler_action").sudo()
        steps = {
            "minutes": timedelta(minutes=1),
            "hours": timedelta(hours=1),
            "days": timedelta(days=1),
            "weeks": timedelta(weeks=1),
            "months": timedelta(days=31),
        }
        step = steps[cron.interval_type] * cron.interval_number
        run = cron.nextcall
        if run < due:
            run += step * -(-(due - run) // step)
        return run

    @api.model
    def _moment(self, moment):
        """Return a moment in the reader's words: *Monday 08:00*, with the date if it is far."""
        zone = self.env["notify.time"]._zone(self.env.user)[0]
        near = moment - fields.Datetime.now() < timedelta(days=6)
        return format_datetime(
            self.env, moment, tz=zone.key, dt_format="EEEE HH:mm" if near else "EEEE d MMMM y HH:mm"
        )

    @api.model
    def _distance(self, delta):
        """Return how far away something is: *in 14 h*."""
        minutes = max(round(delta.total_seconds() / 60), 0)
        if minutes < 1:
            return self.env._("now")
        if minutes < 60:
            return self.env._("in %(count)s min", count=minutes)
        if minutes < 48 * 60:
            return self.env._("in %(count)s h", count=round(minutes / 60))
        return self.env._("in %(count)s days", count=round(minutes / 60 / 24))


class NotifySubscriptionTable(models.AbstractModel):
    """One's own table also says when e-mail about each document type leaves."""

    _inherit = "notify.subscription.table"

    @api.model
    def _mine_more(self, table):
        table = super()._mine_more(table)
        book = self.env["notify.preference"]._time_book()
        chosen = {
            model: choice.get(None)
            for (user_id, model), choice in book.choices.items()
            if user_id == self.env.uid
        }
        schedules = (
            self.env["notify.schedule"]
            .with_context(notify_times=True)
            .search([("active", "=", True)])
        )
        table["schedules"] = [
            {"id": schedule.id, "name": schedule.display_name} for schedule in schedules
        ]
        for kind in table["types"]:
            kind["schedule"] = kind["model"] and chosen.get(kind["model"], False)
        return table
