"""Take mail out of a mailbox without losing any: stored first, marked or deleted after.

Both classes sit on the connection that Odoo opened and logged in, and look to Odoo's loop like it.
What they fetch goes to ``keep``; only when that returns is the mail marked (IMAP) or deleted (POP).
"""

from __future__ import annotations

import imaplib
import logging
import poplib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta, timezone
from typing import TypedDict

from imapclient import SEEN, IMAPClient
from imapclient.exceptions import IMAPClientError

_logger = logging.getLogger(__name__)

#: Messages fetched with one command, and their octets at most (one message may be larger).
BATCH = 100
BATCH_OCTETS = 8 * 1024 * 1024
BODY = b"BODY[]"
#: Octets of a line that poplib takes; a longer one would end the session. Some mails are one line.
poplib._MAXLINE = max(poplib._MAXLINE, 64 * 1024 * 1024)


@dataclass(frozen=True)
class Mail:
    """A raw message and its place in the mailbox."""

    uid: int
    raw: bytes


class Position(TypedDict, total=False):
    """Up to where a mailbox has been read.

    :param validity: UIDVALIDITY, under which uids keep their meaning (IMAP)
    :param next: the first uid that has not been asked for (IMAP)
    :param day: when it was last read to its end, as ISO 8601 (IMAP)
    :param left: uids of messages that could not be fetched; they are tried again after all others
    :param stored: uids (UIDL) of messages that are stored and may still be there (POP)
    """

    validity: int
    next: int
    day: str
    left: list
    stored: list[str]


#: Stores messages for good.
Keep = Callable[[Sequence[Mail]], None]
#: Is told what the server says of messages that it shows and does not give, or does not delete.
Refused = Callable[[str], None]
#: Is told the new position after each step.
Moved = Callable[[Position], None]


class NotGiven(Exception):
    """What a server says when it does not do what it was asked for.

    :ivar is_line_gone: nothing more can be asked in this session
    """

    def __init__(self, error: Exception) -> None:
        said = error.args[0] if error.args else error
        super().__init__(said.decode("utf-8", "replace") if isinstance(said, bytes) else str(error))
        if isinstance(error, poplib.error_proto):
            # What the server said is octets; poplib's own words say that it lost the thread.
            self.is_line_gone = not isinstance(said, bytes)
        else:
            self.is_line_gone = isinstance(error, (OSError, imaplib.IMAP4.abort))


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

    def store_new(self) -> None:
        """Store all new mail."""
        raise NotImplementedError

    def retrieve_unread_messages(self) -> Iterator[tuple[int, bytes]]:
        return iter(())

    def disconnect(self) -> None:
        raise NotImplementedError


