"""SMTP sessions and their pool against a relay that behaves, or not."""

import smtplib
import threading

import pytest

from odoo.addons.notify_routing.tools.smtp_pool import SmtpPool
from odoo.addons.notify_routing.tools.smtp_session import Letter, SmtpSession

from machine_room.mailworld import Delay, Drop, Refuse, Relay


@pytest.fixture(params=[(), ("PIPELINING",)], ids=["pipelining", "one_by_one"])
def relay(request):
    with Relay(without=request.param) as relay:
        yield relay


class Owner:
    """Opens sessions, sends letters and notes what is written down."""

    def __init__(self, relay, sessions=1, in_flight=None):
        self.relay, self.written = relay, []
        self.pool = SmtpPool(self.written.extend, in_flight or sessions)
        for _number in range(sessions):
            self.pool.open(smtplib_connection(relay))

    def send(self, *recipients, data=b"Subject: Hello\r\n\r\nText\r\n"):
        letters = [
            Letter(
                "anna@company.example",
                [recipient] if isinstance(recipient, str) else recipient,
                data,
            )
            for recipient in recipients
        ]
        for letter in letters:
            self.pool.put(letter)
        return letters

    def settle(self):
        while self.pool.pending and self.pool.sessions:
            self.pool.take(5)
        self.pool.close()


def smtplib_connection(relay, timeout=5):
    connection = smtplib.SMTP(relay.host, relay.port, timeout=timeout)
    connection.ehlo()
    return connection


def kinds(letter):
    return {address.partition("@")[0]: reply.kind for address, reply in letter.replies.items()}


def test_many_letters_over_few_sessions_arrive_once_each(relay):
    owner = Owner(relay, sessions=3)
    letters = owner.send(*(f"p{number}@customer.example" for number in range(60)))
    owner.settle()
    assert [letter.replies[letter.recipients[0]].code for letter in letters] == [250] * 60
    assert sorted(entry.recipients[0] for entry in relay.accepted()) == sorted(
        letter.recipients[0] for letter in letters
    )
    assert len(owner.written) == 60
    assert relay.connections == 3


def test_next_envelope_leaves_in_one_write_with_the_body_before_it():
    with Relay() as relay:
        connection = smtplib_connection(relay)
        written, send = [], connection.send
        connection.send = lambda data: (written.append(data), send(data))
        session = SmtpSession(connection)
        letters = [
            Letter("anna@company.example", [f"p{number}@customer.example"], b"\r\nText\r\n")
            for number in range(3)
        ]
        first, *rest = letters
        session.send(first, lambda: rest.pop(0) if rest else None, lambda letter: None)
        connection.quit()
    assert [data.count(b"RCPT") for data in written[:4]] == [1, 1, 1, 0], "an envelope a write"
    assert all(b"Text" in data for data in written[1:4]), "behind the body before it"
    assert [letter.replies[letter.recipients[0]].code for letter in letters] == [250] * 3


def test_octets_arrive_as_they_were(relay):
    data = b"Subject: Dots\r\n\r\n.\r\n..two\r\n.one\r\n" + "Grüße\r\n".encode() + b"no end"
    owner = Owner(relay)
    owner.send("client@customer.example", data=data)
    owner.settle()
    assert relay.accepted()[0].message == data + b"\r\n"


def test_o22_each_recipient_has_its_own_answer(relay):
    relay.rule(Refuse("550 5.1.1 no such user", at="RCPT", recipient="gone@*"))
    relay.rule(Refuse("451 4.7.1 try again", at="RCPT", recipient="grey@*"))
    owner = Owner(relay)
    mixed, alone, after = owner.send(
        ["gone@a.example", "ok@a.example", "grey@a.example"], "gone@b.example", "ok@c.example"
    )
    owner.settle()
    assert kinds(mixed) == {"gone": "never", "ok": "sent", "grey": "later"}
    assert mixed.replies["gone@a.example"].enhanced == "5.1.1"
    assert mixed.replies["gone@a.example"].text == "5.1.1 no such user"
    assert kinds(alone) == {"gone": "never"}
    assert kinds(after) == {"ok": "sent"}
    assert relay.connections == 1


@pytest.mark.parametrize("stage", ["MAIL", "DATA", "END"])
def test_refusal_at_any_stage_spares_the_next_letter(relay, stage):
    relay.rule(Refuse("452 4.3.1 out of storage", at=stage, times=1))
    owner = Owner(relay)
    first, second = owner.send("one@customer.example", "two@customer.example")
    owner.settle()
    assert (kinds(first), kinds(second)) == ({"one": "slow"}, {"two": "sent"})


def test_line_lost_after_the_body_is_doubt(relay):
    relay.rule(Drop(at="END", times=1))
    owner = Owner(relay, sessions=2)
    letters = owner.send(*(f"p{number}@customer.example" for number in range(6)))
    owner.settle()
    found = [reply.kind for letter in letters for reply in letter.replies.values()]
    assert sorted(found) == ["doubt"] + ["sent"] * 5


@pytest.mark.parametrize("stage", ["MAIL", "RCPT", "DATA"])
def test_line_lost_before_the_body_is_no_doubt_and_another_session_takes_over(relay, stage):
    relay.rule(Drop(at=stage, times=1))
    owner = Owner(relay, sessions=2)
    letters = owner.send(*(f"p{number}@customer.example" for number in range(6)))
    owner.settle()
    assert {reply.kind for letter in letters for reply in letter.replies.values()} == {"sent"}
    assert len(relay.accepted()) == 6


def test_answer_that_comes_too_late_is_doubt(relay):
    relay.rule(Delay(1.0, at="END", times=1))
    owner = Owner(relay, sessions=0, in_flight=1)
    owner.pool.open(smtplib_connection(relay, timeout=0.3))
    (letter,) = owner.send("client@customer.example")
    owner.settle()
    assert kinds(letter) == {"client": "doubt"}


def test_421_closes_the_line_and_asks_for_less(relay):
    relay.rule(Refuse("421 4.7.0 too many", at="MAIL", times=2))
    owner = Owner(relay, sessions=1)
    (letter,) = owner.send("client@customer.example")
    while owner.pool.sessions:
        owner.pool.take(0.1)
    owner.pool.open(smtplib_connection(relay))
    owner.settle()
    assert owner.pool.trouble.kind == "slow"
    assert letter.replies["client@customer.example"].code == 421


def test_no_more_letters_are_in_flight_than_allowed(relay):
    """Until answers are written down, no further body leaves."""
    gate = threading.Event()
    pool = SmtpPool(lambda letters: gate.wait(5), 2)
    for _number in range(2):
        pool.open(smtplib_connection(relay))
    for number in range(10):
        pool.put(Letter("a@company.example", [f"p{number}@customer.example"], b"\r\n"))
    relay.wait_for(2)
    threading.Event().wait(0.3)
    assert len(relay.accepted()) == 2
    gate.set()
    relay.wait_for(10)
    pool.close()


def test_journal_that_fails_is_asked_again(relay, monkeypatch):
    monkeypatch.setattr("time.sleep", lambda seconds: None)
    asked = []

    def journal(letters):
        asked.append(len(letters))
        if len(asked) < 3:
            raise OSError("the database restarts")

    pool = SmtpPool(journal, 1)
    pool.open(smtplib_connection(relay))
    pool.put(Letter("a@company.example", ["client@customer.example"], b"\r\n"))
    assert len(pool.take(5)) == 1
    pool.close()
    assert asked == [1, 1, 1]
