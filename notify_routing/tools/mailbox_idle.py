"""Wait in a mailbox for new mail (IMAP IDLE, RFC 2177), in a thread that has no database."""

from __future__ import annotations

import contextlib
import imaplib
import logging
import socket
import threading
import time
from collections.abc import Callable, Hashable

from imapclient import IMAPClient
from imapclient.exceptions import IMAPClientError

_logger = logging.getLogger(__name__)

#: Seconds that a waiter stays; then the mailbox is fetched anew, which starts the next one.
LONGEST = 9 * 60
#: Seconds between two signs of life, which a firewall or a dead server would else be noticed by.
SLICE = 30

_waiters: dict[Hashable, Waiter] = {}
_lock = threading.Lock()


class Waiter(threading.Thread):
    """Waits in one mailbox, once.

    :param key: what no two waiters of this process share
    :param client: a session in which a folder is selected; it is ended here
    :param arrived: called when there is new mail, or the time is up; not if the line breaks: then
        the mailbox is fetched by schedule
    """

    def __init__(self, key: Hashable, client: IMAPClient, arrived: Callable[[], None]) -> None:
        super().__init__(name=f"notify_routing.idle.{key}", daemon=True)
        self._key = key
        self._client = client
        self._arrived = arrived

    def run(self) -> None:
        is_due = False
        try:
            is_due = self._wait()
        except (OSError, imaplib.IMAP4.error) as error:
            _logger.info("Mailbox %s is not waited in any longer: %s", self._key, error)
        with contextlib.suppress(OSError, imaplib.IMAP4.error):
            self._client.logout() if is_due else self._client.shutdown()
        with _lock:
            _waiters.pop(self._key, None)
        if is_due:
            try:
                self._arrived()
            except Exception:
                _logger.warning("Could not have mailbox %s fetched", self._key, exc_info=True)

    def _wait(self) -> bool:
        deadline = time.monotonic() + LONGEST
        # Mail that came while others were fetched was announced with them.
        has_news = len(self._client._imap.untagged_responses.get("EXISTS", ())) > 1
        while not has_news and (left := deadline - time.monotonic()) > 0:
            # Some servers announce while one waits only what comes from then on.
            said = self._client.noop()[1]
            if not _has_news(said):
                try:
                    self._client.idle()
                except IMAPClientError as error:
                    # It came in this very moment; imapclient takes it for a refusal.
                    if "EXISTS" in str(error):
                        return True
                    raise
                said += self._client.idle_check(timeout=min(SLICE, left))
                said += self._client.idle_done()[1]
            has_news = _has_news(said)
        return True

    def stop(self) -> None:
        """End at once, and call nobody."""
        with contextlib.suppress(OSError):
            self._client.socket().shutdown(socket.SHUT_RDWR)
        self.join(10)


def _has_news(said: list) -> bool:
    return any(b"EXISTS" in words for words in said)


def wait(key: Hashable, client: IMAPClient, arrived: Callable[[], None]) -> bool:
    """Start a :class:`Waiter`; return whether it took the session over.

    It does not where the server does not offer it, or one waits already.
    """
    with _lock:
        if key in _waiters or not client.has_capability("IDLE"):
            return False
        waiter = Waiter(key, client, arrived)
        # It can end only when this lock is free.
        waiter.start()
        _waiters[key] = waiter
    return True


def waiting(key: Hashable) -> Waiter | None:
    """Return who waits, if anybody does."""
    return _waiters.get(key)
