"""When what may wait leaves: schedules, quiet hours, absences and working hours of a person.

Moments are naive UTC, as Odoo keeps them; wall-clock times are those of the person's time zone.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

MINUTES_A_DAY = 24 * 60
#: Days to look ahead: a week, and one for a day that a zone leaves out.
HORIZON = 9


@dataclass(frozen=True, slots=True)
class Slots:
    """When a schedule lets mail leave.

    :param kind: ``"now"``, ``"hours"``, ``"daily"`` or ``"weekly"``
    :param hours: for ``"hours"``: every so many, counted from midnight
    :param at: for the other two: minutes after midnight
    :param weekdays: for ``"weekly"``: 0 is Monday; none at all means every day
    :param working_hours: only while the person works
    """

    kind: str = "now"
    hours: int = 1
    at: int = 8 * 60
    weekdays: frozenset[int] = frozenset()
    working_hours: bool = False


@dataclass(frozen=True, slots=True)
class Quiet:
    """Hours in which a person is not disturbed, in minutes after midnight.

    They may pass midnight. Equal ends, and a whole day, mean none: mail would never leave.
    """

    start: int
    end: int

    def __bool__(self) -> bool:
        return (self.end - self.start) % MINUTES_A_DAY > 0

    def holds(self, minute: int) -> bool:
        if self.start < self.end:
            return self.start <= minute < self.end
        return minute >= self.start or minute < self.end


def known_zone(names: Iterable[str | None]) -> tuple[ZoneInfo, str | None]:
    """Return the first time zone that exists, and the first name that does not, if there is one.

    :param names: the person's, then the company's; UTC is the last resort
    """
    unknown = None
    for name in filter(None, names):
        try:
            return ZoneInfo(name), unknown
        # A name may also be one of a folder of zones, or no name of a file at all.
        except (KeyError, ValueError, OSError):
            unknown = unknown or name
    return ZoneInfo("UTC"), unknown


def to_wall(moment: datetime, zone: ZoneInfo) -> datetime:
    """Return what a clock on the wall shows."""
    return moment.replace(tzinfo=UTC).astimezone(zone).replace(tzinfo=None)


def from_wall(wall: datetime, zone: ZoneInfo) -> list[datetime]:
    """Return when a clock on the wall shows a time: once, or twice when it is set back.

    A time that is left out when the clock is set forward counts as the same time after the last
    full hour before: half past two becomes half past three.
    """
    moments = [
        wall.replace(tzinfo=zone, fold=fold).astimezone(UTC).replace(tzinfo=None) for fold in (0, 1)
    ]
    there = [moment for moment in moments if to_wall(moment, zone) == wall]
    return sorted(set(there)) or moments[:1]


def start_of(day: date, zone: ZoneInfo) -> datetime:
    """Return when a day begins."""
    return from_wall(datetime.combine(day, time()), zone)[0]


def next_slot(slots: Slots, now: datetime, zone: ZoneInfo) -> datetime | None:
    """Return the first slot after a moment; ``None`` if the schedule holds nothing."""
    if slots.kind == "now":
        return None
    today = to_wall(now, zone).date()
    for offset in range(-1, HORIZON):
        later = [
            moment
            for moment in _slots_of(slots, today + timedelta(days=offset), zone)
            if moment > now
        ]
        if later:
            return min(later)
    raise ValueError(f"There is no slot of {slots} within {HORIZON} days")


def _slots_of(slots: Slots, day: date, zone: ZoneInfo) -> Iterator[datetime]:
    midnight = datetime.combine(day, time())
    if slots.kind == "hours":
        for hour in range(0, 24, min(max(slots.hours, 1), 24)):
            yield from from_wall(midnight + timedelta(hours=hour), zone)
    elif slots.kind == "daily" or not slots.weekdays or day.weekday() in slots.weekdays:
        # Once a day, also when the clock shows that time twice.
        yield from_wall(midnight + timedelta(minutes=slots.at), zone)[0]


def is_quiet(quiet: Quiet | None, moment: datetime, zone: ZoneInfo) -> bool:
    """Tell whether a moment is in somebody's quiet hours."""
    return bool(quiet) and quiet.holds(_minute(to_wall(moment, zone)))


def after_quiet(quiet: Quiet | None, moment: datetime, zone: ZoneInfo) -> datetime:
    """Return a moment, or the end of the quiet hours that it is in."""
    if not is_quiet(quiet, moment, zone):
        return moment
    wall = to_wall(moment, zone)
    end = datetime.combine(wall.date(), time()) + timedelta(minutes=quiet.end)
    if end <= wall:
        end += timedelta(days=1)
    later = [found for found in from_wall(end, zone) if found > moment]
    return later[0] if later else moment


def _minute(wall: datetime) -> int:
    return wall.hour * 60 + wall.minute


def within(moment: datetime, intervals: Sequence[tuple[datetime, datetime]]) -> datetime:
    """Return a moment, or the start of the next of some intervals; without one, the moment."""
    for start, end in sorted(intervals):
        if max(moment, start) < end:
            return max(moment, start)
    return moment


def due(
    slots: Slots,
    now: datetime,
    zone: ZoneInfo,
    *,
    quiet: Quiet | None = None,
    back: date | None = None,
    working: Sequence[tuple[datetime, datetime]] = (),
) -> datetime | None:
    """Return when what happens now leaves; ``None`` for at once.

    :param back: the day on which an absent person returns
    :param working: when the person works, for schedules that ask for it
    """
    returns = start_of(back, zone) if back else now
    absent = returns > now
    # A slot that falls on the return itself counts.
    start = returns - timedelta(microseconds=1) if absent else now
    moment = next_slot(slots, start, zone) or max(returns, now)
    # Quiet hours and working hours push each other; a few rounds settle any sane set-up.
    for _round in range(HORIZON):
        before = moment
        moment = after_quiet(quiet, moment, zone)
        if slots.working_hours:
            moment = within(moment, working)
        if moment == before:
            break
    return moment if moment > now else None
