"""A lean SMTP server in a process of its own that takes everything: what a benchmark sends to.

The relay of the mail world judges and files each message, and would be what is measured. Here a
round trip can be put on the line: bytes are held back for half of it each way, so that pipelined
commands share it, as on a real line.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import socket
import subprocess
import sys
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass

from machine_room import paths


@dataclass(frozen=True)
class Sink:
    """A running sink: where it listens, and how many messages it has taken."""

    host: str
    port: int
    process: subprocess.Popen

    def taken(self) -> int:
        with socket.create_connection((self.host, self.port), timeout=30) as line:
            line.sendall(b"COUNT\r\n")
            with line.makefile() as answers:
                answers.readline()
                return int(answers.readline().split()[1])


@contextlib.contextmanager
def sink(round_trip: float = 0) -> Iterator[Sink]:
    """Run a sink.

    :param float round_trip: seconds
    """
    process = subprocess.Popen(
        [sys.executable, "-m", "bench.sink", "--round-trip", str(round_trip)],
        stdout=subprocess.PIPE,
        text=True,
        cwd=paths.ROOT,
    )
    try:
        yield Sink("127.0.0.1", int(process.stdout.readline()), process)
    finally:
        process.terminate()
        process.wait(10)
        process.stdout.close()


class Line(asyncio.Protocol):
    """One connection."""

    taken = 0

    def __init__(self, round_trip: float):
        self.half = round_trip / 2
        self.loop = asyncio.get_running_loop()
        self.buffer = b""
        self.in_body = False
        self.arriving: deque[bytes] = deque()
        self.leaving: deque[bytes] = deque()

    def connection_made(self, transport) -> None:
        self.transport = transport
        self._answer(b"220 sink.example ESMTP\r\n")

    def data_received(self, data: bytes) -> None:
        if self.half:
            self.arriving.append(data)
            self.loop.call_later(self.half, lambda: self._read(self.arriving.popleft()))
        else:
            self._read(data)

    def _answer(self, data: bytes) -> None:
        if self.half:
            self.leaving.append(data)
            self.loop.call_later(self.half, lambda: self._write(self.leaving.popleft()))
        else:
            self._write(data)

    def _write(self, data: bytes) -> None:
        if not self.transport.is_closing():
            self.transport.write(data)

    def _read(self, data: bytes) -> None:
        self.buffer += data
        answers = []
        while True:
            end = b"\r\n.\r\n" if self.in_body else b"\r\n"
            line, found, rest = self.buffer.partition(end)
            if not found:
                break
            self.buffer = rest
            if self.in_body:
                self.in_body = False
                type(self).taken += 1
                answers.append(b"250 2.0.0 Ok\r\n")
            else:
                answers.append(self._command(line))
        if answers:
            self._answer(b"".join(answers))

    def _command(self, line: bytes) -> bytes:
        verb = line[:4].upper()
        if verb == b"EHLO":
            return b"250-sink.example\r\n250-PIPELINING\r\n250-8BITMIME\r\n250 SIZE 50000000\r\n"
        if verb == b"DATA":
            self.in_body = True
            return b"354 Go on\r\n"
        if verb == b"QUIT":
            self.loop.call_later(self.half + 0.01, self.transport.close)
            return b"221 2.0.0 Bye\r\n"
        if verb == b"COUN":
            return b"250 %d\r\n" % self.taken
        return b"250 2.0.0 Ok\r\n"


async def _serve(round_trip: float) -> None:
    # asyncio turns Nagle's algorithm off only where the protocol is named.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.bind(("127.0.0.1", 0))
    listener.listen(256)
    server = await asyncio.get_running_loop().create_server(lambda: Line(round_trip), sock=listener)
    print(listener.getsockname()[1], flush=True)
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="bench.sink", description=__doc__)
    parser.add_argument("--round-trip", type=float, default=0)
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(_serve(parser.parse_args().round_trip))
