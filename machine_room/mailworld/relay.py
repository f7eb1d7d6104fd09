"""An SMTP relay on loopback that files what it accepts into Maildirs, and misbehaves on demand::

with Relay(maildirs) as relay:
    relay.rule(Refuse("451 4.3.2 try again", at="RCPT", recipient="*@slow.example", times=1))
    …
    assert relay.journal[-1].code == 250
"""

from __future__ import annotations

import asyncio
import itertools
import logging
import shutil
import smtplib
import socket
import tempfile
import threading
import time
import weakref
from collections.abc import Collection, Mapping
from email.utils import formatdate
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Literal

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, LoginPassword

from .certificate import LOOPBACK, Certificate, self_signed
from .journal import Stage, Transaction
from .maildirs import Maildirs
from .rules import Rewrite, Rule, Verdict
from .smtp_session import SmtpSession

NAME = "relay.example"
HOST = "127.0.0.1"

Tls = Literal["none", "starttls", "required", "implicit"]

# aiosmtpd warns about its own use of Session.login_data at every login.
logging.getLogger("mail.log").setLevel(logging.ERROR)


class Relay:
    """A relay. Start it with ``start()`` or as a context manager; stopped, it can be started again
    on the same port.

    :param Maildirs maildirs: where accepted mail goes; None keeps it in the journal only
    :param str tls: ``none``, ``starttls`` (offered), ``required`` (STARTTLS before anything else),
        or ``implicit`` (from the first octet)
    :param Certificate certificate: one is made if none is given
    :param names: names in the certificate that is made
    :param dict logins: login → password; if there are any, one is required
    :param int size_limit: octets that a message may have
    :param without: extensions that are not offered, e.g. ``["PIPELINING", "SMTPUTF8"]``
    :param float latency: seconds of a round trip on the line
    """

    def __init__(
        self,
        maildirs: Maildirs | None = None,
        *,
        tls: Tls = "none",
        certificate: Certificate | None = None,
        names: tuple[str, ...] = LOOPBACK,
        logins: Mapping[str, str] | None = None,
        size_limit: int = 32 * 1024 * 1024,
        without: Collection[str] = (),
        latency: float = 0,
    ):
        self.maildirs = maildirs
        self.tls = tls
        self.certificate = certificate
        self.names = names
        self.logins = dict(logins or {})
        self.size_limit = size_limit
        self.without = without
        self.latency = latency
        self.host = HOST
        self.port = 0
        self.rules: list[Rule] = []
        self.journal: list[Transaction] = []
        self.connections = 0
        self._ids = itertools.count(1)
        self._changed = threading.Condition()
        self._server: _Server | None = None

    # ------------------------------------------------------------
    # START AND STOP
    # ------------------------------------------------------------

    def start(self) -> Relay:
        """Listen, on the same port as before if there was one."""
        if self.tls != "none" and self.certificate is None:
            folder = tempfile.mkdtemp(prefix="relay-")
            weakref.finalize(self, shutil.rmtree, folder, ignore_errors=True)
            self.certificate = self_signed(Path(folder), self.names)
        listener = self._listen()
        self.port = listener.getsockname()[1]
        self._server = _Server(self, listener)
        self._server.start()
        return self

    def _listen(self) -> socket.socket:
        # asyncio turns Nagle's algorithm off only where the protocol is named; on, it holds
        # back the second line of a reply for 40 ms.
        listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        try:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind((self.host, self.port))
            listener.listen(256)
        except BaseException:
            listener.close()
            raise
        return listener

    def stop(self) -> None:
        """Cut every connection and stop listening."""
        if self._server is not None:
            self._server.stop()
            self._server = None

    def __enter__(self) -> Relay:
        return self.start()

    def __exit__(self, *_error) -> None:
        self.stop()

    # ------------------------------------------------------------
    # FOR TESTS
    # ------------------------------------------------------------

    def rule(self, rule: Rule) -> Rule:
        """Add a rule; the first refusal or drop that matches wins. Return it, for its ``hits``."""
        self.rules.append(rule)
        return rule

    def reset(self) -> None:
        """Forget all rules and the journal; mailboxes stay as they are."""
        self.rules.clear()
        self.journal.clear()
        self.connections = 0

    def accepted(self, recipient: str = "*") -> list[Transaction]:
        """Return the accepted transactions with a recipient that a pattern matches."""
        return [
            transaction
            for transaction in tuple(self.journal)
            if transaction.accepted
            and any(
                fnmatchcase(address.lower(), recipient.lower())
                for address in transaction.recipients
            )
        ]

    def wait_for(
        self, count: int = 1, *, recipient: str = "*", timeout: float = 20
    ) -> list[Transaction]:
        """Wait until so many transactions are accepted, and return them.

        :raise TimeoutError: with what the journal holds instead
        """
        with self._changed:
            if self._changed.wait_for(lambda: len(self.accepted(recipient)) >= count, timeout):
                return self.accepted(recipient)
        raise TimeoutError(
            f"After {timeout} s the relay has accepted {len(self.accepted(recipient))} of {count} "
            f"messages to {recipient}; its journal: {self.journal}"
        )

    def connect(self, login: str | None = None, timeout: float = 10) -> smtplib.SMTP:
        """Return a client's session: encrypted if it can be, logged in if need be."""
        if self.tls == "implicit":
            context = self.certificate.client_context()
            client = smtplib.SMTP_SSL(self.host, self.port, NAME, timeout=timeout, context=context)
        else:
            client = smtplib.SMTP(self.host, self.port, NAME, timeout=timeout)
        try:
            client.ehlo_or_helo_if_needed()
            if self.tls in ("starttls", "required"):
                client.starttls(context=self.certificate.client_context())
            if self.logins:
                login = login or next(iter(self.logins))
                client.login(login, self.logins[login])
            client.ehlo_or_helo_if_needed()
        except BaseException:
            client.close()
            raise
        return client

    # ------------------------------------------------------------
    # FOR SESSIONS (in the server's thread)
    # ------------------------------------------------------------

    def judge(
        self, stage: Stage, transaction: Transaction | None, recipient: str | None = None
    ) -> Verdict:
        verdict = Verdict()
        for rule in tuple(self.rules):
            if rule.matches(stage, transaction, recipient) and rule.counts():
                rule.apply(verdict)
                if verdict.final:
                    break
        return verdict

    def authenticate(
        self, server, session, envelope, mechanism: str, given: LoginPassword
    ) -> AuthResult:
        success = self.logins.get(given.login.decode()) == given.password.decode()
        return AuthResult(success=success, handled=False, auth_data=given)

    def next_id(self) -> str:
        return f"{next(self._ids):06X}"

    def count_connection(self) -> int:
        self.connections += 1
        return self.connections

    def enter(self, transaction: Transaction) -> None:
        self.journal.append(transaction)

    def settled(self) -> None:
        """Wake those who wait for a change in the journal."""
        with self._changed:
            self._changed.notify_all()

    def file(self, transaction: Transaction, rewrites: list[Rewrite]) -> None:
        """Put one copy for each recipient into its mailbox, with the envelope as headers on top."""
        message = transaction.message
        for rewrite in rewrites:
            message = rewrite.rewrite(message)
        for recipient in transaction.recipients:
            name = self.maildirs.owner(recipient) if self.maildirs else None
            if name is None:
                continue
            envelope = (
                f"Return-Path: <{transaction.mail_from}>\r\n"
                f"X-Original-To: {recipient}\r\n"
                f"Delivered-To: {recipient}\r\n"
                f"Received: from client.example by {NAME} with ESMTP id {transaction.id}\r\n"
                f"\tfor <{recipient}>; {formatdate(time.time())}\r\n"
            )
            self.maildirs.file(name, envelope.encode() + message)
            transaction.filed.append(name)


