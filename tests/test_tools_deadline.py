"""Days and hours of deadline alerts: clocks that jump, zones that vanish, calendars that end."""

import importlib.util
import sys
from datetime import UTC, date, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from machine_room import paths

# Read as a file of its own: the package around it needs Odoo.
_spec = importlib.util.spec_from_file_location(
    "tools_deadline", paths.ROOT / "notify_routing/tools/deadline.py"
)
tools = sys.modules[_spec.name] = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(tools)

AFTER, BEFORE, ON = tools.AFTER, tools.BEFORE, tools.ON
Offset = tools.Offset

PARIS = ZoneInfo("Europe/Paris")
#: 3 days before, on the day, every 2 days after, 3 times.
USUAL = (Offset(BEFORE, 3), Offset(ON), Offset(AFTER, 2, 3))

days = st.dates(date(1990, 1, 1), date(2090, 1, 1))
any_days = st.dates()
offsets = st.lists(
    st.builds(
        Offset,
        st.sampled_from([BEFORE, ON, AFTER]),
        st.integers(1, 400),
        st.integers(1, 20),
    ),
    min_size=1,
    max_size=5,
)
zones = st.sampled_from(
    ["Europe/Paris", "America/St_Johns", "Asia/Kathmandu", "Australia/Lord_Howe", "Pacific/Apia"]
).map(ZoneInfo)
hours = st.integers(0, 24 * 60 - 1).map(lambda minutes: minutes / 60)
nows = st.datetimes(datetime(2000, 1, 1), datetime(2036, 1, 1), timezones=st.just(UTC))


def test_all_days_of_a_leap_day():
    assert [str(day) for day in tools.all_days(date(2028, 2, 29), USUAL)] == [
        "2028-02-26",
        "2028-02-29",
        "2028-03-02",
        "2028-03-04",
        "2028-03-06",
    ]
    assert tools.all_days(date(2029, 2, 28), [Offset(AFTER, 1, 1)]) == [date(2029, 3, 1)]


@given(any_days, offsets)
def test_days_at_the_end_of_the_calendar_break_nothing(due, lines):
    found = tools.all_days(due, lines)
    assert found == sorted(set(found))


@given(days, offsets, days, st.integers(0, 30), st.integers(0, 30))
def test_of_what_was_missed_only_the_last_day_counts(due, lines, first, passed, ahead):
    today = first + timedelta(days=passed)
    last = today + timedelta(days=ahead)
    found = tools.alert_days(due, lines, first, today, last)
    assert len([day for day in found if day <= today]) <= 1
    assert set(found) <= set(tools.all_days(due, lines))
    assert all(first <= day <= last for day in found)
    missed = [day for day in tools.all_days(due, lines) if first <= day <= today]
    assert found[:1] == missed[-1:] or not missed


@given(days, offsets, days, st.integers(0, 60))
def test_the_window_misses_no_date(due, lines, first, length):
    last = first + timedelta(days=length)
    earliest, latest = tools.due_window(lines, first, last)
    if any(first <= day <= last for day in tools.all_days(due, lines)):
        assert earliest <= due <= latest


@given(any_days, any_days, offsets)
def test_the_window_stays_within_the_calendar(first, last, lines):
    assert tools.due_window(lines, min(first, last), max(first, last))


def test_no_offsets_no_window():
    assert tools.due_window([], date(2026, 1, 1), date(2026, 1, 2)) is None


@given(nows, hours, zones)
def test_rounds_follow_each_other(now, hour, zone):
    day = tools.last_round(now, hour, zone)
    assert tools.moment(day, hour, zone) <= now < tools.next_round(now, hour, zone)
    assert timedelta(0) < tools.next_round(now, hour, zone) - now <= timedelta(hours=50)
    # Whoever asks at that very moment learns that it is reached, and of a later day.
    following = tools.next_round(now, hour, zone)
    assert tools.last_round(following, hour, zone) > day


