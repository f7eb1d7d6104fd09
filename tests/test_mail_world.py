"""The mail world on real sockets: the relay and its rules, Dovecot, and the people."""

from __future__ import annotations

import imaplib
import os
import poplib
import signal
import smtplib
import socket
import ssl
import subprocess
import sys
import threading
import time
from email.message import EmailMessage

import psutil
import pytest

from machine_room import paths
from machine_room.console import Trouble
from machine_room.mailworld import (
    Delay,
    Dovecot,
    Drop,
    ForeignFrom,
    Maildirs,
    MailWorld,
    Refuse,
    Relay,
    Rewrite,
    home,
)

# Nothing may be left open: an unclosed socket or an error in a thread is a failure.
pytestmark = pytest.mark.filterwarnings("error")

ALICE, BOB, CARLA = "alice@company.example", "bob@client.example", "carla@client.example"
HELLO = (
    b"From: Alice <alice@company.example>\r\nSubject: Hello\r\nMessage-Id: <1@company.example>\r\n"
    b"References: <a@b.example>\r\n <c@d.example>\r\n\r\nHello!\r\n"
)
STAGES = ("CONNECT", "EHLO", "MAIL", "RCPT", "DATA", "END")
GONE = (smtplib.SMTPServerDisconnected, ConnectionError)


@pytest.fixture(scope="module")
def shared():
    with MailWorld() as world:
        yield world


@pytest.fixture
def world(shared):
    """A world without rules, journal or mail."""
    for relay in (shared.relay, shared.outside):
        relay.reset()
    for name in ("odoo", BOB, CARLA):
        with shared.dovecot.connect(name) as client:
            client.select()
            client.uid("STORE", "1:*", "+FLAGS", r"\Deleted")
            client.expunge()
    return shared


@pytest.fixture
def relay(world):
    return world.relay


@pytest.fixture
def carla(world):
    return world.customer(CARLA, "Carla Customer")


def send(relay, content=HELLO, sender=ALICE, to=(CARLA,)):
    """Send with smtplib and return the refused recipients."""
    with relay.connect(timeout=5) as client:
        return client.sendmail(sender, to, content)


def subjects(world, name=CARLA):
    return [message["Subject"] for message in world.maildirs.messages(name)]


def codes(relay):
    return [transaction.code for transaction in relay.journal]


# ------------------------------------------------------------
# FILING
# ------------------------------------------------------------


def test_accepted_mail_is_filed_with_its_envelope(world, relay):
    send(relay, to=[CARLA, "catchall@company.example", "reply+token@company.example"])
    (filed,) = world.maildirs.messages(CARLA)
    envelope = [filed[name] for name in ("Return-Path", "Delivered-To", "X-Original-To")]
    assert envelope == [f"<{ALICE}>", CARLA, CARLA]
    assert [message["Delivered-To"] for message in world.maildirs.messages("odoo")] == [
        "catchall@company.example",
        "reply+token@company.example",
    ]
    (transaction,) = relay.journal
    assert transaction.message == HELLO
    assert transaction.email["Subject"] == "Hello"
    assert (transaction.code, transaction.text) == (250, f"2.0.0 Ok: queued as {transaction.id}")
    assert transaction.rcpt_tos[0] == (CARLA, 250, "2.1.5 Ok")
    assert transaction.filed == [CARLA, "odoo", "odoo"]
    assert (transaction.tls, transaction.user, transaction.stage) == (False, None, "END")


def test_owner_is_exact_address_then_first_pattern_then_the_address(tmp_path):
    owners = {"*@lost.example": None, "*@company.example": "odoo", "Alice@company.example": "alice"}
    maildirs = Maildirs(tmp_path / "mail", owners)
    addresses = ["x@lost.example", "Sales+1@Company.example", ALICE, "Bob@client.example"]
    assert [maildirs.owner(address) for address in addresses] == [None, "odoo", "alice", BOB]
    with pytest.raises(ValueError, match="cannot be the name"):
        maildirs.path("../elsewhere")


