"""A scheme as the router reads it: no records, no queries."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from .decision import Cell


@dataclass(frozen=True, slots=True)
class Row:
    """One event of a scheme with its cells.

    :param event_id: record of ``notify.event``
    :param weight: heavier events tell first when one act fires several
    :param cells: one for each role that the scheme speaks of
    :param email_domains: for a cell id, the documents that it may send mail for
    """

    event_id: int
    code: str
    kind: str
    weight: int
    subtype_id: int | None = None
    field_name: str | None = None
    value_from: str | None = None
    value_to: str | None = None
    role_id: int | None = None
    cells: tuple[Cell, ...] = ()
    email_domains: dict[int, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Scheme:
    """A scheme for one document type.

    :param domain: which documents, as text; ``None`` for all
    :param quiet_domain: documents that send no mail but that of *only mail* lines
    """

    id: int
    model: str
    company_id: int | None
    domain: str | None
    quiet_domain: str | None
    rows: tuple[Row, ...]

    @property
    def specificity(self) -> tuple[bool, bool]:
        """The most specific scheme wins: first one with a filter, then one of a company."""
        return bool(self.domain), bool(self.company_id)

    def row(self, code: str) -> Row | None:
        """Return the event of a code, ``None`` if the scheme does not list it."""
        return next((row for row in self.rows if row.code == code), None)

    def of_kind(self, *kinds: str) -> list[Row]:
        """Return the events of some kinds, heaviest first."""
        return sorted(
            (row for row in self.rows if row.kind in kinds),
            key=lambda row: (-row.weight, row.event_id),
        )

    @property
    def role_ids(self) -> set[int]:
        """All roles that the scheme speaks of."""
        return {int(cell.role) for row in self.rows for cell in row.cells}


def strongest(schemes: Iterable[Scheme]) -> list[Scheme]:
    """Return schemes in the order in which they are tried on a document."""
    return sorted(schemes, key=lambda scheme: (scheme.specificity, -scheme.id), reverse=True)


def matches_change(row: Row, before: object, after: object) -> bool:
    """Tell whether a field's change fires an event.

    :param before: technical value before; ``None`` for a document that did not exist
    :param after: technical value after
    """
    if before == after:
        return False
    if row.value_from and str(before) != row.value_from:
        return False
    return not row.value_to or str(after) == row.value_to
