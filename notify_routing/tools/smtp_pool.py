"""Several SMTP sessions to one server, each in a thread, and a thread that keeps their answers.

The threads do SMTP and nothing else. What a server answered is written down before a session may
hand over another body, so that after a crash no more mails are in doubt than there are sessions.
"""

from __future__ import annotations

import logging
import smtplib
import threading
import time
from collections import deque
from collections.abc import Callable

from .reply_class import Reply
from .smtp_session import Letter, LineLost, SmtpSession

_logger = logging.getLogger(__name__)

#: How often a letter is given to another session when a line breaks under it.
TRIES = 2
#: Seconds to wait for more answers before some are written down: each time costs a commit.
GATHER = 0.004


class SmtpPool:
    """The sessions to one server.

    :param journal: writes down the answers of letters, in a thread of the pool; it is called again
        with the same ones if it fails
    :param in_flight: how many letters may be handed over and not yet written down
    """

    def __init__(self, journal: Callable[[list[Letter]], None], in_flight: int) -> None:
        self._journal = journal
        self._permits = threading.Semaphore(in_flight)
        self._enough = in_flight
        self._lock = threading.Lock()
        # A bell for each kind of thread: nobody wakes up for what others wait for.
        self._to_send = threading.Condition(self._lock)
        self._to_record = threading.Condition(self._lock)
        self._to_take = threading.Condition(self._lock)
        self._waiting: deque[Letter] = deque()
        self._answered: list[Letter] = []
        self._recorded: list[Letter] = []
        self._sessions: set[threading.Thread] = set()
        self._closing = self._drained = False
        #: Letters put and not yet taken back.
        self.pending = 0
        #: Why the last session broke down, if one did.
        self.trouble: Reply | None = None
        self._recorder = threading.Thread(target=self._record, name="smtp-journal", daemon=True)
        self._recorder.start()

    # ------------------------------------------------------------
    # FOR THE OWNER
    # ------------------------------------------------------------

    @property
    def sessions(self) -> int:
        """How many sessions are alive."""
        with self._lock:
            return len(self._sessions)

    @property
    def waiting(self) -> int:
        """How many letters no session has taken yet."""
        return len(self._waiting)

    def open(self, connection: smtplib.SMTP) -> None:
        """Start a session on a connection; it is the pool's from now on."""
        session = SmtpSession(connection, self._wait_for_permit)
        thread = threading.Thread(target=self._work, args=[session], name="smtp", daemon=True)
        with self._lock:
            self._sessions.add(thread)
        thread.start()

    def allow(self, more: int) -> None:
        """Let so many more letters be in flight."""
        self._permits.release(more)

    def put(self, letter: Letter) -> None:
        with self._lock:
            self._waiting.append(letter)
            self.pending += 1
            self._to_send.notify()

    def take(self, timeout: float = 0) -> list[Letter]:
        """Return letters whose answers are written down.

        :param timeout: seconds to wait for the first one
        """
        with self._lock:
            if timeout and not self._recorded:
                self._to_take.wait_for(lambda: self._recorded or not self._sessions, timeout)
            taken, self._recorded = self._recorded, []
            self.pending -= len(taken)
            return taken

    def take_back(self) -> list[Letter]:
        """Return the letters that no session has taken, and forget them."""
        with self._lock:
            taken = list(self._waiting)
            self._waiting.clear()
            self.pending -= len(taken)
            return taken

    def refuse(self, reply: Reply) -> None:
        """Give all letters that no session has taken the same answer."""
        with self._lock:
            refused = list(self._waiting)
            self._waiting.clear()
        for letter in refused:
            letter.settle(reply)
            self._done(letter)

    def close(self) -> list[Letter]:
        """End all sessions politely once they are done with what they hold.

        :return: the letters whose answers nobody has taken yet
        """
        self.take_back()
        with self._lock:
            self._closing = True
            self._to_send.notify_all()
            sessions = tuple(self._sessions)
        for thread in sessions:
            thread.join()
        with self._lock:
            self._drained = True
            self._to_record.notify_all()
        self._recorder.join()
        return self.take()

    # ------------------------------------------------------------
    # SESSIONS' THREADS
    # ------------------------------------------------------------

    def _work(self, session: SmtpSession) -> None:
        try:
            while letter := self._next():
                session.send(letter, self._next_now, self._done)
            session.quit()
        except LineLost as loss:
            session.connection.close()
            self._lose(loss)
        except Exception as error:
            _logger.exception("SMTP session ended")
            session.connection.close()
            self._lose(LineLost(Reply("server", text=str(error)), [letter]))
        finally:
            with self._lock:
                self._sessions.discard(threading.current_thread())
                self._to_take.notify_all()

    def _next(self) -> Letter | None:
        """Wait for a letter; None says that there will be none."""
        with self._lock:
            self._to_send.wait_for(lambda: self._waiting or self._closing)
            return self._waiting.popleft() if self._waiting else None

    def _next_now(self) -> Letter | None:
        with self._lock:
            return self._waiting.popleft() if self._waiting else None

    def _wait_for_permit(self, letter: Letter) -> None:
        self._permits.acquire()

    def _done(self, letter: Letter) -> None:
        with self._lock:
            self._answered.append(letter)
            # In between, the recorder only waits for more.
            if len(self._answered) in (1, self._enough):
                self._to_record.notify()

    def _lose(self, loss: LineLost) -> None:
        """Give letters that the server cannot have to another session, or give up on them."""
        self.trouble = loss.reply
        for letter in reversed(loss.unsent):
            letter.lost += 1
            letter.replies.clear()
            if letter.lost < TRIES and not self._closing:
                with self._lock:
                    self._waiting.appendleft(letter)
                    self._to_send.notify()
            else:
                letter.settle(Reply("later", loss.reply.code, loss.reply.enhanced, loss.reply.text))
                self._done(letter)

    # ------------------------------------------------------------
    # JOURNAL'S THREAD
    # ------------------------------------------------------------

    def _record(self) -> None:
        while True:
            with self._lock:
                self._to_record.wait_for(lambda: self._answered or self._drained)
                self._to_record.wait_for(self._has_enough, GATHER)
                batch, self._answered = self._answered, []
                if not batch:
                    return
            self._write_down(batch)
            for letter in batch:
                if letter.handed_over:
                    self._permits.release()
            with self._lock:
                self._recorded.extend(batch)
                self._to_take.notify_all()

    def _has_enough(self) -> bool:
        return len(self._answered) >= self._enough or self._drained

    def _write_down(self, batch: list[Letter]) -> None:
        """Write answers down, however long the database is away: half a minute at most."""
        for attempt in range(30):
            try:
                self._journal(batch)
                return
            except Exception:
                _logger.warning(
                    "The answers of %s mails wait for the database",
                    len(batch),
                    exc_info=attempt == 29,
                )
                time.sleep(1)