@given(nows, hours, zones, st.integers(1, 9))
def test_every_day_has_one_round_however_often_one_asks(start, hour, zone, tick):
    """The job is woken every ``tick`` hours for a fortnight: no day comes twice."""
    done, told = tools.last_round(start, hour, zone), []
    for number in range(14 * 24 // tick):
        now = start + timedelta(hours=tick * number)
        day = tools.round_to_make_up(done, now, hour, zone)
        if day:
            told.append(day)
            done = day
    assert told == sorted(set(told))
    assert len(told) >= 12


def test_clocks_go_forward():
    """There is no half past two on that Sunday: alerts leave when clocks show half past three."""
    assert tools.moment(date(2026, 3, 29), 2.5, PARIS) == datetime(2026, 3, 29, 1, 30, tzinfo=UTC)
    assert tools.moment(date(2026, 3, 28), 8, PARIS).hour == 7
    assert tools.moment(date(2026, 3, 29), 8, PARIS).hour == 6


def test_clocks_go_back():
    """Half past two comes twice on that Sunday: the first counts, the second tells nobody."""
    first = tools.moment(date(2026, 10, 25), 2.5, PARIS)
    assert first == datetime(2026, 10, 25, 0, 30, tzinfo=UTC)
    again = first + timedelta(hours=1)
    assert again.astimezone(PARIS).hour == 2
    assert tools.round_to_make_up(date(2026, 10, 25), again, 2.5, PARIS) is None


def test_a_day_that_never_was():
    """Samoa had no 30 December 2011."""
    apia = ZoneInfo("Pacific/Apia")
    before = tools.moment(date(2011, 12, 29), 8, apia)
    following = tools.next_round(before, 8, apia)
    assert following.astimezone(apia).date() == date(2011, 12, 31)


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        ((2026, 5, 6, 5, 59), None),  # not yet
        ((2026, 5, 6, 6, 0), date(2026, 5, 6)),  # 8:00 in Paris
        ((2026, 5, 6, 15, 0), date(2026, 5, 6)),  # late, but nearer to this round than to the next
        ((2026, 5, 6, 21, 0), None),  # waits for the next morning
        ((2026, 5, 9, 4, 0), None),  # after two days asleep: in two hours is a round
        ((2026, 5, 9, 9, 0), date(2026, 5, 9)),  # after two days asleep: one round, the last
    ],
)
def test_a_round_that_was_missed(now, expected):
    moment_now = datetime(*now, tzinfo=UTC)
    assert tools.round_to_make_up(date(2026, 5, 5), moment_now, 8, PARIS) == expected


def test_shortly_after_midnight_is_not_too_late():
    now = datetime(2026, 5, 6, 22, 5, tzinfo=UTC)  # 0:05 of the 7th in Paris
    assert tools.round_to_make_up(date(2026, 5, 5), now, 23.5, PARIS) == date(2026, 5, 6)


def test_half_hour_zones():
    kolkata = ZoneInfo("Asia/Kolkata")
    assert tools.moment(date(2026, 5, 6), 8, kolkata) == datetime(2026, 5, 6, 2, 30, tzinfo=UTC)
    assert tools.local_day(datetime(2026, 5, 6, 18, 29), kolkata) == date(2026, 5, 6)
    assert tools.local_day(datetime(2026, 5, 6, 18, 30), kolkata) == date(2026, 5, 7)


def test_a_date_is_the_same_day_everywhere():
    assert tools.local_day(date(2026, 5, 6), timezone(timedelta(hours=14))) == date(2026, 5, 6)
    assert tools.local_day(datetime(9999, 12, 31, 23), timezone(timedelta(hours=14))).year == 9999


@pytest.mark.parametrize(
    "name", ["Mars/Base", "", None, "Europe", "../etc/passwd", "/etc", "Etc/\0", " "]
)
def test_zones_that_do_not_exist(name):
    assert tools.find_zone(name) is None


def test_old_names_of_zones_still_work():
    assert tools.find_zone("Asia/Calcutta").utcoffset(datetime(2026, 1, 1)) == timedelta(hours=5.5)
