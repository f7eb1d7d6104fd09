"""Which default choice of subtypes holds for a person on a document."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

#: Strongest first; Odoo's own default comes after all of them.
SCOPES = ("user", "member", "team", "company")
LEVELS = ("everything", "discussions", "mentions", "mute", "custom")


@dataclass(frozen=True, slots=True)
class Line:
    """One default choice, as ``notify.subscription`` stores it.

    :param scope: one of :data:`SCOPES`
    :param model: document type, or ``None`` for all
    :param level: one of :data:`LEVELS`, but ``"mute"``, which only a person says of a document
    :param subtype_ids: the chosen subtypes when the level is ``"custom"``
    :param auto_follow: whether the team's members follow the team's documents
    """

    id: int
    scope: str
    level: str
    model: str | None = None
    user_id: int | None = None
    team_id: int | None = None
    company_id: int | None = None
    subtype_ids: frozenset[int] = frozenset()
    auto_follow: bool = False


@dataclass(frozen=True, slots=True)
class Person:
    """Whose default is looked for.

    :param team_ids: the teams that count for this person on this document, strongest first
    """

    user_id: int
    team_ids: Sequence[int] = ()
    company_id: int | None = None


@dataclass(frozen=True, slots=True)
class Subtypes:
    """The subtypes of a document type.

    :param available: all that can be chosen
    :param default: those that Odoo gives by default
    :param own: those that belong to this document type alone
    :param discussion: Odoo's *Discussions*
    """

    available: frozenset[int]
    default: frozenset[int]
    own: frozenset[int]
    discussion: int


class DefaultSubtypes(list):
    """Subtype ids that nobody chose: Odoo's default, to be replaced where there is a better one.

    Odoo hands the ids through several of its methods before a follower is written; a list of a
    type of its own arrives there without touching any of their signatures.
    """


def resolve(lines: Iterable[Line], person: Person, model: str) -> Line | None:
    """Return the strongest line that speaks of a person and a document type.

    Scope decides first (:data:`SCOPES`), then the team's place among the person's teams, then a
    line for this document type before one for all.

    :param lines: in any order; the order never matters
    """
    best: tuple[tuple[int, int, bool, int], Line] | None = None
    for line in lines:
        if line.model and line.model != model:
            continue
        place = _place(line, person)
        if place is None:
            continue
        rank = (SCOPES.index(line.scope), place, line.model is None, line.id)
        if best is None or rank < best[0]:
            best = (rank, line)
    return best[1] if best else None


def _place(line: Line, person: Person) -> int | None:
    """Return where a line stands among those of its scope, ``None`` if it is not for the person."""
    if line.scope in ("user", "member") and line.user_id != person.user_id:
        return None
    if line.scope in ("member", "team"):
        if line.team_id not in person.team_ids:
            return None
        return list(person.team_ids).index(line.team_id)
    if line.scope == "company" and line.company_id != person.company_id:
        return None
    return 0


def subtypes_of(
    level: str, chosen: Iterable[int], subtypes: Subtypes, *, for_all: bool = False
) -> set[int]:
    """Return the subtype ids that a level stands for on a document type.

    :param chosen: what was ticked, for the level ``"custom"``
    :param for_all: the choice was made for all document types at once: it then decides on the
        subtypes that all types share, and the type's own ones stay as Odoo gives them
    :return: set of subtype ids, a subset of ``subtypes.available``
    """
    if level == "everything":
        return set(subtypes.available)
    if level == "discussions":
        return {subtypes.discussion} & subtypes.available
    if level == "custom":
        picked = set(chosen) & subtypes.available
        if for_all:
            picked = (picked - subtypes.own) | (subtypes.own & subtypes.default)
        return picked
    return set()


def level_of(subtype_ids: Iterable[int], subtypes: Subtypes, *, muted: bool = False) -> str:
    """Return the level that names followed subtypes; the inverse of :func:`subtypes_of`."""
    followed = set(subtype_ids) & subtypes.available
    if muted:
        return "mute"
    if not followed:
        return "mentions"
    if followed == subtypes.available:
        return "everything"
    if followed == {subtypes.discussion}:
        return "discussions"
    return "custom"


@dataclass(frozen=True, slots=True)
class Book:
    """All lines of a database, arranged so that a document type finds its own in no time."""

    lines: tuple[Line, ...] = ()
    by_model: dict[str | None, tuple[Line, ...]] = field(default_factory=dict)

    @classmethod
    def of(cls, lines: Iterable[Line]) -> Book:
        lines = tuple(lines)
        by_model: dict[str | None, list[Line]] = {}
        for line in lines:
            by_model.setdefault(line.model, []).append(line)
        return cls(lines, {model: tuple(own) for model, own in by_model.items()})

    def about(self, model: str) -> tuple[Line, ...]:
        """Return the lines for a document type, and those for all."""
        return self.by_model.get(model, ()) + self.by_model.get(None, ())