def test_null_sender_is_filed_as_such(world, relay):
    send(relay, sender="")
    assert relay.journal[0].mail_from == ""
    assert world.maildirs.messages(CARLA)[0]["Return-Path"] == "<>"


def test_eight_bit_octets_and_dots_arrive_as_they_are(world, relay):
    body = "Grüße, 謝謝\r\n".encode() + b"\xe9 in Latin-1\r\n..dots\r\n.\r\nend\r\n"
    content = b"Subject: 8bit\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n" + body
    with relay.connect() as client:
        client.sendmail(ALICE, [CARLA], content, ["BODY=8BITMIME"])
    assert relay.journal[0].message == content
    with world.dovecot.connect(CARLA) as client:
        client.select()
        assert client.fetch("1", "(BODY.PEEK[TEXT])")[1][0][1] == body


def test_unicode_addresses(world, relay):
    message = EmailMessage()
    message["Subject"] = "Grüße"
    with relay.connect() as client:
        client.send_message(message, ALICE, ["jürgen@client.example"])
    assert subjects(world, "jürgen@client.example") == ["Grüße"]


def test_message_of_20_mb_travels_to_the_mailbox(relay, carla):
    lines = [os.urandom(450).hex() for _number in range(23_500)]
    content = HELLO + "\r\n".join(lines).encode() + b"\r\n"
    send(relay, content)
    (letter,) = carla.wait_for("Hello")
    assert len(content) > 20 * 1024 * 1024
    assert relay.journal[0].message == content
    assert letter.text.splitlines() == ["Hello!", *lines]


# ------------------------------------------------------------
# RULES
# ------------------------------------------------------------


@pytest.mark.parametrize("answer", ["450 4.3.2 try again", "550 5.7.1 not wanted"])
@pytest.mark.parametrize("stage", STAGES)
def test_refuses_at_each_stage(world, relay, stage, answer):
    relay.rule(Refuse(answer, at=stage, times=2))
    with pytest.raises((smtplib.SMTPException, OSError)) as failure:
        send(relay)
    assert answer[:3] in str(failure.value)
    assert codes(relay) == ([] if stage in ("CONNECT", "EHLO") else [int(answer[:3])])
    assert not subjects(world)


def test_rule_counts_its_matches(relay):
    rule = relay.rule(Refuse("451 4.3.2 later", at="MAIL", sender="alice@*", times=2, after=1))
    for _attempt in range(5):
        with relay.connect() as client:
            client.mail("other@company.example")
            client.rset()
            client.mail(ALICE)
    assert codes(relay)[1::2] == [None, 451, 451, None, None]
    assert rule.hits == 5


def test_one_refused_recipient_leaves_the_others(world, relay):
    relay.rule(Refuse("550 5.1.1 no such user", at="RCPT", recipient="BOB@*"))
    assert send(relay, to=[BOB, CARLA]) == {BOB: (550, b"5.1.1 no such user")}
    (transaction,) = relay.journal
    assert transaction.accepted
    assert transaction.recipients == [CARLA]
    assert transaction.rcpt_tos[0] == (BOB, 550, "5.1.1 no such user")
    assert (subjects(world), subjects(world, BOB)) == (["Hello"], [])


def test_rule_by_header_and_recipient(relay):
    relay.rule(Refuse("554 5.7.1 spam", header=("Subject", "*hello*"), recipient="bob@*"))
    send(relay)
    with pytest.raises(smtplib.SMTPDataError):
        send(relay, to=[CARLA, BOB])


def test_421_ends_the_connection(relay):
    relay.rule(Refuse("421 4.3.2 closing", at="RCPT", times=1))
    with relay.connect() as client:
        client.mail(ALICE)
        assert client.rcpt(CARLA)[0] == 421
        with pytest.raises(GONE):
            client.noop()


