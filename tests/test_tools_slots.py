"""Time, without a database: schedules, quiet hours and absences in any zone, on any day."""

import importlib.util
import sys
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from machine_room import paths

# Read as a file of its own: the package around it needs Odoo.
_spec = importlib.util.spec_from_file_location(
    "tools_slots", paths.ROOT / "notify_routing/tools/slots.py"
)
tools = sys.modules[_spec.name] = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(tools)

Quiet, Slots = tools.Quiet, tools.Slots
after_quiet, is_quiet = tools.after_quiet, tools.is_quiet
from_wall, to_wall, start_of = tools.from_wall, tools.to_wall, tools.start_of
due, known_zone, next_slot, within = tools.due, tools.known_zone, tools.next_slot, tools.within

PARIS = ZoneInfo("Europe/Paris")
DAILY = Slots("daily", at=8 * 60)
#: Both directions of daylight saving, half and quarter hours, a day left out, half an hour of DST.
ZONES = [
    "Europe/Paris",
    "America/New_York",
    "Asia/Kolkata",
    "Asia/Kathmandu",
    "Australia/Lord_Howe",
    "Pacific/Apia",
    "Pacific/Chatham",
    "America/Sao_Paulo",
    "UTC",
]

moments = st.datetimes(datetime(2011, 12, 1), datetime(2030, 1, 1))
zones = st.sampled_from(ZONES).map(ZoneInfo)
schedules = st.one_of(
    st.builds(Slots, st.just("hours"), hours=st.integers(1, 24)),
    st.builds(Slots, st.just("daily"), at=st.integers(0, 1439)),
    st.builds(
        Slots,
        st.just("weekly"),
        at=st.integers(0, 1439),
        weekdays=st.frozensets(st.integers(0, 6)),
    ),
)
quiets = st.builds(Quiet, st.integers(0, 1439), st.integers(0, 1440))


def at(text, zone=PARIS):
    """Return naive UTC of a wall-clock time: ``at("2026-11-22 08:00")``."""
    return datetime.fromisoformat(text).replace(tzinfo=zone).astimezone(UTC).replace(tzinfo=None)


def wall(moment, zone=PARIS):
    return to_wall(moment, zone).isoformat(" ", "minutes")


# ------------------------------------------------------------
# EXAMPLES
# ------------------------------------------------------------


def test_immediately_holds_nothing():
    assert next_slot(Slots(), at("2026-11-22 10:00"), PARIS) is None
    assert due(Slots(), at("2026-11-22 10:00"), PARIS) is None


@pytest.mark.parametrize(
    ("now", "slot"),
    [
        ("2026-11-22 07:59", "2026-11-22 08:00"),
        ("2026-11-22 08:00", "2026-11-23 08:00"),
        ("2026-12-31 23:00", "2027-01-01 08:00"),
        # The clocks go back, and forward, in the night between.
        ("2026-10-24 09:00", "2026-10-25 08:00"),
        ("2026-03-28 09:00", "2026-03-29 08:00"),
        # 29 February.
        ("2028-02-28 09:00", "2028-02-29 08:00"),
        ("2028-02-29 09:00", "2028-03-01 08:00"),
        ("2026-02-28 09:00", "2026-03-01 08:00"),
    ],
)
def test_daily(now, slot):
    assert wall(next_slot(DAILY, at(now), PARIS)) == slot


def test_daily_keeps_the_wall_clock_across_daylight_saving():
    before, after = at("2026-03-28 07:00"), at("2026-03-28 08:00")
    assert next_slot(DAILY, before, PARIS) == datetime(2026, 3, 28, 7)
    assert next_slot(DAILY, after, PARIS) == datetime(2026, 3, 29, 6)
    assert next_slot(DAILY, at("2026-10-24 08:00"), PARIS) == datetime(2026, 10, 25, 7)


