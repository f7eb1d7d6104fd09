"""One SMTP connection: aiosmtpd's protocol, with the relay's rules and journal around it."""

from __future__ import annotations

import asyncio
import re
from typing import TYPE_CHECKING

from aiosmtpd.smtp import MISSING, SMTP, TLSSetupException

from .journal import Recipient, Stage, Transaction

if TYPE_CHECKING:
    from .relay import Relay


class Hooks:
    """aiosmtpd's hooks: called once a command is well-formed and allowed, to have it judged."""

    async def handle_HELO(self, server: SmtpSession, session, envelope, name: str) -> str:
        refusal = await server.consult("EHLO")
        if refusal:
            return refusal
        session.host_name = name
        return f"250 {server.hostname}"

    async def handle_EHLO(
        self, server: SmtpSession, session, envelope, name: str, lines: list[str]
    ) -> list[str]:
        refusal = await server.consult("EHLO")
        if refusal:
            return [refusal]
        session.host_name = name
        lines.insert(1, "250-PIPELINING")
        hidden = set(server.relay.without)
        if not server.relay.logins:
            hidden.add("AUTH")
        return [line for line in lines if line[4:].partition(" ")[0] not in hidden]

    async def handle_AUTH(self, server: SmtpSession, session, envelope, arguments: list[str]):
        return await server.consult("AUTH") or MISSING

    async def handle_MAIL(
        self, server: SmtpSession, session, envelope, address: str, options: list[str]
    ) -> str:
        if server.relay.logins and not session.authenticated:
            return "530 5.7.0 Authentication required"
        refusal = await server.consult("MAIL")
        if refusal:
            return refusal
        envelope.mail_from = address
        envelope.mail_options.extend(options)
        return "250 2.1.0 Ok"

    async def handle_RCPT(
        self, server: SmtpSession, session, envelope, address: str, options: list[str]
    ) -> str:
        refusal = await server.consult("RCPT", address)
        if refusal:
            return refusal
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 Ok"

    async def handle_DATA(self, server: SmtpSession, session, envelope) -> str:
        return await server.finish(envelope.content)

    async def handle_exception(self, error: Exception) -> str:
        # A client that refuses the certificate is no error of ours, and aiosmtpd would print one.
        if isinstance(error, TLSSetupException):
            return "454 4.7.0 TLS not available"
        raise error


class SmtpSession(SMTP):
    """A connection.

    Whoever makes an answer, a rule or aiosmtpd itself (size, syntax, order of commands), it passes
    :meth:`push`, and there it enters the journal before the client can see it.
    """

    def __init__(self, relay: Relay, **options):
        super().__init__(Hooks(), authenticator=relay.authenticate, **options)
        self.relay = relay
        self.number = 0
        self.transaction: Transaction | None = None
        self._greeted = False
        #: The stage whose answer comes next, and the address that it is about.
        self._asked: tuple[Stage, str] | None = None

    # ------------------------------------------------------------
    # CONNECTION
    # ------------------------------------------------------------

    def connection_made(self, transport) -> None:
        if not self.number:
            self.number = self.relay.count_connection()
        super().connection_made(transport)

    def data_received(self, data: bytes) -> None:
        if self.relay.latency:
            # Held back on the way in, pipelined commands share one round trip, as on a real line.
            self.loop.call_later(self.relay.latency, self._data_arrives, data)
        else:
            super().data_received(data)

    def _data_arrives(self, data: bytes) -> None:
        if self.transport is not None:
            super().data_received(data)

    async def hang_up(self) -> None:
        """Cut the connection; does not return, as aiosmtpd then cancels the task that calls it."""
        self.transport.abort()
        await self.loop.create_future()

    # ------------------------------------------------------------
    # COMMANDS
    # ------------------------------------------------------------

    async def smtp_MAIL(self, arg: str | None) -> None:
        if self.envelope.mail_from:
            await super().smtp_MAIL(arg)
            return
        self.transaction = Transaction(
            id=self.relay.next_id(),
            mail_from=_address(arg),
            connection=self.number,
            tls=self.transport.get_extra_info("cipher") is not None,
            user=self.session.auth_data.login.decode() if self.session.authenticated else None,
        )
        await self._run("MAIL", super().smtp_MAIL, arg)

    async def smtp_RCPT(self, arg: str | None) -> None:
        if not self.envelope.mail_from:
            await super().smtp_RCPT(arg)
            return
        await self._run("RCPT", super().smtp_RCPT, arg)

    async def smtp_DATA(self, arg: str | None) -> None:
        if not self.envelope.rcpt_tos:
            await super().smtp_DATA(arg)
            return
        self._asked = ("DATA", "")
        refusal = await self.consult("DATA")
        if refusal:
            await self.push(refusal)
            self._asked = None
        else:
            await self._run("DATA", super().smtp_DATA, arg)

    async def _run(self, stage: Stage, command, arg: str | None) -> None:
        self._asked = (stage, _address(arg))
        try:
            await command(arg)
        finally:
            self._asked = None

    async def finish(self, content: bytes) -> str:
        """Judge a complete message, file it, and return the answer."""
        transaction = self.transaction
        transaction.message, transaction.stage = content, "END"
        verdict = self.relay.judge("END", transaction)
        if verdict.answer is None and (verdict.filed or not verdict.drop):
            self.relay.file(transaction, verdict.rewrites)
        if verdict.delay:
            await asyncio.sleep(verdict.delay)
        if verdict.drop:
            await self.hang_up()
        return verdict.answer or f"250 2.0.0 Ok: queued as {transaction.id}"

    # ------------------------------------------------------------
    # ANSWERS
    # ------------------------------------------------------------

    async def consult(self, stage: Stage, recipient: str | None = None) -> str | None:
        """Do what the rules want at a stage and return a refusal, or None to go on."""
        verdict = self.relay.judge(stage, self.transaction, recipient)
        if verdict.delay:
            await asyncio.sleep(verdict.delay)
        if verdict.drop:
            if stage == "BODY":
                await self._read_part(verdict.size)
            await self.hang_up()
        return verdict.answer

    async def _read_part(self, size: int) -> None:
        part = b""
        while len(part) < size and not part.endswith(b"\r\n.\r\n"):
            part += await self._reader.read(size)

    async def push(self, status: str | bytes) -> None:
        text = status.decode("utf-8", "replace") if isinstance(status, bytes) else status
        if not self._greeted:
            self._greeted = True
            refusal = await self.consult("CONNECT")
            if refusal:
                await super().push(refusal)
                self.transport.close()
                return
        if self._asked:
            self._note(text)
        await super().push(text)
        if text.startswith("421 ") and self.transport is not None:
            self.transport.close()
        if self._asked and text.startswith("354 "):
            self.transaction.stage = "BODY"
            await self.consult("BODY")

    def _note(self, reply: str) -> None:
        """Enter an answer in the journal."""
        stage, address = self._asked
        transaction, code, text = self.transaction, int(reply[:3]), reply[4:]
        if stage == "MAIL":
            self.relay.enter(transaction)
        if stage == "RCPT":
            transaction.rcpt_tos.append(Recipient(address, code, text))
        if transaction.stage == "END" or (
            code >= 400 and not (stage == "RCPT" and transaction.recipients)
        ):
            transaction.settle(code, text)
            self.relay.settled()
        if transaction.stage not in ("BODY", "END"):
            transaction.stage = stage


def _address(arg: str | None) -> str:
    """Return what stands between the angle brackets of a MAIL or RCPT."""
    found = re.search(r"<([^>]*)>", arg or "")
    return found[1] if found else ""
