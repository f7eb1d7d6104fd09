"""Who is told of an event, and how: the heart of the system, a pure function.

Order of precedence, strongest first: a mandatory line of the scheme · a mention or direct
recipient · the bell on this document · the scheme's other lines.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

CHANNELS = ("email", "inbox", "push")
NOW, HELD, SUPPRESSED = "now", "held", "suppressed"


@dataclass(frozen=True, slots=True)
class Event:
    """What happened.

    :param code: e.g. ``"assigned"``
    :param quiet: the document is in a state in which only lines that are the *only mail* send mail
    """

    code: str
    quiet: bool = False


@dataclass(frozen=True, slots=True)
class Cell:
    """One line of a scheme: what one role gets of one event.

    :param channels: a fixed set
    :param prefer: as the person prefers, besides the fixed set; a line with neither is *off*
    :param mandatory: nobody can opt out
    :param only_new: only those who came into the role by this very act
    :param only_mail: the only mail that a document sends in its quiet states
    :param urgent: schedules do not hold it
    :param wait: minutes that its e-mail waits, so that a burst becomes one mail
    :param own_act: whoever acts is told as well
    :param email: whether mail is allowed for this document
    """

    id: int
    role: str
    channels: frozenset[str] = frozenset()
    prefer: bool = False
    mandatory: bool = False
    only_new: bool = False
    only_mail: bool = False
    urgent: bool = False
    wait: int = 0
    own_act: bool = False
    email: bool = True

    def without_email(self) -> Cell:
        """Return the same line for a document that it may not send mail for."""
        return replace(self, email=False)


@dataclass(frozen=True, slots=True)
class Candidate:
    """A person who may have to be told.

    :param roles: how the person relates to the document
    :param new_roles: those of the roles that the person came into by this act
    :param direct: mentioned, or chosen as recipient
    :param stock: Odoo itself would tell this person (a follower of the subtype, say)
    :param opted_out: what the bell on this document says against it: ``"muted"`` or ``"bell"``
    :param push: allowed pushes of this document type, on a registered device
    """

    roles: frozenset[str] = frozenset()
    new_roles: frozenset[str] = frozenset()
    direct: bool = False
    stock: bool = False
    author: bool = False
    external: bool = False
    active: bool = True
    access: bool = True
    address: bool = True
    push: bool = False
    opted_out: str | None = None


@dataclass(frozen=True, slots=True)
class Preference:
    """How a person wants to be told.

    :param channels: subset of email and inbox
    :param due: when what may wait leaves; ``None`` for at once
    :param quiet: these are the person's quiet hours: no device makes a noise
    """

    channels: frozenset[str] = frozenset({"email"})
    due: datetime | None = None
    quiet: bool = False


@dataclass(frozen=True, slots=True)
class Decision:
    """What becomes of one channel for one person.

    :param state: :data:`NOW`, :data:`HELD` or :data:`SUPPRESSED`
    :param reason: short code; its sentence is in ``mail.notification`` and ``notify.suppression``
    :param line_id: the line that decided, if one did
    :param due: when what is held leaves
    :param burst: it is held by its line's wait: what else happens on the document joins it
    """

    channel: str
    state: str
    reason: str
    line_id: int | None = None
    due: datetime | None = None
    burst: bool = False


def decide(
    event: Event,
    candidate: Candidate,
    lines: Iterable[Cell],
    preference: Preference,
    now: datetime,
) -> list[Decision]:
    """Decide for one person and one event.

    :param lines: the lines of the scheme for this event, in any order; none at all for an event
        that no scheme lists: then Odoo's own candidates are told as they prefer
    :param now: what is due by now is not held
    :return: exactly one decision for each of :data:`CHANNELS`, in that order
    """
    cells = sorted(lines, key=lambda cell: cell.id)
    return [_of_channel(channel, event, candidate, cells, preference, now) for channel in CHANNELS]


def _of_channel(
    channel: str,
    event: Event,
    candidate: Candidate,
    cells: list[Cell],
    preference: Preference,
    now: datetime,
) -> Decision:
    blocked = _blocked(channel, candidate)
    if blocked:
        return Decision(channel, SUPPRESSED, blocked)
    wanted, refused = _wanted(channel, event, candidate, cells, preference)
    if wanted is None:
        return Decision(channel, SUPPRESSED, refused)
    reason, cell = wanted
    line_id = cell and cell.id
    if candidate.direct:
        return Decision(channel, NOW, reason, line_id)
    passes = bool(cell and cell.urgent)
    if channel == "push" and preference.quiet and not passes:
        return Decision(channel, SUPPRESSED, "quiet_hours", line_id)
    if channel == "email":
        scheduled = preference.due if preference.due and not passes else now
        burst = now + timedelta(minutes=cell.wait if cell else 0)
        due = max(scheduled, burst)
        if due > now:
            return Decision(channel, HELD, reason, line_id, due, burst=burst >= scheduled)
    return Decision(channel, NOW, reason, line_id)


def _blocked(channel: str, candidate: Candidate) -> str | None:
    """Return the reason why a person can never be reached this way, whatever was set up."""
    if not candidate.active:
        return "inactive"
    if not candidate.access:
        return "no_access"
    if candidate.external and channel != "email":
        return "external"
    if channel == "email" and not candidate.address:
        return "no_address"
    if channel == "push" and not candidate.push:
        return "no_push"
    return None


def _wanted(
    channel: str,
    event: Event,
    candidate: Candidate,
    cells: list[Cell],
    preference: Preference,
) -> tuple[tuple[str, Cell | None] | None, str]:
    """Return ``((reason, line), "")`` if a person is told on a channel, else ``(None, reason)``."""
    own = [cell for cell in cells if cell.role in candidate.roles]
    telling = [cell for cell in own if channel in _channels(cell, preference)]
    refusals = {cell.id: _refusal(channel, event, candidate, cell) for cell in telling}
    for cell in telling:
        if cell.mandatory and not refusals[cell.id]:
            return ("mandatory", cell), ""
    if candidate.direct and channel in preference.channels:
        return ("direct", None), ""
    if candidate.opted_out and (telling or candidate.stock):
        return None, candidate.opted_out
    for cell in telling:
        if not refusals[cell.id]:
            return ("role", cell), ""
    if not cells and candidate.stock and channel in preference.channels:
        return (None, "own_act") if candidate.author else (("follower", None), "")
    if telling:
        return None, refusals[telling[0].id] or "off"
    if not cells or own:
        return None, "prefers_other" if _prefers_other(channel, own, preference) else "off"
    return None, "no_role"


def _channels(cell: Cell, preference: Preference) -> frozenset[str]:
    return cell.channels | preference.channels if cell.prefer else cell.channels


def _prefers_other(channel: str, own: list[Cell], preference: Preference) -> bool:
    asked = not own or any(cell.prefer for cell in own)
    return asked and channel != "push" and channel not in preference.channels


def _refusal(channel: str, event: Event, candidate: Candidate, cell: Cell) -> str | None:
    """Return why a line about a person and a channel does not tell, ``None`` if it does."""
    if candidate.author and not cell.own_act:
        return "own_act"
    if cell.only_new and cell.role not in candidate.new_roles:
        return "not_new"
    if channel == "email" and not cell.email:
        return "email_off"
    if channel == "email" and event.quiet and not cell.only_mail:
        return "quiet"
    return None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one person gets of one act.

    :param told: by channel, the event and the decision that tell
    :param dropped: what was considered and not told: event and decision
    """

    told: dict[str, tuple[Event, Decision]]
    dropped: list[tuple[Event, Decision]]


def settle(decisions: Iterable[tuple[Event, list[Decision]]]) -> Outcome:
    """Tell a person once of an act that fired several events.

    :param decisions: for each event, strongest first, what :func:`decide` said
    :return: on each channel the strongest event that tells; where another one would have told as
        well, it is dropped with the reason ``"dedupe"``
    """
    told: dict[str, tuple[Event, Decision]] = {}
    dropped: list[tuple[Event, Decision]] = []
    for event, of_event in decisions:
        for decision in of_event:
            if decision.state == SUPPRESSED:
                dropped.append((event, decision))
            elif decision.channel in told:
                again = Decision(decision.channel, SUPPRESSED, "dedupe", decision.line_id)
                dropped.append((event, again))
            else:
                told[decision.channel] = (event, decision)
    return Outcome(told, dropped)
