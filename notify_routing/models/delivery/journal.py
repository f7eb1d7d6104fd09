"""Writing down what servers answered: plain SQL, for threads that have no environment."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any

import psycopg2
from psycopg2.extras import execute_values

from odoo import fields
from odoo.sql_db import Cursor

from .parcel import Policy

_UPDATE = """
    UPDATE notify_delivery row
       SET state = new.state,
           code = new.code::integer,
           enhanced = new.enhanced,
           reply = new.reply,
           date_next = new.date_next::timestamp,
           date_last = new.now::timestamp,
           date_sent = CASE new.state WHEN 'sent' THEN new.now::timestamp END,
           history = CASE WHEN new.line IS NULL THEN row.history
                     ELSE concat_ws(E'\\n', row.history, new.line) END,
           lease_until = NULL
      FROM (VALUES %s)
           AS new (id, state, code, enhanced, reply, date_next, line, now)
     WHERE row.id = new.id
"""


class Journal:
    """Writes down the answers to letters, in the thread of a pool, on a connection of its own.

    Each time is one statement that commits itself: the database answers once. The fewer answers
    the thread waits for, the sooner its sessions may go on.

    :param connect: opens a cursor
    :param policy: says what an answer means
    """

    def __init__(self, connect: Callable[[], Any], policy: Policy) -> None:
        self._connect = connect
        self._policy = policy
        self._cursor: Any = None

    def keep(self, letters) -> None:
        """Write answers down; the same ones may come again if that failed.

        :raise psycopg2.Error: if the database does not take them
        """
        now = fields.Datetime.now()
        settled = []
        for letter in letters:
            item, names = letter.owner
            for raw, reply in letter.replies.items():
                row = item.rows[names[raw]]
                outcome = item.outcomes.get(names[raw]) or self._policy.judge(reply, row, now)
                item.outcomes[names[raw]] = outcome
                settled.append((row.id, outcome))
        cursor = self._cursor or self._open()
        try:
            write_outcomes(cursor, settled, now)
            if not self._cursor:
                cursor.commit()
        except psycopg2.Error:
            # It may be gone, as after a restart of the database: the next time gets a new one.
            self.close()
            raise
        finally:
            if cursor is not self._cursor:
                cursor.close()

    def _open(self) -> Any:
        """Open a cursor, and keep it if it has a connection to itself: those of tests share one."""
        cursor = self._connect()
        if isinstance(cursor, Cursor):
            cursor.connection.autocommit = True
            self._cursor = cursor
        return cursor

    def close(self) -> None:
        """Give the connection back."""
        cursor, self._cursor = self._cursor, None
        if cursor is not None:
            with suppress(psycopg2.Error):
                cursor.connection.autocommit = False
                cursor.close()


def write_outcomes(cursor, outcomes, now):
    """Write what servers answered, past the ORM: a thread without environment does it.

    :param outcomes: ``[(row_id, Outcome)]``
    """
    values = [
        (
            row_id,
            outcome.state,
            outcome.reply.code or None,
            outcome.reply.enhanced or None,
            outcome.reply.text or None,
            outcome.next,
            None if outcome.state == "sent" else _line(outcome, now),
            now,
        )
        for row_id, outcome in outcomes
    ]
    if values:
        # Odoo's cursor wraps the one that psycopg2 knows.
        execute_values(getattr(cursor, "_obj", cursor), _UPDATE, values, page_size=1000)


def _line(outcome, now):
    """Return a line of the history: ``"2026-11-22 08:00:00 retrying: 451 4.3.2 try again"``."""
    return f"{now:%Y-%m-%d %H:%M:%S} {outcome.state}: {outcome.reply}"
