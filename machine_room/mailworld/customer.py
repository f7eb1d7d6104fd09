"""A scripted person with a mailbox, who reads over IMAP and answers like a mail program."""

from __future__ import annotations

import html
import imaplib
import re
import time
from collections.abc import Iterable, Mapping, Sequence
from email import message_from_bytes, policy
from email.message import EmailMessage
from email.utils import formataddr, getaddresses, localtime, make_msgid, parseaddr
from typing import Literal

from .dovecot import Dovecot
from .relay import Relay

#: File name, content, MIME type: ``("offer.pdf", b"…", "application/pdf")``.
Attachment = tuple[str, bytes, str]
#: Which headers tie an answer to what it answers; ``foreign`` ones name messages that nobody knows,
#: as after a relay that gave every message an id of its own.
Thread = Literal["good", "none", "in_reply_to_only", "references_only", "foreign"]

#: Seconds between two looks into the mailbox.
PAUSE = 0.03


class Letter(EmailMessage):
    """A message as it lies in a mailbox."""

    uid: int = 0
    flags: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """The plain text, ``""`` if there is none."""
        return self._body("plain")

    @property
    def html(self) -> str:
        """The HTML, ``""`` if there is none."""
        return self._body("html")

    def _body(self, kind: str) -> str:
        part = self.get_body((kind,))
        return part.get_content().replace("\r\n", "\n") if part else ""


