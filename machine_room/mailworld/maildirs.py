"""The mailboxes that the relay fills and Dovecot serves: one Maildir for each owner."""

from __future__ import annotations

import itertools
import mailbox
import os
import threading
import time
from collections.abc import Mapping
from email.message import EmailMessage
from email.parser import BytesParser
from email.policy import default
from fnmatch import fnmatchcase
from pathlib import Path

from .home import keeper


class Maildirs:
    """Mailboxes in a folder.

    :param dict owners: address or pattern → name of the mailbox, or None to throw the mail away. An
        exact address goes first, then patterns in their order; any other address owns a mailbox
        of its own name. E.g. ``{"alice@company.example": "alice", "*@company.example": "odoo"}``
    """

    def __init__(self, folder: Path, owners: Mapping[str, str | None] | None = None):
        self.folder = folder
        self.owners = {pattern.lower(): name for pattern, name in (owners or {}).items()}
        self._numbers = itertools.count(1)
        self._lock = threading.Lock()
        folder.mkdir(parents=True, exist_ok=True)
        keeper().give(folder)

    def owner(self, address: str) -> str | None:
        """Return the name of the mailbox that gets an address's mail."""
        address = address.lower()
        if address in self.owners:
            return self.owners[address]
        for pattern, name in self.owners.items():
            if fnmatchcase(address, pattern):
                return name
        return address

    def path(self, name: str) -> Path:
        """Return the folder of a mailbox, making it if it is not there."""
        if "/" in name or name.startswith("."):
            raise ValueError(f"{name!r} cannot be the name of a mailbox.")
        path = self.folder / name
        with self._lock:
            if not path.exists():
                mailbox.Maildir(path, create=True).close()
                for folder in (path, *path.iterdir()):
                    keeper().give(folder)
        return path

    def file(self, name: str, message: bytes) -> None:
        """Put a message into a mailbox.

        ``mailbox.Maildir.add`` would show it before it belongs to the keeper, and would wait for
        the disk each time.
        """
        path = self.path(name)
        unique = f"{time.time_ns()}.{os.getpid()}_{next(self._numbers)}.mailworld"
        scratch = path / "tmp" / unique
        scratch.write_bytes(message.replace(b"\r\n", b"\n"))
        keeper().give(scratch)
        scratch.rename(path / "new" / unique)

    def messages(self, name: str) -> list[EmailMessage]:
        """Return what is in a mailbox, oldest first, without going through a server."""
        box = mailbox.Maildir(self.path(name), factory=BytesParser(policy=default).parse)
        return [box[key] for key in sorted(box.keys())]

    def empty(self, name: str) -> None:
        """Throw away what is in a mailbox."""
        for folder in ("new", "cur"):
            for file in (self.path(name) / folder).iterdir():
                file.unlink()
