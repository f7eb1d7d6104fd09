"""Take mail out of a mailbox without losing any: stored first, marked or deleted after.

Both classes sit on the connection that Odoo opened and logged in, and look to Odoo's loop like it.
What they fetch goes to ``keep``; only when that returns is the mail marked (IMAP) or deleted (POP).
"""

from __future__ import annotations

import imaplib
import logging
import poplib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import TypedDict

from imapclient import SEEN, IMAPClient
from imapclient.exceptions import IMAPClientError

_logger = logging.getLogger(__name__)

#: Messages fetched with one command, and their octets at most (one message may be larger).
BATCH = 100
BATCH_OCTETS = 8 * 1024 * 1024
BODY = b"BODY[]"


@dataclass(frozen=True)
class Mail:
    """A raw message and its place in the mailbox."""

    uid: int
    raw: bytes


class Position(TypedDict):
    """Up to where a mailbox has been read.

    :param validity: UIDVALIDITY, under which uids keep their meaning
    :param next: the first uid that has not been stored
    """

    validity: int
    next: int


Keep = Callable[[Sequence[Mail]], None]


class _Client(IMAPClient):
    """imapclient on a connection that is open and logged in already."""

    def __init__(self, connection: imaplib.IMAP4) -> None:
        self._given = connection
        # Odoo set a timeout, which imapclient would take away.
        super().__init__(
            connection.host, connection.port, ssl=False, timeout=connection.sock.gettimeout()
        )
        connection.debug = 0

    def _create_IMAP4(self) -> imaplib.IMAP4:
        return self._given


class Mailbox:
    """What Odoo's loop asks of a connection; by then everything is stored."""

    def check_unread_messages(self) -> int:
        """Store all new mail.

        :return: how many messages are left for Odoo's loop to handle: none
        """
        self.store_new()
        return 0

    def store_new(self) -> int:
        """Store all new mail and return how many messages that were."""
        raise NotImplementedError

    def retrieve_unread_messages(self) -> Iterator[tuple[int, bytes]]:
        return iter(())

    def disconnect(self) -> None:
        raise NotImplementedError


class ImapMailbox(Mailbox):
    """An inbox over IMAP, read by uid: a message that a person opened is mail like any other.

    The first time, what is unread is taken, and the mailbox is followed from its end on. If the
    server gives out new uids (UIDVALIDITY), everything since ``since`` is looked at again: ``keep``
    knows what it has.

    :param position: up to where it was read, None the first time
    :param keep: stores messages for good
    :param moved: is told the new position after each batch
    :param since: day of the last fetch
    """

    def __init__(
        self,
        connection: imaplib.IMAP4,
        position: Position | None,
        keep: Keep,
        moved: Callable[[Position], None],
        since: date | None = None,
    ) -> None:
        self._connection = connection
        self._client = _Client(connection)
        self._position = position
        self._keep = keep
        self._moved = moved
        self._since = since

    def store_new(self) -> int:
        inbox = self._client.select_folder("INBOX")
        validity, end = int(inbox[b"UIDVALIDITY"]), inbox.get(b"UIDNEXT")
        known = self._position and self._position["validity"] == validity
        if known:
            start = self._position["next"]
            if end is not None and end <= start:
                return 0
            # A range that ends in * always holds the last message, however high it starts.
            uids = [uid for uid in self._client.search(["UID", f"{start}:*"]) if uid >= start]
        else:
            start = end or max(self._client.search(["ALL"]), default=0) + 1
            criteria = ["SINCE", self._since] if self._position and self._since else ["UNSEEN"]
            uids = self._client.search(criteria)
        sizes = self._sizes(uids)
        for uids in batches(sizes):
            self._store(uids)
            start = max(start, uids[-1] + 1)
            if known:
                self._moved({"validity": validity, "next": start})
        self._moved({"validity": validity, "next": start})
        return len(sizes)

    def _sizes(self, uids: Sequence[int]) -> dict[int, int]:
        """Return uid → octets, in the order of uids."""
        found = self._client.fetch(uids, [b"RFC822.SIZE"]) if uids else {}
        return {uid: int(found[uid].get(b"RFC822.SIZE", 0)) for uid in sorted(found)}

    def _store(self, uids: Sequence[int]) -> None:
        found = self._client.fetch(uids, [b"BODY.PEEK[]"])
        # Somebody may delete a message while it is fetched.
        mails = [Mail(uid, found[uid][BODY]) for uid in uids if found.get(uid, {}).get(BODY)]
        self._keep(mails)
        try:
            self._client.add_flags(uids, [SEEN], silent=True)
        except IMAPClientError:
            # The flag is for people; the position says what was read.
            _logger.info("Could not mark messages as seen.", exc_info=True)

    def disconnect(self) -> None:
        self._connection.disconnect()


class PopMailbox(Mailbox):
    """An inbox over POP: a message is deleted as soon as it is stored.

    The server deletes when the session ends in order; if it does not, the messages come again, and
    ``keep`` knows them.
    """

    def __init__(self, connection: poplib.POP3, keep: Keep) -> None:
        self._connection = connection
        self._keep = keep

    def store_new(self) -> int:
        _answer, listing, _octets = self._connection.list()
        sizes = dict(tuple(map(int, line.split()[:2])) for line in listing)
        for numbers in batches(sizes):
            self._keep(
                [
                    Mail(number, b"\r\n".join(self._connection.retr(number)[1]) + b"\r\n")
                    for number in numbers
                ]
            )
            for number in numbers:
                self._connection.dele(number)
        return len(sizes)

    def disconnect(self) -> None:
        self._connection.disconnect()


def batches(sizes: dict[int, int]) -> Iterator[list[int]]:
    """Cut messages into batches that fit into memory, in their order.

    :param sizes: uid → octets
    :return: e.g. ``[1, 2, 3]``, then ``[4]`` if that one is large
    """
    batch: list[int] = []
    octets = 0
    for uid, size in sizes.items():
        if batch and (len(batch) >= BATCH or octets + size > BATCH_OCTETS):
            yield batch
            batch, octets = [], 0
        batch.append(uid)
        octets += size
    if batch:
        yield batch
