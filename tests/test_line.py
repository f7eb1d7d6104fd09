"""How many sessions a line opens, and when."""

from types import SimpleNamespace

from odoo.addons.notify_routing.models.delivery import line as line_module
from odoo.addons.notify_routing.models.delivery.line import AHEAD, Line


class Pool:
    """Counts the sessions that it is given."""

    def __init__(self, _keep, in_flight):
        self.in_flight = in_flight
        self.sessions = self.waiting = 0

    def open(self, _connection):
        self.sessions += 1

    def allow(self, more):
        self.in_flight += more


def make(monkeypatch, most, seconds):
    """Return a line to a server with a round trip of so many seconds."""
    now = [0.0]

    def noop():
        now[0] += seconds

    monkeypatch.setattr(line_module, "SmtpPool", Pool)
    monkeypatch.setattr(line_module.time, "monotonic", lambda: now[0])
    connection = SimpleNamespace(noop=noop, esmtp_features={})
    return Line(lambda: connection, most, SimpleNamespace(keep=None))


def keep_up(line, waiting):
    """Return how many sessions there are once so many letters have waited for long."""
    line.pool.waiting = waiting
    for _time in range(100):
        line.keep_up()
    return line.pool.sessions


def test_slow_line_gets_twice_the_sessions_and_as_many_letters_in_flight(monkeypatch):
    near, far = (make(monkeypatch, 8, seconds) for seconds in (0.001, 0.02))
    assert (keep_up(near, 1000), near.pool.in_flight) == (8, 8)
    assert (keep_up(far, 1000), far.pool.in_flight) == (16, 16)


def test_a_quarter_of_the_sessions_is_opened_at_once_the_others_for_a_crowd(monkeypatch):
    line = make(monkeypatch, 8, 0.001)
    assert keep_up(line, 1) == 1
    assert keep_up(line, 2) == 1
    assert keep_up(line, 3) == 2
    assert keep_up(line, AHEAD) == 2
    assert keep_up(line, AHEAD + 1) == 8


def test_line_with_one_session_has_it(monkeypatch):
    assert keep_up(make(monkeypatch, 1, 0.001), 1000) == 1
