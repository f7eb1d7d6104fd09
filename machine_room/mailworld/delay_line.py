"""A line to a server that is far away: every octet arrives half a round trip later.

Unlike a pause before each answer, it lets many commands travel at a time, as a real line does::

    with DelayLine("127.0.0.1", dovecot.port, 0.02) as line:
        …  # connect to line.port
"""

from __future__ import annotations

import asyncio
import threading

HOST = "127.0.0.1"
CHUNK = 256 * 1024


class DelayLine:
    """Pass connections on to a server.

    :param float round_trip: seconds; half of it in each direction
    """

    def __init__(self, host: str, port: int, round_trip: float):
        self.host = HOST
        self.port = 0
        self._target = (host, port)
        self._delay = round_trip / 2
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)

    def __enter__(self) -> DelayLine:
        self._thread.start()
        starting = asyncio.start_server(self._connected, self.host, 0)
        self._server = asyncio.run_coroutine_threadsafe(starting, self._loop).result(10)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    def __exit__(self, *_error) -> None:
        asyncio.run_coroutine_threadsafe(self._hang_up(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    async def _hang_up(self) -> None:
        self._server.close()
        tasks = asyncio.all_tasks() - {asyncio.current_task()}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        far_reader, far_writer = await asyncio.open_connection(*self._target)
        try:
            await asyncio.gather(self._carry(reader, far_writer), self._carry(far_reader, writer))
        except asyncio.CancelledError:
            # We hang up on somebody: asyncio would print where.
            pass
        finally:
            writer.close()
            far_writer.close()

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Read at once and write later, in order; an empty chunk is the end."""
        under_way: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue()
        deliver = asyncio.create_task(self._deliver(under_way, writer))
        try:
            chunk = b"start"
            while chunk:
                try:
                    chunk = await reader.read(CHUNK)
                except ConnectionError:
                    chunk = b""
                under_way.put_nowait((self._loop.time() + self._delay, chunk))
            await deliver
        finally:
            deliver.cancel()

    async def _deliver(
        self, under_way: asyncio.Queue[tuple[float, bytes]], writer: asyncio.StreamWriter
    ) -> None:
        while True:
            due, chunk = await under_way.get()
            # asyncio's clock is coarse: it may wake us up to a millisecond late, never early.
            await asyncio.sleep(max(0.0, due - self._loop.time()))
            if not chunk:
                writer.close()
                return
            try:
                writer.write(chunk)
                await writer.drain()
            except ConnectionError:
                return