@pytest.mark.parametrize("stage", [*STAGES, "BODY"])
def test_drops_the_connection_at_each_stage(world, relay, stage):
    relay.rule(Drop(at=stage, filed=False, size=1000))
    with pytest.raises(GONE):
        send(relay, HELLO + b"and so on\r\n" * 100_000)
    assert codes(relay) == ([] if stage in ("CONNECT", "EHLO", "MAIL") else [None])
    assert not subjects(world)


def test_drop_after_the_final_dot_can_leave_the_sender_in_doubt(world, relay):
    relay.rule(Drop(times=1))
    with pytest.raises(GONE):
        send(relay)
    assert (codes(relay), relay.journal[0].filed) == ([None], [CARLA])
    assert subjects(world) == ["Hello"]


@pytest.mark.parametrize("stage", [*STAGES, "BODY"])
def test_delays_at_each_stage(relay, stage):
    relay.rule(Delay(0.1, at=stage))
    started = time.monotonic()
    send(relay)
    assert time.monotonic() - started >= 0.1
    assert codes(relay) == [250]


def test_message_is_kept_when_an_impatient_client_leaves(world, relay):
    relay.rule(Delay(5))
    with relay.connect(timeout=0.1) as client, pytest.raises(GONE, match="timed out"):
        client.sendmail(ALICE, [CARLA], HELLO)
    assert (codes(relay), subjects(world)) == ([None], ["Hello"])


def test_foreign_from_is_refused_in_envelope_and_header(relay):
    relay.rule(ForeignFrom(["Company.example"]))
    send(relay)
    with pytest.raises(smtplib.SMTPSenderRefused, match="not validated"):
        send(relay, sender=BOB)
    for sender in (ALICE, ""):
        with pytest.raises(smtplib.SMTPDataError, match="not validated"):
            send(relay, HELLO.replace(b"<alice@company", b"<bob@client"), sender)
    assert codes(relay) == [250, 550, 550, 550]


def test_rewrites_headers_of_what_it_files(world, relay):
    content = HELLO.replace(b"\r\n\r\n", b"\r\nIn-Reply-To: <x@y.example>\r\n\r\n", 1)
    kept = b"Message-Id: stays in the body\r\n"
    relay.rule(Rewrite(message_id="replace", references="strip", times=1))
    relay.rule(Rewrite(in_reply_to="replace", reply_to="strip", from_address="r@relay.example"))
    send(relay, content + kept)
    send(relay, content + kept)
    first, second = world.maildirs.messages(CARLA)
    assert first["Message-Id"].endswith("@relay.example>")
    assert first["References"] is None
    assert first["In-Reply-To"].endswith("@relay.example>")
    assert (first["From"], first["Subject"]) == ("r@relay.example", "Hello")
    assert second["Message-Id"] == "<1@company.example>"
    assert second["References"].split() == ["<a@b.example>", "<c@d.example>"]
    assert first.get_content() == second.get_content() == "Hello!\n" + kept.decode()[:-2] + "\n"
    assert relay.journal[0].message == content + kept


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: Refuse("250 fine"),
        lambda: Refuse("550 5.7.1 no", at="BODY"),
        lambda: Refuse("550 5.7.1 no", at="QUIT"),
        lambda: Drop(at="MAIL", recipient="bob@*"),
        lambda: Drop(at="EHLO", sender="bob@*"),
        lambda: Delay(1, at="RCPT", header=("Subject", "*")),
    ],
)
def test_rule_that_could_never_work_is_refused(wrong):
    with pytest.raises(ValueError):
        wrong()


# ------------------------------------------------------------
# SESSIONS
# ------------------------------------------------------------


def test_starttls_can_be_required():
    with Relay(tls="required") as relay:
        with smtplib.SMTP(relay.host, relay.port) as client:
            client.ehlo()
            assert client.mail(ALICE)[0] == 530
        send(relay)
        assert (codes(relay), relay.journal[0].tls) == ([250], True)


def test_implicit_tls_with_login():
    with Relay(tls="implicit", logins={"odoo": "secret"}) as relay:
        send(relay)
        assert (relay.journal[0].tls, relay.journal[0].user) == (True, "odoo")