class Customer:
    """A person.

    :param Relay relay: what their mail program sends through
    :param str mailbox: name of their mailbox; by default it is the address
    """

    def __init__(
        self,
        address: str,
        name: str = "",
        *,
        relay: Relay,
        dovecot: Dovecot,
        mailbox: str | None = None,
    ):
        self.address = address
        self.name = name
        self.relay = relay
        self.dovecot = dovecot
        self.mailbox = mailbox or address.lower()

    # ------------------------------------------------------------
    # READ
    # ------------------------------------------------------------

    def inbox(self, search: str = "ALL", *, after: Letter | None = None) -> list[Letter]:
        """Fetch what is in the inbox now, oldest first, and leave its flags alone.

        :param str search: IMAP criteria, e.g. ``UNSEEN``
        :param Letter after: only what came later than this one
        """
        with self.dovecot.connect(self.mailbox) as client:
            client.select("INBOX", readonly=True)
            return self._fetch(client, search, after)

    def wait_for(
        self, subject: str = "", count: int = 1, timeout: float = 20, *, after: Letter | None = None
    ) -> list[Letter]:
        """Wait until there are so many letters and return all of them, oldest first.

        :param str subject: part of the subject, in any case
        :raise TimeoutError: with what was there instead
        """
        deadline = time.monotonic() + timeout
        with self.dovecot.connect(self.mailbox) as client:
            client.select("INBOX", readonly=True)
            while True:
                letters = self._fetch(client, "ALL", after)
                found = [
                    letter
                    for letter in letters
                    if subject.lower() in str(letter["Subject"]).lower()
                ]
                if len(found) >= count:
                    return found
                if time.monotonic() > deadline:
                    there = [str(letter["Subject"]) for letter in letters]
                    raise TimeoutError(
                        f"After {timeout} s {self.address} has {len(found)} of {count} letters "
                        f"about {subject!r}; the inbox holds: {there}"
                    )
                time.sleep(PAUSE)
                client.noop()

    def open(self, letter: Letter) -> None:
        """Mark a letter as seen."""
        with self.dovecot.connect(self.mailbox) as client:
            client.select("INBOX")
            client.uid("STORE", str(letter.uid), "+FLAGS", r"(\Seen)")

    def _fetch(self, client: imaplib.IMAP4, search: str, after: Letter | None) -> list[Letter]:
        # A range that ends in * always holds the last message, however high it starts.
        low = after.uid + 1 if after else 1
        _answer, (found,) = client.uid("SEARCH", f"UID {low}:*", search)
        uids = [uid for uid in found.split() if int(uid) >= low]
        if not uids:
            return []
        _answer, items = client.uid("FETCH", b",".join(uids).decode(), "(UID FLAGS BODY.PEEK[])")
        letters = []
        for described, content in (item for item in items if isinstance(item, tuple)):
            letter = message_from_bytes(content, _class=Letter, policy=policy.default)
            letter.uid = int(re.search(rb"UID (\d+)", described)[1])
            letter.flags = tuple(flag.decode() for flag in imaplib.ParseFlags(described))
            letters.append(letter)
        return letters

    # ------------------------------------------------------------
    # WRITE
    # ------------------------------------------------------------

    def send(
        self,
        to: str,
        subject: str,
        text: str,
        *,
        html: bool = True,
        cc: str = "",
        from_address: str | None = None,
        extra_headers: Mapping[str, str] | None = None,
        attachments: Iterable[Attachment] = (),
    ) -> EmailMessage:
        """Write to somebody and return what was sent."""
        message = self._compose(to, subject, cc, from_address, extra_headers)
        self._fill(message, text, _to_html(text) if html else "", attachments)
        return self.deliver(message)

    def reply(
        self,
        letter: EmailMessage,
        text: str,
        *,
        headers: Thread = "good",
        quote: bool = True,
        html: bool = True,
        to: str | None = None,
        cc: str = "",
        from_address: str | None = None,
        extra_headers: Mapping[str, str] | None = None,
        attachments: Iterable[Attachment] = (),
    ) -> EmailMessage:
        """Answer a letter and return what was sent.

        :param str headers: see :data:`Thread`
        :param bool quote: the letter below the answer, after a line that says who wrote it
        :param bool html: text and HTML, else text only
        :param str to: somebody else than Reply-To, or else From, ask for
        :param str from_address: another address of the same person
        """
        subject = str(letter["Subject"] or "")
        if not subject.lower().startswith("re:"):
            subject = f"Re: {subject}"
        message = self._compose(
            to or str(letter["Reply-To"] or letter["From"]),
            subject,
            cc,
            from_address,
            extra_headers,
        )
        self._thread(message, letter, headers)
        plain, rich = text, _to_html(text)
        if quote:
            below, below_html = _quote(letter)
            plain, rich = f"{text}\n\n{below}", f"{rich}<br>{below_html}"
        self._fill(message, plain, rich if html else "", attachments)
        return self.deliver(message)

    def deliver(
        self,
        message: EmailMessage | bytes,
        *,
        envelope_from: str | None = None,
        envelope_to: Sequence[str] = (),
    ) -> EmailMessage | bytes:
        """Hand a message over to the relay as it is, and return it.

        :param str envelope_from: ``""`` for the null sender; by default this person's address
        :param envelope_to: by default the addresses in To and Cc; needed for bytes
        """
        if isinstance(message, EmailMessage):
            fields = [str(value) for name in ("To", "Cc") for value in message.get_all(name, [])]
            envelope_to = envelope_to or [address for _name, address in getaddresses(fields)]
            content = message.as_bytes(policy=policy.SMTP)
        else:
            content = message
        sender = self.address if envelope_from is None else envelope_from
        with self.relay.connect() as client:
            client.sendmail(sender, list(envelope_to), content, ["BODY=8BITMIME"])
        return message

    def _compose(
        self,
        to: str,
        subject: str,
        cc: str,
        from_address: str | None,
        extra_headers: Mapping[str, str] | None,
    ) -> EmailMessage:
        address = from_address or self.address
        message = EmailMessage()
        message["From"] = formataddr((self.name, address))
        message["To"] = to
        if cc:
            message["Cc"] = cc
        message["Subject"] = subject
        message["Date"] = localtime()
        message["Message-ID"] = make_msgid(domain=address.rpartition("@")[2])
        for name, value in (extra_headers or {}).items():
            del message[name]
            message[name] = value
        return message

    @staticmethod
    def _thread(message: EmailMessage, letter: EmailMessage, headers: Thread) -> None:
        parent = str(letter["Message-ID"] or "").strip()
        chain = f"{letter['References'] or letter['In-Reply-To'] or ''} {parent}".split()
        if headers == "foreign":
            parent, *chain = (make_msgid(domain="elsewhere.example") for _id in range(3))
        if headers != "none" and headers != "references_only" and parent:
            message["In-Reply-To"] = parent
        if headers != "none" and headers != "in_reply_to_only" and chain:
            message["References"] = " ".join(chain)

    @staticmethod
    def _fill(
        message: EmailMessage, text: str, rich: str, attachments: Iterable[Attachment]
    ) -> None:
        message.set_content(text)
        if rich:
            message.add_alternative(rich, subtype="html")
        for filename, content, kind in attachments:
            main, _slash, sub = kind.partition("/")
            message.add_attachment(content, maintype=main, subtype=sub, filename=filename)


def _to_html(text: str) -> str:
    return f'<div dir="ltr">{html.escape(text, quote=False)}</div>'.replace("\n", "<br>\n")


def _quote(letter: EmailMessage) -> tuple[str, str]:
    """Return a letter as the quotation below an answer, as text and as HTML."""
    name, address = parseaddr(str(letter["From"]))
    date = (letter["Date"] and letter["Date"].datetime) or localtime()
    line = f"On {date:%a, %d %b %Y at %H:%M}, {f'{name} <{address}>'.strip()} wrote:"
    plain, rich = (letter.get_body((kind,)) for kind in ("plain", "html"))
    text = plain.get_content().rstrip() if plain else ""
    content = rich.get_content() if rich else _to_html(text)
    content = re.sub(r"^.*<body[^>]*>|</body>.*$", "", content, flags=re.I | re.S)
    quoted = "\n".join(f"> {row}".rstrip() for row in text.splitlines())
    rich_quoted = (
        '<div class="gmail_quote"><div dir="ltr" class="gmail_attr">'
        f"{html.escape(line, quote=False)}<br></div>"
        '<blockquote class="gmail_quote" style="margin:0 0 0 .8ex;border-left:1px solid #ccc">'
        f"{content}</blockquote></div>"
    )
    return f"{line}\n{quoted}", rich_quoted