class ImapMailbox(Mailbox):
    """An inbox over IMAP, read by uid: a message that a person opened is mail like any other.

    The first time, what is unread is taken, and the mailbox is followed from its end on. If the
    server gives out new uids (UIDVALIDITY), everything since the last reading is looked at again:
    ``keep`` knows what it has. What the server cannot give, or breaks the line at, is left for the
    end, where it is tried again each time and is in nobody's way.

    :param position: up to where it was read, None the first time
    :param since: day of the last fetch, for positions that do not know it
    :param stay: is offered the session when all is read; returns whether it takes it over
    """

    def __init__(
        self,
        connection: imaplib.IMAP4,
        position: Position | None,
        keep: Keep,
        moved: Moved,
        refused: Refused,
        since: date | None = None,
        stay: Callable[[IMAPClient], bool] | None = None,
    ) -> None:
        self._connection = connection
        self.client = _Client(connection)
        self._position: Position = position or {}
        self._keep = keep
        self._moved = moved
        self._refused = refused
        self._since = since
        self._stay = stay
        self._is_read = False

    def store_new(self) -> None:
        place, uids, is_known = self._begin()
        left = place["left"]
        while uids:
            asked, uids = uids[:BATCH], uids[BATCH:]
            after = asked[-1] + 1
            try:
                for batch in batches(self._sizes(asked)):
                    self._store(batch, self._fetch(batch))
                    asked = [uid for uid in asked if uid > batch[-1]]
                    if is_known:
                        self._move(place, batch[-1] + 1)
            except NotGiven as refusal:
                left.extend(asked)
                if refusal.is_line_gone:
                    # What is new is found by its uid the next time, what else there was is not.
                    left.extend([] if is_known else uids)
                    self._move(place, after)
                    raise
        place["day"] = datetime.now(timezone.utc).date().isoformat()
        self._move(place, place["next"])
        self._store_left(place)
        self._is_read = True

    def _begin(self) -> tuple[Position, list[int], bool]:
        """Return where to go on, the uids to fetch, and whether uids mean what they did."""
        inbox = self.client.select_folder("INBOX")
        validity, end = int(inbox[b"UIDVALIDITY"]), inbox.get(b"UIDNEXT")
        if self._position.get("validity") == validity:
            left = list(self._position.get("left", ()))
            start = self._position["next"]
            return {**self._position, "left": left}, sorted(self._uids_from(start, end)), True
        start = end or max(self.client.search(["ALL"]), default=0) + 1
        place: Position = {"validity": validity, "next": start, "left": []}
        if "day" in self._position:
            place["day"] = self._position["day"]
        return place, sorted(self.client.search(self._criteria())), False

    def _uids_from(self, start: int, end: int | None) -> list[int]:
        if end is not None and end <= start:
            return []
        # A range that ends in * always holds the last message, however high it starts.
        return [uid for uid in self.client.search(["UID", f"{start}:*"]) if uid >= start]

    def _criteria(self) -> list:
        """Return what to look at where no uid is known."""
        day = self._position.get("day")
        since = date.fromisoformat(day) if day else self._position and self._since
        if not since:
            return ["UNSEEN"]
        # The server's day may begin later than ours.
        criteria = ["SINCE", since - timedelta(days=1)]
        return ["OR", *criteria, "UNSEEN"] if self._position.get("left") else criteria

    def _move(self, place: Position, start: int) -> None:
        place["next"] = max(start, place["next"])
        if place != self._position:
            self._position = {**place, "left": list(place["left"])}
            self._moved(self._position)

    def _store_left(self, place: Position) -> None:
        """Try once more what could not be fetched, one by one."""
        reply = ""
        for uid in list(place["left"]):
            place["left"].remove(uid)
            try:
                mails = self._fetch([uid])
            except NotGiven as refusal:
                # The next time it is tried after all others.
                place["left"].append(uid)
                self._move(place, place["next"])
                if refusal.is_line_gone:
                    raise
                reply = str(refusal)
                continue
            self._store([uid], mails)
            self._move(place, place["next"])
        if reply:
            self._refused(reply)

    def _sizes(self, uids: Sequence[int]) -> dict[int, int]:
        """Return uid → octets, in the order of uids."""
        found = self._ask(uids, b"RFC822.SIZE")
        return {uid: int(found[uid].get(b"RFC822.SIZE", 0)) for uid in sorted(found)}

    def _fetch(self, uids: Sequence[int]) -> list[Mail]:
        found = self._ask(uids, b"BODY.PEEK[]")
        # Somebody may delete a message while it is fetched.
        return [Mail(uid, found[uid][BODY]) for uid in uids if found.get(uid, {}).get(BODY)]

    def _ask(self, uids: Sequence[int], item: bytes) -> dict[int, dict]:
        try:
            return self.client.fetch(uids, [item])
        except (OSError, imaplib.IMAP4.error) as error:
            raise NotGiven(error) from error

    def _store(self, uids: Sequence[int], mails: Sequence[Mail]) -> None:
        self._keep(mails)
        try:
            self.client.add_flags(uids, [SEEN], silent=True)
        except IMAPClientError:
            # The flag is for people; the position says what was read.
            _logger.info("Could not mark messages as seen.", exc_info=True)

    def disconnect(self) -> None:
        """End the session, unless somebody waits in it for new mail."""
        if not (self._is_read and self._stay and self._stay(self.client)):
            self._connection.disconnect()