@pytest.mark.parametrize("tls", ["starttls", "implicit"])
def test_strict_client_refuses_a_certificate_of_another_host(tls):
    with Relay(tls=tls, names=("other.example",)) as relay:
        with pytest.raises(ssl.SSLCertVerificationError, match="not valid for"):
            relay.connect()


def test_strict_client_refuses_an_unknown_certificate(caplog):
    with Relay(tls="starttls") as relay, smtplib.SMTP(relay.host, relay.port) as client:
        with pytest.raises(ssl.SSLCertVerificationError, match="self-signed"):
            client.starttls(context=ssl.create_default_context())
    assert not caplog.records


def test_login_is_required_and_checked():
    with Relay(logins={"odoo": "secret", "other": "hidden"}) as relay:
        with smtplib.SMTP(relay.host, relay.port) as client:
            client.ehlo()
            assert client.mail(ALICE)[0] == 530
            with pytest.raises(smtplib.SMTPAuthenticationError):
                client.login("odoo", "wrong")
        with relay.connect("other") as client:
            client.sendmail(ALICE, [CARLA], HELLO)
        relay.rule(Refuse("454 4.7.0 no directory now", at="AUTH"))
        with pytest.raises(smtplib.SMTPAuthenticationError, match="no directory"):
            relay.connect()
    assert [(entry.code, entry.user) for entry in relay.journal] == [(530, None), (250, "other")]


def test_size_limit_by_announcement_and_by_count():
    with Relay(size_limit=500, without=["SIZE"]) as silent, Relay(size_limit=500) as relay:
        with pytest.raises(smtplib.SMTPSenderRefused, match="552"):
            send(relay, HELLO + b"x" * 500)
        with pytest.raises(smtplib.SMTPDataError, match="552"):
            send(silent, HELLO + b"x" * 500)
        send(relay)
    assert codes(relay) == [552, 250]
    assert [(entry.stage, entry.code) for entry in silent.journal] == [("BODY", 552)]


def test_pipelined_commands_share_one_round_trip():
    envelope = f"MAIL FROM:<{ALICE}>\r\nRCPT TO:<{CARLA}>\r\nRCPT TO:<{BOB}>\r\nDATA\r\n".encode()
    overlapped = envelope + HELLO + b".\r\n" + envelope + HELLO + b".\r\nQUIT\r\n"
    with Relay(latency=0.2) as relay:
        with relay.connect() as client:
            client.ehlo()
            assert client.has_extn("pipelining")
            started = time.monotonic()
            client.sock.sendall(overlapped)
            answers = [client.getreply()[0] for _command in range(11)]
            # One round trip for each command would be 2.2 s.
            assert 0.2 <= time.monotonic() - started < 1.1
            client.close()
    assert answers == [250, 250, 250, 354, 250] * 2 + [221]
    assert codes(relay) == [250, 250]


def test_hidden_extensions_are_not_offered():
    with Relay(without=["PIPELINING", "SMTPUTF8"]) as relay, relay.connect() as client:
        client.ehlo()
        assert set(client.esmtp_features) == {"size", "8bitmime", "help"}


def test_relay_goes_down_and_comes_back_on_its_port(relay):
    client = relay.connect()
    relay.stop()
    with pytest.raises(GONE):
        client.noop()
    with pytest.raises(ConnectionRefusedError):
        send(relay)
    relay.start()
    send(relay)
    assert codes(relay) == [250]


def test_waiting_for_accepted_mail(relay):
    later = threading.Timer(0.1, send, [relay])
    later.start()
    assert relay.wait_for(recipient="carla@*")[0].email["Subject"] == "Hello"
    later.join()
    with pytest.raises(TimeoutError, match="accepted 1 of 2"):
        relay.wait_for(2, timeout=0.05)
    relay.reset()
    assert (relay.journal, relay.rules, relay.connections) == ([], [], 0)


