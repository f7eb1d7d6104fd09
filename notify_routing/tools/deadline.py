"""When people are alerted of a deadline: days and hours, without records and queries."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from zoneinfo import ZoneInfo

BEFORE, ON, AFTER = "before", "on", "after"
DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Offset:
    """One line of a deadline: when, seen from its date, people are alerted.

    :param when: :data:`BEFORE`, :data:`ON` or :data:`AFTER`
    :param days: how many days before; or every how many days after
    :param times: how often after; of no meaning before and on the day
    """

    when: str
    days: int = 0
    times: int = 1

    def distances(self) -> Iterator[int]:
        """Yield the days between the date and the alerts, negative before it."""
        if self.when == BEFORE:
            yield -self.days
        elif self.when == ON:
            yield 0
        else:
            for number in range(1, self.times + 1):
                yield number * self.days


@dataclass(frozen=True, slots=True)
class Item:
    """One person and one document for which an alert is due, or would be.

    :param day: the day on which the alert falls, see :func:`alert_days`
    :param url: path of a page of the document, ``None`` where there is none for this person
    :param channels: how the person is told; empty where there is a reason against
    :param reason: why the person is not told: a code, see ``notify.deadline.alert.line``
    :param escalated: told because reminders did not help
    """

    deadline_id: int
    partner_id: int
    model: str
    res_id: int
    name: str
    url: str | None
    due: date
    day: date
    channels: frozenset[str] = frozenset()
    reason: str | None = None
    escalated: bool = False


def all_days(due: date, offsets: Iterable[Offset]) -> list[date]:
    """Return all days on which people are alerted of a date, the earliest first.

    Days that no calendar has (before the year 1, after 9999) are left out.
    """
    days = set()
    for offset in offsets:
        for distance in offset.distances():
            try:
                days.add(due + distance * DAY)
            except OverflowError:
                continue
    return sorted(days)


def alert_days(
    due: date, offsets: Iterable[Offset], first: date, today: date, last: date
) -> list[date]:
    """Return the days that still matter today: the last one that is reached, and those to come.

    Of several days that passed unnoticed only the last one counts: one alert says how things are.

    :param first: days before this one are over
    :param last: days after this one are of no interest
    """
    days = [day for day in all_days(due, offsets) if first <= day <= last]
    reached = [day for day in days if day <= today]
    return reached[-1:] + [day for day in days if day > today]


def due_window(offsets: Iterable[Offset], first: date, last: date) -> tuple[date, date] | None:
    """Return the earliest and the latest date of which an alert falls between two days.

    :return: ``None`` without offsets
    """
    distances = [distance for offset in offsets for distance in offset.distances()]
    if not distances:
        return None
    return _shift(first, -max(distances)), _shift(last, -min(distances))


def _shift(day: date, days: int) -> date:
    """Return a day moved by some days, kept within what a calendar has."""
    try:
        return day + days * DAY
    except OverflowError:
        return date.min if days < 0 else date.max


# ------------------------------------------------------------
# HOURS: when a company's alerts leave
# ------------------------------------------------------------


def find_zone(name: str | None) -> ZoneInfo | None:
    """Return a time zone, ``None`` if there is none of that name (any more)."""
    try:
        return ZoneInfo(name or "")
    except (KeyError, ValueError, OSError):
        return None


def moment(day: date, hour: float, zone: tzinfo) -> datetime:
    """Return when an hour of a day is reached, in UTC.

    An hour that clocks skip is reached when they have moved on; of an hour that comes twice the
    first one counts.

    :param hour: e.g. ``7.5`` for half past seven
    """
    minutes = min(round(hour * 60), 24 * 60 - 1)
    wall = datetime.combine(day, time(minutes // 60, minutes % 60), zone)
    return wall.astimezone(UTC)


def local_day(value: date | datetime, zone: tzinfo) -> date:
    """Return the day of a date, or of a moment (UTC, as Odoo stores it) in a time zone."""
    if not isinstance(value, datetime):
        return value
    try:
        return value.replace(tzinfo=UTC).astimezone(zone).date()
    except OverflowError:
        return value.date()


def last_round(now: datetime, hour: float, zone: tzinfo) -> date:
    """Return the day whose alerts were the last to leave, or should have been.

    :param now: with time zone
    """
    today = now.astimezone(zone).date()
    # Clocks may skip a whole day: the hour of a day that never was is not in its past.
    return max(
        day for day in (today - 2 * DAY, today - DAY, today) if moment(day, hour, zone) <= now
    )


def next_round(now: datetime, hour: float, zone: tzinfo) -> datetime:
    """Return when alerts leave next, in UTC; always after now."""
    today = now.astimezone(zone).date()
    return min(
        at for at in (moment(today + days * DAY, hour, zone) for days in (-1, 0, 1, 2)) if at > now
    )


def round_to_make_up(done: date, now: datetime, hour: float, zone: tzinfo) -> date | None:
    """Return the day whose alerts are to leave now, ``None`` if there are none.

    What is missed by more than half a day waits for the next round, which tells of it as well:
    after an outage nobody gets two alerts within a few hours.

    :param done: day whose alerts left last
    """
    day = last_round(now, hour, zone)
    if day <= done:
        return None
    late = now - moment(day, hour, zone)
    return day if late <= next_round(now, hour, zone) - now else None