class PopMailbox(Mailbox):
    """An inbox over POP: a message is deleted as soon as it is stored.

    The server deletes when the session ends in order. If it does not, or refuses to, the message is
    there again the next time, and is known by its uid (UIDL) or else by ``keep``.

    :param position: what is known of the mailbox, None the first time
    """

    def __init__(
        self,
        connection: poplib.POP3,
        position: Position | None,
        keep: Keep,
        moved: Moved,
        refused: Refused,
    ) -> None:
        self._connection = connection
        self._position: Position = position or {}
        self._keep = keep
        self._moved = moved
        self._refused = refused
        self._reply = ""
        self._kept: set[int] = set()
        self._open = True

    def store_new(self) -> None:
        _answer, listing, _octets = self._connection.list()
        sizes = dict(tuple(map(int, line.split()[:2])) for line in listing)
        uids = self._uids()
        there = set(uids.values())
        stored = dict.fromkeys(u for u in self._position.get("stored", ()) if u in there)
        left = [uid for uid in self._position.get("left", ()) if uid in there]
        place: Position = {"stored": list(stored), "left": left}
        last = {uid: number for number, uid in enumerate(left, 1)}
        fresh = sorted(
            (number for number in sizes if uids.get(number) not in stored),
            key=lambda number: last.get(uids.get(number), 0),
        )
        self._delete(number for number in sizes if uids.get(number) in stored)
        for batch in batches({number: sizes[number] for number in fresh}):
            self._take(batch, uids, place)
        self._end(uids, place)

    def _uids(self) -> dict[int, str]:
        """Return number → uid, empty if the server gives none."""
        try:
            _answer, listing, _octets = self._connection.uidl()
        except poplib.error_proto:
            return {}
        pairs = (line.decode("utf-8", "replace").split(None, 1) for line in listing)
        return {int(number): uid for number, uid in pairs}

    def _take(self, batch: Sequence[int], uids: dict[int, str], place: Position) -> None:
        """Store a batch and have it deleted. Where the line breaks, what came before is stored."""
        mails, lost = [], None
        for number in batch:
            uid = uids.get(number)
            if uid in place["left"]:
                place["left"].remove(uid)
            try:
                lines = self._connection.retr(number)[1]
            except (OSError, poplib.error_proto) as error:
                refusal = NotGiven(error)
                if uid:
                    place["left"].append(uid)
                if refusal.is_line_gone:
                    lost = refusal
                    break
                self._reply = str(refusal)
                continue
            mails.append(Mail(number, b"\r\n".join(lines) + b"\r\n"))
        self._keep(mails)
        place["stored"] += [uids[mail.uid] for mail in mails if mail.uid in uids]
        self._move(place)
        if lost:
            raise lost
        self._delete(mail.uid for mail in mails)

    def _delete(self, numbers: Iterable[int]) -> None:
        for number in numbers:
            try:
                self._connection.dele(number)
            except poplib.error_proto as error:
                refusal = NotGiven(error)
                if refusal.is_line_gone:
                    raise refusal from error
                self._kept.add(number)
                self._reply = str(refusal)

    def _end(self, uids: dict[int, str], place: Position) -> None:
        """End the session, which is when the server deletes."""
        self._open = False
        try:
            self._connection.quit()
            # Some servers give the uid of a deleted message to another one.
            place["stored"] = [uids[number] for number in sorted(self._kept) if number in uids]
        except poplib.error_proto as error:
            self._reply = str(NotGiven(error))
        self._move(place)
        if self._reply:
            self._refused(self._reply)

    def _move(self, place: Position) -> None:
        if place != self._position:
            self._position = {name: list(uids) for name, uids in place.items()}
            self._moved(self._position)

    def disconnect(self) -> None:
        """End a session that broke off; what is marked by then is stored."""
        if not self._open:
            return
        self._open = False
        try:
            self._connection.quit()
        except (OSError, poplib.error_proto):
            self._connection.close()


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
