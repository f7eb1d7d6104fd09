"""The decision is total, fair and independent of order, whatever it is given."""

from datetime import datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from odoo.addons.notify_routing.tools.decision import (
    CHANNELS,
    HELD,
    NOW,
    SUPPRESSED,
    Candidate,
    Cell,
    Event,
    Preference,
    decide,
    settle,
)

MOMENT = datetime(2026, 3, 1, 8)
ROLES = ("creator", "assignee", "follower", "distribution")
roles = st.frozensets(st.sampled_from(ROLES))
flags = st.booleans()
cells = st.lists(
    st.builds(
        Cell,
        id=st.integers(1, 99),
        role=st.sampled_from(ROLES),
        channels=st.frozensets(st.sampled_from(CHANNELS)),
        prefer=flags,
        mandatory=flags,
        only_new=flags,
        only_mail=flags,
        urgent=flags,
        wait=st.sampled_from([0, 5]),
        own_act=flags,
        email=flags,
    ),
    max_size=6,
    unique_by=lambda cell: cell.id,
)
candidates = st.builds(
    Candidate,
    roles=roles,
    new_roles=roles,
    direct=flags,
    stock=flags,
    author=flags,
    external=flags,
    active=flags,
    access=flags,
    address=flags,
    push=flags,
    opted_out=st.none() | st.sampled_from(["muted", "bell"]),
)
events = st.builds(Event, code=st.just("reply"), quiet=flags)
preferences = st.builds(
    Preference,
    channels=st.frozensets(st.sampled_from(["email", "inbox"]), min_size=1),
    due=st.none() | st.sampled_from([MOMENT - timedelta(hours=1), MOMENT + timedelta(hours=1)]),
)


@given(events, candidates, cells, preferences)
def test_each_channel_has_exactly_one_state_and_one_reason(event, candidate, lines, preference):
    decisions = decide(event, candidate, lines, preference, MOMENT)
    assert [decision.channel for decision in decisions] == list(CHANNELS)
    for decision in decisions:
        assert decision.state in (NOW, HELD, SUPPRESSED)
        assert decision.reason
        assert bool(decision.due) is (decision.state == HELD)
        assert decision.line_id is None or decision.line_id in {line.id for line in lines}


@given(events, candidates, cells, preferences, st.randoms())
def test_the_order_of_lines_never_matters(event, candidate, lines, preference, random):
    shuffled = list(lines)
    random.shuffle(shuffled)
    assert decide(event, candidate, lines, preference, MOMENT) == decide(
        event, candidate, shuffled, preference, MOMENT
    )


@given(events, candidates, cells, preferences)
def test_nobody_without_access_is_told(event, candidate, lines, preference):
    if not candidate.access or not candidate.active:
        decisions = decide(event, candidate, lines, preference, MOMENT)
        assert {decision.state for decision in decisions} == {SUPPRESSED}


@given(events, candidates, cells, preferences)
def test_a_mandatory_line_is_never_suppressed_by_a_wish(event, candidate, lines, preference):
    """No bell, no mute and no preference for another line stands against it."""
    for cell in lines:
        reachable = candidate.access and candidate.active and cell.role in candidate.roles
        allowed = (cell.own_act or not candidate.author) and (
            not cell.only_new or cell.role in candidate.new_roles
        )
        if not (cell.mandatory and reachable and allowed and cell.channels):
            continue
        if "inbox" in cell.channels and not candidate.external:
            assert decide(event, candidate, lines, preference, MOMENT)[1].state == NOW
        mail = "email" in cell.channels and cell.email and candidate.address
        if mail and (not event.quiet or cell.only_mail):
            assert decide(event, candidate, lines, preference, MOMENT)[0].state != SUPPRESSED


@given(events, candidates, cells, preferences)
def test_externals_are_told_by_email_only(event, candidate, lines, preference):
    if candidate.external:
        _email, inbox, push = decide(event, candidate, lines, preference, MOMENT)
        assert (inbox.state, push.state) == (SUPPRESSED, SUPPRESSED)


@given(candidates, cells, preferences)
def test_a_quiet_document_sends_only_the_only_mail(candidate, lines, preference):
    (email, *_others) = decide(Event("reply", quiet=True), candidate, lines, preference, MOMENT)
    if email.state != SUPPRESSED and email.line_id:
        assert next(line for line in lines if line.id == email.line_id).only_mail


@given(events, candidates, cells, preferences)
def test_direct_and_urgent_pass_the_schedule(event, candidate, lines, preference):
    (email, *_others) = decide(event, candidate, lines, preference, MOMENT)
    if candidate.direct:
        assert email.state != HELD
    if email.state == HELD and email.line_id:
        line = next(line for line in lines if line.id == email.line_id)
        assert not line.urgent or email.due == MOMENT + timedelta(minutes=line.wait)


@given(st.lists(st.tuples(events, cells), max_size=4), candidates, preferences)
def test_an_act_tells_each_channel_once_and_loses_no_reason(act, candidate, preference):
    considered = [
        (event, decide(event, candidate, lines, preference, MOMENT)) for event, lines in act
    ]
    outcome = settle(considered)
    assert set(outcome.told) <= set(CHANNELS)
    assert len(outcome.told) + len(outcome.dropped) == len(CHANNELS) * len(act)
    for channel in CHANNELS:
        wanted = [
            decision
            for _event, decisions in considered
            for decision in decisions
            if decision.channel == channel and decision.state != SUPPRESSED
        ]
        if wanted:
            assert outcome.told[channel][1] == wanted[0], "the strongest event tells"
        assert (channel in outcome.told) is bool(wanted)
