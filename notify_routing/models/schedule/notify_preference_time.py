from dataclasses import dataclass
from datetime import date

from odoo import api, fields, models, tools
from odoo.exceptions import ValidationError

from ...tools.slots import Quiet, Slots

#: The schedule of an event class; other classes have the general one.
CLASS_FIELDS = {
    "note": "note_schedule_id",
    "subtype": "subtype_schedule_id",
    "act": "act_schedule_id",
}
SCHEDULE_FIELDS = ("schedule_id", *CLASS_FIELDS.values())
#: What holds for everything, and stands in the row without document type only.
PERSON_FIELDS = ("quiet_from", "quiet_to", "back_on", "delegate_id")


@dataclass(frozen=True, slots=True)
class Person:
    """What somebody chose for everything.

    :param back: the day on which they return, if they are away
    :param delegate: the user who is told meanwhile
    """

    quiet: Quiet | None = None
    back: date | None = None
    delegate: int | None = None


@dataclass(frozen=True, slots=True)
class TimeBook:
    """All choices of time.

    :param slots: by schedule
    :param choices: ``{(user_id, model or None): {event class or None: schedule_id}}``
    :param people: by user
    :param users: all who chose anything
    """

    slots: dict[int, Slots]
    choices: dict[tuple[int, str | None], dict[str | None, int]]
    people: dict[int, Person]
    users: frozenset[int]

    def __bool__(self):
        return bool(self.users)

    def schedule_id(self, user_id: int, model: str | None, event: str | None) -> int | None:
        """Return what holds: the document type before everything, the class before the rest."""
        for kind in (model, None):
            chosen = self.choices.get((user_id, kind), {})
            if found := chosen.get(event) or chosen.get(None):
                return found
        return None

    def of(self, user_id: int, model: str | None, event: str | None) -> Slots:
        return self.slots.get(self.schedule_id(user_id, model, event), Slots())


class NotifyPreference(models.Model):
    """When somebody wants to get e-mail that may wait."""

    _inherit = "notify.preference"

    schedule_id = fields.Many2one(
        "notify.schedule",
        string="E-mail Leaves",
        ondelete="set null",
        index="btree_not_null",
        help="When e-mail leaves that may wait. Urgent and direct messages pass.",
    )
    note_schedule_id = fields.Many2one(
        "notify.schedule", string="Notes Leave", ondelete="set null", index="btree_not_null"
    )
    subtype_schedule_id = fields.Many2one(
        "notify.schedule",
        string="Announced Changes Leave",
        ondelete="set null",
        index="btree_not_null",
    )
    act_schedule_id = fields.Many2one(
        "notify.schedule",
        string="Events of Schemes Leave",
        ondelete="set null",
        index="btree_not_null",
    )
    quiet_from = fields.Float(help="In the person's own time zone.")
    quiet_to = fields.Float(help="In the person's own time zone.")
    back_on = fields.Date(
        "Away Until", help="E-mail that may wait is held until the start of this day."
    )
    delegate_id = fields.Many2one(
        "res.users",
        ondelete="set null",
        index="btree_not_null",
        domain="[('share', '=', False), ('id', '!=', user_id)]",
        help="Is told of what waits while the person is away.",
    )

    @api.constrains("model_id", *PERSON_FIELDS)
    def _check_person_fields(self):
        for preference in self:
            if preference.model_id and any(preference[name] for name in PERSON_FIELDS):
                raise ValidationError(
                    self.env._(
                        "Quiet hours and absences hold for all document types; write them in the "
                        "line without document type."
                    )
                )
            delegate = preference.delegate_id
            if delegate and (delegate == preference.user_id or delegate.sudo().share):
                raise ValidationError(
                    self.env._("Choose somebody else of your company as delegate, no external.")
                )

    @api.constrains("quiet_from", "quiet_to")
    def _check_quiet(self):
        for preference in self:
            start, end = preference.quiet_from, preference.quiet_to
            if not (0 <= start <= 24 and 0 <= end <= 24):
                raise ValidationError(self.env._("Choose quiet hours from 00:00 to 24:00."))
            if start != end and not preference._quiet():
                raise ValidationError(
                    self.env._(
                        "Quiet hours that cover the whole day would hold your mail for ever. "
                        "Choose shorter ones, or say until when you are away."
                    )
                )

    def _quiet(self):
        """Return the quiet hours, ``None`` without any."""
        return Quiet(round(self.quiet_from * 60), round(self.quiet_to * 60)) or None

    def _says_time(self):
        """Tell whether the row says anything besides the channel."""
        return any(self[name] for name in (*SCHEDULE_FIELDS, *PERSON_FIELDS))

    @api.model
    def _choice_fields(self):
        return [*super()._choice_fields(), *SCHEDULE_FIELDS, *PERSON_FIELDS]

    # ------------------------------------------------------------
    # CRUD: what waits follows
    # ------------------------------------------------------------

    @api.model_create_multi
    def create(self, vals_list):
        preferences = super().create(vals_list)
        preferences.filtered(lambda row: row._says_time()).user_id._notify_reschedule()
        return preferences

    def write(self, vals):
        users = self.user_id
        result = super().write(vals)
        if {"user_id", "model_id", *SCHEDULE_FIELDS, *PERSON_FIELDS} & vals.keys():
            (users | self.user_id)._notify_reschedule()
        return result

    def unlink(self):
        users = self.filtered(lambda row: row._says_time()).user_id
        result = super().unlink()
        users._notify_reschedule()
        return result

    # ------------------------------------------------------------
    # READING
    # ------------------------------------------------------------

    @tools.ormcache(cache="stable")
    def _time_book(self):
        """Return all choices of time, as a :class:`TimeBook`."""
        choices, people, used = {}, {}, set()
        for row in (
            self.sudo().search([("user_id", "!=", False)]).filtered(lambda row: row._says_time())
        ):
            chosen = {None: row.schedule_id.id}
            chosen |= {event: row[name].id for event, name in CLASS_FIELDS.items()}
            chosen = {event: found for event, found in chosen.items() if found}
            if chosen:
                choices[row.user_id.id, row.model or None] = chosen
                used |= set(chosen.values())
            if not row.model_id and any(row[name] for name in PERSON_FIELDS):
                people[row.user_id.id] = Person(
                    row._quiet(), row.back_on or None, row.delegate_id.id or None
                )
        schedules = self.env["notify.schedule"].sudo().browse(used)
        users = frozenset(people) | {user_id for user_id, _model in choices}
        return TimeBook({each.id: each._slots() for each in schedules}, choices, people, users)

    @api.model
    def _people_on(self, schedules):
        """Return the users who chose any of some schedules."""
        conditions = [[(name, "in", schedules.ids)] for name in SCHEDULE_FIELDS]
        # sudo: whoever changes a schedule need not know who uses it
        rows = self.sudo().search(fields.Domain.OR(map(fields.Domain, conditions)))
        return rows.user_id