def test_daily_at_a_time_that_is_left_out_or_shown_twice():
    half_past_two = Slots("daily", at=150)
    slot = next_slot(half_past_two, at("2026-03-28 12:00"), PARIS)
    assert wall(slot) == "2026-03-29 03:30"
    assert wall(next_slot(half_past_two, slot, PARIS)) == "2026-03-30 02:30"
    slot = next_slot(half_past_two, at("2026-10-24 12:00"), PARIS)
    assert slot == datetime(2026, 10, 25, 0, 30), "the first of the two"
    assert wall(next_slot(half_past_two, slot, PARIS)) == "2026-10-26 02:30"


def test_hourly_goes_on_through_the_hour_that_is_shown_twice():
    hourly = Slots("hours", hours=1)
    moment, seen = at("2026-10-25 00:30"), []
    for _slot in range(4):
        moment = next_slot(hourly, moment, PARIS)
        seen.append(moment)
    assert [slot.hour for slot in seen] == [23, 0, 1, 2], "one, two, two again, three o'clock"


def test_half_hour_zone():
    slot = next_slot(DAILY, datetime(2026, 11, 22, 3), ZoneInfo("Asia/Kolkata"))
    assert slot == datetime(2026, 11, 23, 2, 30)
    slot = next_slot(Slots("hours", hours=6), datetime(2026, 11, 22, 3), ZoneInfo("Asia/Kolkata"))
    assert slot == datetime(2026, 11, 22, 6, 30)


def test_weekly_on_several_days():
    slots = Slots("weekly", at=480, weekdays=frozenset({0, 3}))
    moment, seen = at("2026-11-22 12:00"), []
    for _slot in range(3):
        moment = next_slot(slots, moment, PARIS)
        seen.append(f"{to_wall(moment, PARIS):%a %d}")
    assert seen == ["Mon 23", "Thu 26", "Mon 30"]


def test_weekly_without_a_day_is_every_day():
    assert wall(next_slot(Slots("weekly", at=480), at("2026-11-22 12:00"), PARIS)) == (
        "2026-11-23 08:00"
    )


def test_quiet_hours_pass_midnight():
    quiet = Quiet(22 * 60, 7 * 60)
    assert wall(after_quiet(quiet, at("2026-11-22 23:10"), PARIS)) == "2026-11-23 07:00"
    assert wall(after_quiet(quiet, at("2026-11-23 03:10"), PARIS)) == "2026-11-23 07:00"
    assert wall(after_quiet(quiet, at("2026-11-23 07:00"), PARIS)) == "2026-11-23 07:00"
    assert due(Slots(), at("2026-11-22 23:10"), PARIS, quiet=quiet) == at("2026-11-23 07:00")


@pytest.mark.parametrize("quiet", [Quiet(0, 1440), Quiet(480, 480), None])
def test_quiet_hours_of_a_whole_day_are_none(quiet):
    assert not is_quiet(quiet, at("2026-11-22 12:00"), PARIS)
    assert due(Slots(), at("2026-11-22 12:00"), PARIS, quiet=quiet) is None


def test_a_slot_in_quiet_hours_leaves_at_their_end():
    quiet = Quiet(20 * 60, 9 * 60)
    assert wall(due(DAILY, at("2026-11-22 12:00"), PARIS, quiet=quiet)) == "2026-11-23 09:00"


def test_absence_ends_with_the_first_slot_of_the_return():
    now = at("2026-11-22 12:00")
    back = date(2026, 12, 1)
    assert wall(due(DAILY, now, PARIS, back=back)) == "2026-12-01 08:00"
    assert wall(due(Slots(), now, PARIS, back=back)) == "2026-12-01 00:00"
    assert wall(due(Slots("daily", at=0), now, PARIS, back=back)) == "2026-12-01 00:00"
    assert due(Slots(), now, PARIS, back=date(2026, 11, 22)) is None, "back already"


