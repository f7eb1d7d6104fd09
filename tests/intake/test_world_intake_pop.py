"""Mail that is fetched by POP, which deletes only what is stored."""

import poplib
from unittest.mock import patch

import pytest
from intake_look import alarms, posted, rows

from machine_room.mailworld import CutLine


@pytest.fixture
def pop(company, server):
    """A mailbox that is fetched by POP, and is called pop."""
    dovecot = company.world.dovecot
    server.active = False
    mailbox = server.copy(
        {
            "name": "POP",
            "server_type": "pop",
            "port": dovecot.pop3_port,
            "user": "pop",
            "password": dovecot.password,
            "active": True,
            "state": "done",
        }
    )
    owners = company.world.maildirs.owners
    company.world.maildirs.owners = {**owners, "catchall@company.example": "pop"}
    company.commit()
    yield mailbox
    company.world.maildirs.owners = owners
    company.world.maildirs.empty("pop")
    mailbox.unlink()
    server.active = True
    company.commit()


def write(company, order, *texts):
    """Let the client answer by mail that only its headers lead to the order."""
    letter = company.client.wait_for(subject=order.sudo().name)[-1]
    for text in texts:
        company.client.reply(letter, text, to="catchall@company.example", quote=False)


def in_mailbox(company, name="pop"):
    return len(company.world.maildirs.messages(name))


def test_pop_deletes_only_what_is_stored(company, order, letter, pop):
    write(company, order, "By POP, the first", "By POP, the second")
    with patch.object(
        company.registry["notify.intake"], "_store", side_effect=OSError("No space left")
    ):
        pop._fetch_mail()
    assert in_mailbox(company) == 2
    assert "No space left" in pop.error_message and pop.notify_trouble_since
    pop._fetch_mail()
    assert len(posted(company, order, "By POP, the first")) == 1
    assert len(posted(company, order, "By POP, the second")) == 1
    assert not in_mailbox(company) and not pop.error_date
    assert not pop.notify_position["stored"]


def test_pop_worker_killed_between_storing_and_deleting_brings_nothing_twice(
    company, order, letter, pop
):
    write(company, order, "Killed before DELE")
    with (
        patch("poplib.POP3.dele", side_effect=KeyboardInterrupt),
        patch("poplib.POP3.quit", side_effect=OSError("the line died with it")),
        pytest.raises(KeyboardInterrupt),
    ):
        pop._fetch_mail()
    company.env.cr.rollback()
    assert in_mailbox(company) == 1
    assert len(rows(company, ("state", "=", "waiting"))) == 1
    pop._fetch_mail()
    assert len(posted(company, order, "Killed before DELE")) == 1
    assert not in_mailbox(company)


def test_pop_line_that_breaks_in_a_message_keeps_what_came_before_and_goes_on_after(
    company, order, letter, pop
):
    texts = [f"Number {number} over a bad line" for number in range(4)]
    write(company, order, *texts)
    with CutLine(company.world.dovecot.host, company.world.dovecot.pop3_port) as line:
        pop.port = line.port
        company.commit()
        line.cut_at(b"Number 1 over")
        pop._fetch_mail()
        assert pop.notify_trouble_since
        assert len(posted(company, order, texts[0])) == 1
        # The line breaks at this message each time: the others do not wait for it.
        pop._fetch_mail()
        assert [len(posted(company, order, text)) for text in texts] == [1, 0, 1, 1]
        line.cut_at(None)
        pop._fetch_mail()
    assert [len(posted(company, order, text)) for text in texts] == [1] * 4
    assert not in_mailbox(company) and not pop.notify_trouble_since


def test_pop_mailbox_that_refuses_to_delete_is_read_once_and_alarms(company, order, letter, pop):
    write(company, order, "Stays for ever", "Stays as well")
    refusal = poplib.error_proto(b"-ERR deleting is not allowed")
    fetched = patch("poplib.POP3.retr", autospec=True, side_effect=poplib.POP3.retr)
    with patch("poplib.POP3.dele", side_effect=refusal), fetched as retr:
        for _time in range(3):
            pop._fetch_mail()
            write(company, order, "One more")
    assert retr.call_count == 4
    assert "deleting is not allowed" in pop.error_message
    assert pop.state == "done" and alarms(pop)
    assert len(posted(company, order, "Stays for ever")) == 1
    assert len(posted(company, order, "One more")) == 2
    assert in_mailbox(company) == 5
    pop._fetch_mail()
    assert not in_mailbox(company) and not pop.notify_trouble_since
    assert len(posted(company, order, "Stays for ever")) == 1


def test_pop_server_that_does_not_commit_deletions_at_the_end(company, order, letter, pop):
    write(company, order, "Kept at QUIT")
    refusal = poplib.error_proto(b"-ERR some deleted messages not removed")
    with patch("poplib.POP3.quit", side_effect=refusal):
        pop._fetch_mail()
    assert "not removed" in pop.error_message
    assert len(posted(company, order, "Kept at QUIT")) == 1
    with patch("poplib.POP3.retr", side_effect=AssertionError("it is stored already")):
        pop._fetch_mail()
    assert not in_mailbox(company) and not pop.error_date


def test_pop_message_that_the_server_cannot_give_is_in_nobodys_way(company, order, letter, pop):
    write(company, order, "Damaged in the mailbox", "Behind it")
    retr = poplib.POP3.retr

    def damaged(self, which):
        if which == 1:
            raise poplib.error_proto(b"-ERR [SYS/TEMP] cannot read message")
        return retr(self, which)

    with patch("poplib.POP3.retr", damaged):
        pop._fetch_mail()
    assert "cannot read message" in pop.error_message
    assert len(posted(company, order, "Behind it")) == 1
    pop._fetch_mail()
    assert len(posted(company, order, "Damaged in the mailbox")) == 1


def test_pop_server_that_gives_the_uid_of_a_deleted_message_to_the_next_one(
    company, order, letter, pop
):
    with patch("poplib.POP3.uidl", return_value=(b"+OK", [b"1 same"], 6)):
        for text in ("First of this uid", "Second of this uid"):
            write(company, order, text)
            pop._fetch_mail()
            assert len(posted(company, order, text)) == 1
    assert not in_mailbox(company)


def test_pop_server_without_uidl_and_a_message_of_one_endless_line(company, order, letter, pop):
    company.client.reply(
        letter, "Endless " * 20_000, to="catchall@company.example", quote=False, html=False
    )
    raw = company.world.maildirs.messages("pop")[0].as_bytes()
    company.world.maildirs.empty("pop")
    company.world.maildirs.file(
        "pop", raw.replace(b"=\n", b"").replace(b"quoted-printable", b"8bit")
    )
    with patch("poplib.POP3.uidl", side_effect=poplib.error_proto(b"-ERR unknown command")):
        pop._fetch_mail()
    assert len(posted(company, order, "Endless Endless")) == 1
    assert not in_mailbox(company)
