"""A TCP proxy in front of something, that tests can cut, hold, slow down, slice and make forget.

Invariants: what passes is never reordered and never changed; it may come late, in pieces, or not at
all. A `hold` is a network that drops packets: TCP keeps the bytes and delivers them after `heal`. A
lost reply ends its connection, as only a broken connection makes a client doubt.
"""

from __future__ import annotations

import asyncio
import random
from dataclasses import dataclass
from enum import Enum

_CHUNK_BYTES = 65536
_MAX_QUEUED = 4  # chunks on their way in one direction; beyond that the sender has to wait


class Direction(Enum):
    """Which way bytes go."""

    TO_SERVER = "to server"
    TO_CLIENT = "to client"


BOTH = frozenset(Direction)


@dataclass(frozen=True, slots=True)
class Bend:
    """How a link behaves: a delay of `latency_s` plus or minus `jitter_s`, at most `bytes_per_s`
    (0: no limit), in writes of at most `slice_bytes` (0: as they come).
    """

    latency_s: float = 0.0
    jitter_s: float = 0.0
    bytes_per_s: float = 0.0
    slice_bytes: int = 0


STRAIGHT = Bend()


class TcpProxy:
    """`async with TcpProxy(port) as proxy`: connect to `proxy.port`. Its faults last until `heal`.

    `turns` counts requests: bytes to the server after bytes to the client, on any connection. (On a
    TLS connection the handshake is the first turn of that connection.) held_bytes: what has come
    from the server and not gone on to clients yet.
    """

    def __init__(self, target_port: int, host: str = "127.0.0.1") -> None:
        self._host, self._target_port = host, target_port
        self._open = {direction: asyncio.Event() for direction in Direction}
        for event in self._open.values():
            event.set()
        self._refusing = False
        self._bend = STRAIGHT
        self._lose_reply_of = 0
        self._limit_bytes: int | None = None
        self._links: dict[_Link, asyncio.Task[None]] = {}
        self._dice = random.Random(0)
        self.accepted = self.turns = self.lost_replies = self.held_bytes = 0
        self.port = 0

    @property
    def address(self) -> str:
        return f"{self._host}:{self.port}"

    @property
    def connections(self) -> int:
        """How many pass through it now."""
        return len(self._links)

    async def __aenter__(self) -> TcpProxy:
        self._server = await asyncio.start_server(self._serve, self._host, 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        self.reset()  # a task that is cancelled before its first step would close nothing
        tasks = list(self._links.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def cut(self) -> None:
        """Close every connection, and every new one at once."""
        self._refusing = True
        self.reset()

    def reset(self) -> None:
        """Close every connection with a reset; new ones are welcome."""
        for link in list(self._links):
            link.abort()

    def blackhole(self, directions: frozenset[Direction] = BOTH) -> None:
        """Keep the connections and take new ones, but let nothing pass in these directions."""
        for direction in directions:
            self._open[direction].clear()

    def bend(self, bend: Bend) -> None:
        """From now on bytes pass like this."""
        self._bend = bend

    def lose_reply(self, turn: int = 1) -> None:
        """The reply to the `turn`-th request from now on is swallowed; its connection ends."""
        self._lose_reply_of = self.turns + turn

    def limit(self, to_client_bytes: int) -> None:
        """After so many bytes to clients reset the connection, in the middle of whatever it is."""
        self._limit_bytes = to_client_bytes

    def heal(self) -> None:
        """Everything passes again, at once."""
        self._refusing = False
        self._bend = STRAIGHT
        self._lose_reply_of = 0
        self._limit_bytes = None
        for event in self._open.values():
            event.set()

    def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if not self._server.is_serving():  # it was accepted while we closed
            writer.transport.abort()
            return
        self.accepted += 1
        link = _Link(self, reader, writer)
        task = asyncio.create_task(link.run(self._host, self._target_port))
        self._links[link] = task
        task.add_done_callback(lambda _: self._links.pop(link))

    # For the links

    @property
    def refusing(self) -> bool:
        return self._refusing

    def is_straight(self, direction: Direction) -> bool:
        """Whether bytes pass at once."""
        return self._bend is STRAIGHT and self._open[direction].is_set()

    async def wait_open(self, direction: Direction) -> None:
        await self._open[direction].wait()

    def pieces(self, data: bytes) -> list[bytes]:
        size = self._bend.slice_bytes or len(data)
        return [data[at : at + size] for at in range(0, len(data), size)]

    def delay_s(self) -> float:
        bend = self._bend
        return max(bend.latency_s + self._dice.uniform(-1, 1) * bend.jitter_s, 0.0)

    def pause_s(self, data: bytes) -> float:
        return len(data) / self._bend.bytes_per_s if self._bend.bytes_per_s else 0.0

    def begin_turn(self) -> bool:
        """Count a request; whether its reply is to be lost."""
        self.turns += 1
        return self.turns == self._lose_reply_of

    def may_pass(self, data: bytes) -> bytes:
        """What of this may still go to a client."""
        if self._limit_bytes is None:
            return data
        data = data[: self._limit_bytes]
        self._limit_bytes -= len(data)
        return data


class _Link:
    """One connection through a proxy."""

    def __init__(
        self, proxy: TcpProxy, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self._proxy, self._reader, self._writer = proxy, reader, writer
        self._far_writer: asyncio.StreamWriter | None = None
        self._queued = dict.fromkeys(Direction, 0)
        self._client_spoke_last = False
        self._loses_reply = False

    async def run(self, host: str, port: int) -> None:
        try:
            if self._proxy.refusing:
                return
            await self._proxy.wait_open(Direction.TO_SERVER)
            far_reader, self._far_writer = await asyncio.open_connection(host, port)
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._pump(Direction.TO_SERVER, self._reader, self._far_writer))
                tasks.create_task(self._pump(Direction.TO_CLIENT, far_reader, self._writer))
        except* (OSError, _Ended):
            pass
        finally:
            self.abort()

    def abort(self) -> None:
        """Reset both sides."""
        for writer in (self._writer, self._far_writer):
            if writer is not None:
                writer.transport.abort()

    async def _pump(
        self, direction: Direction, source: asyncio.StreamReader, sink: asyncio.StreamWriter
    ) -> None:
        """Read at once, emit when due, so that a delay does not become a bandwidth. A straight link
        has no queue: it costs little.
        """
        queue: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue(_MAX_QUEUED)
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._emit(direction, queue, sink))
            clock, due = asyncio.get_running_loop().time, 0.0
            while data := await source.read(_CHUNK_BYTES):
                self._note_turn(direction)
                if not self._queued[direction] and self._proxy.is_straight(direction):
                    await self._pass_on(direction, data, sink)
                    continue
                due = max(due, clock() + self._proxy.delay_s())
                self._queued[direction] += 1
                if direction is Direction.TO_CLIENT:
                    self._proxy.held_bytes += len(data)
                await queue.put((due, data))
            await queue.put((due, b""))

    async def _emit(
        self,
        direction: Direction,
        queue: asyncio.Queue[tuple[float, bytes]],
        sink: asyncio.StreamWriter,
    ) -> None:
        clock = asyncio.get_running_loop().time
        while True:
            due, data = await queue.get()
            if due > clock():
                await asyncio.sleep(due - clock())
            await self._proxy.wait_open(direction)
            if direction is Direction.TO_CLIENT:
                self._proxy.held_bytes -= len(data)
            if not data:
                raise _Ended
            await self._pass_on(direction, data, sink)
            self._queued[direction] -= 1

    async def _pass_on(self, direction: Direction, data: bytes, sink: asyncio.StreamWriter) -> None:
        if direction is Direction.TO_CLIENT:
            data = self._kept(data)
        for piece in self._proxy.pieces(data):
            if sink.is_closing():  # aborted meanwhile; uvloop would raise RuntimeError
                raise _Ended
            sink.write(piece)
            await sink.drain()
            if wait_s := self._proxy.pause_s(piece):
                await asyncio.sleep(wait_s)

    def _note_turn(self, direction: Direction) -> None:
        if direction is Direction.TO_SERVER and not self._client_spoke_last:
            self._loses_reply = self._proxy.begin_turn()
        self._client_spoke_last = direction is Direction.TO_SERVER

    def _kept(self, data: bytes) -> bytes:
        """What of a reply goes on; raises _Ended where it is lost or broken off."""
        if self._loses_reply:
            self._proxy.lost_replies += 1
            raise _Ended
        kept = self._proxy.may_pass(data)
        if len(kept) < len(data):
            self._writer.write(kept)
            raise _Ended
        return kept


class _Ended(Exception):
    """One side has closed, or the link is broken: both sides end."""