def test_working_hours():
    day = [(at("2026-11-23 09:00"), at("2026-11-23 17:00"))]
    slots = Slots(working_hours=True)
    assert wall(due(slots, at("2026-11-22 12:00"), PARIS, working=day)) == "2026-11-23 09:00"
    assert due(slots, at("2026-11-23 10:00"), PARIS, working=day) is None
    assert due(slots, at("2026-11-23 18:00"), PARIS, working=day) is None, "nothing is known"
    late = Quiet(8 * 60, 10 * 60)
    found = due(slots, at("2026-11-23 08:30"), PARIS, quiet=late, working=day)
    assert wall(found) == "2026-11-23 10:00"


@pytest.mark.parametrize(
    ("names", "zone", "unknown"),
    [
        (["Europe/Paris", "UTC"], "Europe/Paris", None),
        (["Atlantis/Capital", "Asia/Tokyo"], "Asia/Tokyo", "Atlantis/Capital"),
        ([None, "Asia/Tokyo"], "Asia/Tokyo", None),
        (["Europe", None], "UTC", "Europe"),
        (["../../etc/passwd"], "UTC", "../../etc/passwd"),
        (["", False], "UTC", None),
    ],
)
def test_time_zone_that_does_not_exist(names, zone, unknown):
    found, wrong = known_zone(names)
    assert (found.key, wrong) == (zone, unknown)


# ------------------------------------------------------------
# PROPERTIES
# ------------------------------------------------------------


@given(schedules, moments, zones)
def test_a_slot_is_later_and_none_is_skipped(slots, now, zone):
    slot = next_slot(slots, now, zone)
    assert slot > now
    assert next_slot(slots, slot - timedelta(microseconds=1), zone) == slot, "it is a slot"
    halfway = now + (slot - now) / 2
    assert next_slot(slots, halfway, zone) == slot, "nothing lies between"


@given(st.integers(1, 24), moments, zones)
def test_every_n_hours_never_waits_longer(hours, now, zone):
    slot = next_slot(Slots("hours", hours=hours), now, zone)
    # The day on which a zone moves is up to an hour longer, or a day shorter.
    assert slot - now <= timedelta(hours=hours + 1)


@given(st.integers(0, 1439), moments, zones)
def test_daily_comes_once_a_day_at_its_time(minute, now, zone):
    slots = Slots("daily", at=minute)
    first = next_slot(slots, now, zone)
    second = next_slot(slots, first, zone)
    assert timedelta(hours=22) <= second - first <= timedelta(hours=49)
    assert to_wall(first, zone).date() < to_wall(second, zone).date()


@given(moments, zones)
def test_wall_clock_and_back(moment, zone):
    assert moment in from_wall(to_wall(moment, zone), zone)


@given(quiets, moments, zones)
def test_after_quiet_is_not_quiet(quiet, moment, zone):
    after = after_quiet(quiet, moment, zone)
    assert after >= moment
    if to_wall(after, zone) - to_wall(moment, zone) == after - moment:
        assert not is_quiet(quiet, after, zone)
    assert after - moment <= timedelta(hours=49)


@given(schedules, moments, zones, quiets, st.one_of(st.none(), st.dates(date(2011, 12, 1))))
def test_what_is_due_is_due_later_or_at_once(slots, now, zone, quiet, back):
    found = due(slots, now, zone, quiet=quiet, back=back and min(back, date(2031, 1, 1)))
    assert found and found > now, "every schedule but immediately holds"


@given(moments, zones)
def test_a_day_starts_at_midnight_or_where_the_clock_first_shows_it(moment, zone):
    day = to_wall(moment, zone).date()
    assert to_wall(start_of(day, zone), zone).date() in (day, day + timedelta(days=1))


@given(moments, st.lists(st.tuples(moments, moments).map(sorted).map(tuple)))
def test_within_moves_to_an_interval_or_stays(moment, intervals):
    found = within(moment, intervals)
    inside = any(start <= found < end for start, end in intervals)
    assert found >= moment and (inside or found == moment)