def test_many_senders_at_once(world, relay):
    threads = [threading.Thread(target=send, args=[relay]) for _number in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert codes(relay) == [250] * 20
    assert len(world.maildirs.messages(CARLA)) == 20
    assert {entry.connection for entry in relay.journal} == set(range(1, 21))


# ------------------------------------------------------------
# DOVECOT
# ------------------------------------------------------------


def test_messages_are_fetched_by_uid_and_stay_unseen(world, relay):
    for _message in range(3):
        send(relay)
    with world.dovecot.connect(CARLA) as client:
        client.select()
        uids = client.uid("SEARCH", "UNSEEN")[1][0].split()
        client.uid("FETCH", uids[0], "(BODY.PEEK[])")
        client.uid("STORE", uids[1], "+FLAGS", r"(\Seen)")
        assert client.uid("SEARCH", "UNSEEN")[1][0].split() == [uids[0], uids[2]]
    with world.dovecot.connect(CARLA) as client:
        client.select()
        assert client.uid("SEARCH", "ALL")[1][0].split() == uids


def test_messages_can_be_moved_and_deleted(world, relay):
    send(relay)
    with world.dovecot.connect(CARLA) as client:
        client.create("Done")
        client.select()
        assert client.copy("1", "Done")[0] == "OK"
        client.store("1", "+FLAGS", r"\Deleted")
        assert client.expunge() == ("OK", [b"1"])
        assert client.select("Done") == ("OK", [b"1"])
        client.close()
        client.delete("Done")


def test_imap_over_tls_and_wrong_password(world):
    with world.dovecot.connect(CARLA, tls=True) as client:
        assert client.select()[0] == "OK"
    with imaplib.IMAP4(world.dovecot.host, world.dovecot.port) as client:
        with pytest.raises(imaplib.IMAP4.error, match="Authentication failed"):
            client.login(CARLA, "wrong")


def test_pop3(world, relay):
    send(relay)
    client = poplib.POP3(world.dovecot.host, world.dovecot.pop3_port)
    client.user(CARLA)
    client.pass_(world.dovecot.password)
    assert client.stat()[0] == 1
    client.quit()


def test_dovecot_goes_down_and_comes_back_with_the_same_uids(world, relay, carla):
    send(relay)
    (before,) = carla.inbox()
    world.dovecot.stop()
    with pytest.raises(ConnectionRefusedError):
        carla.inbox()
    send(relay)
    world.dovecot.start()
    assert [letter.uid for letter in carla.inbox()] == [before.uid, before.uid + 1]


def test_failing_dovecot_says_why(short_folder, monkeypatch):
    home.keeper().give(short_folder)
    maildirs = Maildirs(short_folder / "mail")
    server = Dovecot(maildirs, short_folder, "secret", settings="nonsense = 1")
    with pytest.raises(Trouble, match=r"did not start(.|\n)*nonsense"):
        server.start()
    monkeypatch.setattr("machine_room.debian.find", lambda program: None)
    with pytest.raises(Trouble, match="apt-get install dovecot-imapd"):
        server.start()


SCRIPT = """
import encodings.idna, os, sys  # the first is imported late, and may lie where only root can read
from machine_room.mailworld import MailWorld, home
if "ordinary" in sys.argv and os.geteuid() == 0:
    account = home.keeper()
    os.setgroups([])
    os.setgid(account.gid)
    os.setuid(account.uid)
with MailWorld() as world:
    customer = world.customer("carla@client.example")
    customer.send("carla@client.example", "To myself", "Hello")
    (letter,) = customer.wait_for("To myself")
    print(os.geteuid(), world.folder, letter.text, flush=True)
    sys.stdin.read(1)
"""


def start_world(cache, *arguments):
    """Run :data:`SCRIPT` in a process of its own, until its standard input is closed."""
    return subprocess.Popen(
        [sys.executable, "-W", "error", "-c", SCRIPT, *arguments],
        env=dict(os.environ, PYTHONPATH=os.pathsep.join(sys.path), NOTIFY_CACHE=str(cache)),
        cwd=paths.ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def test_runs_as_an_ordinary_user(short_folder):
    home.keeper().give(short_folder)
    with start_world(short_folder, "ordinary") as process:
        uid, folder, text = process.communicate("")[0].split()
    assert text == "Hello"
    assert int(uid) == home.keeper().uid != 0
    assert folder.startswith(str(short_folder))
    assert list((short_folder / "mailworld").iterdir()) == []


def test_deep_cache_is_avoided(short_folder):
    deep = short_folder / ("deep" * 20)
    with start_world(deep) as process:
        _uid, folder, text = process.communicate("")[0].split()
    assert text == "Hello"
    assert not folder.startswith(str(deep))
    assert not os.path.exists(folder)


def test_nothing_survives_a_killed_process(short_folder):
    with start_world(short_folder) as process:
        folder = process.stdout.readline().split()[1]
        assert len(running(folder)) > 3
        process.send_signal(signal.SIGKILL)
    deadline = time.monotonic() + 30
    while running(folder) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert running(folder) == []
    with start_world(short_folder) as process:
        process.communicate("")
    assert not os.path.exists(folder)


def running(folder):
    """Return the programs that work in a folder."""
    found = [process.info for process in psutil.process_iter(["name", "cwd"])]
    return [info["name"] for info in found if (info["cwd"] or "").startswith(str(folder))]


# ------------------------------------------------------------
# PEOPLE
# ------------------------------------------------------------


@pytest.fixture
def quotation(world, carla):
    """A quotation as Odoo sends it, in Carla's mailbox."""
    message = EmailMessage()
    message["From"] = "Sales Åsa <asa@company.example>"
    message["Reply-To"] = "Sales <reply+token@company.example>"
    message["To"] = CARLA
    message["Subject"] = "Your quotation"
    message["Date"] = "Tue, 03 Nov 2026 10:00:00 +0000"
    message["Message-Id"] = "<2@company.example>"
    message["References"] = "<1@company.example>"
    message.set_content("Dear Carla,\nhere it is.")
    page = "<html><head><style>p{}</style></head><body><p>Dear <b>Carla</b></p></body></html>"
    message.add_alternative(page, subtype="html")
    with world.relay.connect() as client:
        client.send_message(message)
    return carla.wait_for("QUOTATION")[0]


@pytest.fixture
def odoo(world):
    return world.customer("odoo@company.example", "Odoo", mailbox="odoo")


def test_good_reply_looks_like_a_mail_programs(world, carla, quotation, odoo):
    sent = carla.reply(quotation, "Thank you!\nCarla <3")
    (reply,) = odoo.wait_for("Re: Your quotation")
    assert reply["To"] == "Sales <reply+token@company.example>"
    assert reply["From"] == "Carla Customer <carla@client.example>"
    assert reply["In-Reply-To"] == "<2@company.example>"
    assert reply["References"] == "<1@company.example> <2@company.example>"
    assert reply["Message-ID"] == sent["Message-ID"]
    assert reply["Message-ID"].endswith("@client.example>")
    line = "On Tue, 03 Nov 2026 at 10:00, Sales Åsa <asa@company.example> wrote:"
    assert reply.text.splitlines() == [
        "Thank you!", "Carla <3", "", line, "> Dear Carla,", "> here it is.",
    ]  # fmt: skip
    assert "Carla &lt;3" in reply.html
    assert "<p>Dear <b>Carla</b></p>" in reply.html
    assert "<body" not in reply.html
    assert reply["Return-Path"] == f"<{CARLA}>"
    assert "Re: Re:" not in carla.reply(reply, "Once more", to=ALICE)["Subject"]


@pytest.mark.parametrize(
    ("headers", "in_reply_to", "references"),
    [
        ("none", None, None),
        ("in_reply_to_only", "<2@company.example>", None),
        ("references_only", None, "<1@company.example> <2@company.example>"),
    ],
)
def test_bad_replies(carla, quotation, odoo, headers, in_reply_to, references):
    carla.reply(quotation, "Yes", headers=headers, quote=False, html=False)
    (reply,) = odoo.wait_for("Re:")
    assert (reply["In-Reply-To"], reply["References"]) == (in_reply_to, references)
    assert (reply.text, reply.html, reply.get_content_type()) == ("Yes\n", "", "text/plain")


def test_reply_with_ids_that_nobody_knows(carla, quotation, odoo):
    carla.reply(quotation, "Yes", headers="foreign")
    (reply,) = odoo.wait_for("Re:")
    assert "elsewhere.example" in reply["In-Reply-To"]
    assert "company.example" not in reply["References"]


def test_reply_from_another_address_with_file_and_headers(world, carla, quotation, odoo):
    carla.reply(
        quotation,
        "Signed",
        from_address="carla@private.example",
        cc=f"Bob <{BOB}>",
        extra_headers={"Auto-Submitted": "auto-replied"},
        attachments=[("signed.pdf", b"%PDF-1.7", "application/pdf")],
    )
    (reply,) = odoo.wait_for("Re:")
    assert reply["From"].addresses[0].addr_spec == "carla@private.example"
    assert reply["Auto-Submitted"] == "auto-replied"
    (attachment,) = reply.iter_attachments()
    assert (attachment.get_filename(), attachment.get_content()) == ("signed.pdf", b"%PDF-1.7")
    assert reply.text.startswith("Signed")
    assert subjects(world, BOB) == ["Re: Your quotation"]


def test_reading_leaves_flags_alone_until_a_letter_is_opened(world, carla):
    bob = world.customer(BOB, "Bob")
    first = [bob.send(CARLA, f"Letter {number}", "…") for number in (1, 2)]
    one, two = carla.wait_for("letter", 2)
    assert [one["Message-ID"], two["Message-ID"]] == [sent["Message-ID"] for sent in first]
    assert "\\Seen" not in one.flags
    carla.open(one)
    assert [letter.uid for letter in carla.inbox("UNSEEN")] == [two.uid]
    assert "\\Seen" in carla.inbox()[0].flags
    assert carla.inbox(after=two) == []
    bob.send(CARLA, "Letter 3", "…")
    assert [letter["Subject"] for letter in carla.wait_for(after=two)] == ["Letter 3"]


def test_waiting_in_vain_says_what_is_there(carla):
    carla.send(CARLA, "Something else", "…")
    with pytest.raises(TimeoutError, match=r"0 of 1 letters about 'bill'.*Something else"):
        carla.wait_for("bill", timeout=0.05)


def test_bounce_as_it_is(world, carla):
    bounce = b"From: MAILER-DAEMON@client.example\r\nSubject: Undelivered\r\n\r\nSorry.\r\n"
    carla.deliver(bounce, envelope_from="", envelope_to=["bounce+1@company.example"])
    assert world.outside.journal[-1].mail_from == ""
    assert subjects(world, "odoo") == ["Undelivered"]


# ------------------------------------------------------------
# WORLDS
# ------------------------------------------------------------


def test_two_worlds_at_once_leave_nothing_behind():
    threads = set(threading.enumerate())
    with MailWorld() as first, MailWorld({"*": "all"}, logins={"odoo": "secret"}) as second:
        extra = first.add_relay(tls="required")
        ports = [first.relay.port, first.outside.port, second.relay.port, extra.port]
        assert len({*ports, first.dovecot.port, second.dovecot.port}) == 6
        first.relay.rule(Refuse("550 5.7.1 no", at="MAIL"))
        send(second.relay)
        send(extra)
        assert subjects(first) == subjects(second, "all") == ["Hello"]
        with socket.create_connection((second.relay.host, second.relay.port)) as idle:
            folders = [first.folder, second.folder]
    assert idle.fileno() == -1
    assert not any(folder.exists() or running(folder) for folder in folders)
    assert set(threading.enumerate()) <= threads


def test_rule_against_odoo_does_not_hit_the_answers(world, carla):
    world.relay.rule(ForeignFrom(["company.example"]))
    carla.send("catchall@company.example", "A question", "…")
    assert subjects(world, "odoo") == ["A question"]
