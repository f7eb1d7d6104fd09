"""A line to a server that breaks, as lines do in the middle of an answer.

Who is cut off sees half of what the server said last, and then the end::

    with CutLine("127.0.0.1", dovecot.port) as line:
        line.cut_at(b"Subject: Poison")
        …  # connect to line.port
"""

from __future__ import annotations

import contextlib
import socket
import threading

HOST = "127.0.0.1"
CHUNK = 4096


class CutLine:
    """Pass connections on to a server until something makes them break.

    :ivar cuts: how often a connection broke
    """

    def __init__(self, host: str, port: int):
        self.host = HOST
        self.port = 0
        self.cuts = 0
        self._target = (host, port)
        self._words: bytes | None = None
        self._octets: int | None = None
        self._lock = threading.Lock()
        self._open: set[socket.socket] = set()

    def cut_at(self, words: bytes | None) -> None:
        """Break every connection on which the server says these words; None: none."""
        self._words = words

    def cut_after(self, octets: int) -> None:
        """Break the connections, once, when the server has said so many octets more."""
        self._octets = octets

    def __enter__(self) -> CutLine:
        self._server = socket.create_server((HOST, 0))
        self.port = self._server.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True).start()
        return self

    def __exit__(self, *_error) -> None:
        # A thread that waits in accept() would keep the port open.
        with contextlib.suppress(OSError):
            self._server.shutdown(socket.SHUT_RDWR)
        self._server.close()
        self._break()

    def _serve(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _address = self._server.accept()
                try:
                    server = socket.create_connection(self._target, timeout=60)
                except OSError:
                    client.close()
                    continue
                with self._lock:
                    self._open |= {client, server}
                for ends in ((client, server, False), (server, client, True)):
                    threading.Thread(target=self._carry, args=ends, daemon=True).start()

    def _carry(self, source: socket.socket, target: socket.socket, from_server: bool) -> None:
        before = b""
        with contextlib.suppress(OSError):
            while chunk := source.recv(CHUNK):
                if from_server and self._is_end(before + chunk, len(chunk)):
                    target.sendall(chunk[: len(chunk) // 2])
                    self.cuts += 1
                    break
                before = chunk[-100:]
                target.sendall(chunk)
        self._break(source, target)

    def _is_end(self, said: bytes, count: int) -> bool:
        with self._lock:
            if self._octets is not None:
                self._octets -= count
                if self._octets <= 0:
                    self._octets = None
                    return True
        return bool(self._words) and self._words in said

    def _break(self, *ends: socket.socket) -> None:
        with self._lock:
            gone = set(ends) & self._open if ends else set(self._open)
            self._open -= gone
        for end in gone:
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()
