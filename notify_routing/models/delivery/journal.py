"""Writing down what servers answered: plain SQL, for threads that have no environment."""

from psycopg2.extras import execute_values

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