class _Server(Controller):
    """aiosmtpd's controller on a socket that listens already, with an orderly stop."""

    def __init__(self, relay: Relay, listener: socket.socket):
        implicit = relay.certificate.server_context() if relay.tls == "implicit" else None
        super().__init__(None, relay.host, relay.port, ssl_context=implicit)
        self._relay = relay
        self._listener = listener
        self._sessions: weakref.WeakSet[SmtpSession] = weakref.WeakSet()
        self._starttls = (
            relay.certificate.server_context() if relay.tls in ("starttls", "required") else None
        )

    def factory(self) -> SmtpSession:
        session = SmtpSession(
            self._relay,
            loop=self.loop,
            hostname=NAME,
            ident="ESMTP",
            enable_SMTPUTF8=True,
            data_size_limit=self._relay.size_limit,
            tls_context=self._starttls,
            require_starttls=self._relay.tls == "required",
            # The hooks ask for the login: aiosmtpd does not see that implicit TLS is TLS.
            auth_require_tls=False,
        )
        self._sessions.add(session)
        return session

    def _create_server(self):
        return self.loop.create_server(
            self._factory_invoker, sock=self._listener, ssl=self.ssl_context
        )

    def _trigger_server(self) -> None:
        # aiosmtpd makes a connection here, which would count, and would use up rules.
        self._factory_invoker()

    def stop(self, no_assert: bool = False) -> None:
        asyncio.run_coroutine_threadsafe(self._hang_up(), self.loop).result(10)
        super().stop(no_assert)

    async def _hang_up(self) -> None:
        """End all that runs in the loop, or closing it would leave tasks and sockets behind."""
        self.server.close()
        for session in tuple(self._sessions):
            if session.transport is not None:
                session.transport.abort()
        tasks = asyncio.all_tasks() - {asyncio.current_task()}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
