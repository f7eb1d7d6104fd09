"""The sessions to one server, as many as its mail needs."""

from __future__ import annotations

import logging
import smtplib
import time
from collections.abc import Callable

from ...tools import reply_class
from ...tools.reply_class import Reply
from ...tools.smtp_pool import SmtpPool
from ...tools.smtp_session import Letter
from .journal import Journal

_logger = logging.getLogger(__name__)

#: Seconds of a round trip from which on a line is slow.
SLOW = 0.015
#: So many letters may wait for a session before no more mails are taken from the queue.
AHEAD = 100


class Line:
    """Sessions that Odoo opens, one after the other while letters wait.

    :param connect: opens a connection, in the caller's thread; raises what Odoo raises
    :param int most: how many sessions the server may have
    :param journal: keeps the servers' answers
    """

    def __init__(
        self,
        connect: Callable[[], smtplib.SMTP],
        most: int,
        journal: Journal,
    ) -> None:
        self._connect = connect
        self.most = max(most, 1)
        self.pool = SmtpPool(journal.keep, self.most)
        self._journal = journal
        #: What a session offers: from_filter and extensions.
        self.offers: tuple[str | None, dict[str, str]] = (None, {})
        self._measured = False
        #: Why no session can be had, if so.
        self.trouble: Reply | None = None

    def open(self) -> Reply | None:
        """Open a session.

        :return: why there is none
        """
        try:
            connection = self._connect()
            self._measure(connection)
            self.pool.open(connection)
        except Exception as error:  # noqa: BLE001 - Odoo and addons raise what they like
            _logger.warning("No session with the mail server: %s", error)
            self.trouble = reply_class.of_connection(error)
            if self.pool.sessions:
                self.most = self.pool.sessions
            return self.trouble
        self.trouble = None
        self.offers = getattr(connection, "from_filter", None), dict(connection.esmtp_features)
        return None

    def _measure(self, connection: smtplib.SMTP) -> None:
        """Allow twice as many sessions on a slow line: most of the time they only wait."""
        if self._measured:
            return
        self._measured = True
        started = time.monotonic()
        connection.noop()
        if time.monotonic() - started > SLOW:
            self.pool.allow(self.most)
            self.most *= 2

    def keep_up(self) -> None:
        """Open one more session if letters wait, and give up on them if there can be none.

        To open one holds up the making of mails: most are for when that waits anyhow.
        """
        sessions = self.pool.sessions
        enough = 0 if not sessions else 2 if sessions < self.most / 4 else AHEAD
        if self.pool.waiting > enough and sessions < self.most:
            trouble = self.open()
            if trouble and not sessions:
                self.pool.refuse(Reply("later", trouble.code, trouble.enhanced, trouble.text))

    def close(self) -> list[Letter]:
        """End all sessions, see :meth:`SmtpPool.close`."""
        try:
            return self.pool.close()
        finally:
            self._journal.close()
