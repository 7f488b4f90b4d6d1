"""Thousands of viewers that cost little: raw protocols that look for nothing but how many watch.

Each comes back a moment after its stream has ended, as an EventSource does.
"""

from __future__ import annotations

import asyncio
import random
import re
from collections import Counter
from collections.abc import Mapping
from typing import cast

from tests.raw_http import Address, head
from tests.support import eventually

_TOLD = re.compile(rb'event: viewers\ndata: \{"now":(\d+),"peak":(\d+)\}')
_HELLO = b"event: hello"
_KEPT = 100  # bytes in which a frame that is cut may begin
_AT_ONCE = 50
_RETRY_S = (1.0, 3.0)


class _Fan(asyncio.Protocol):
    """One viewer, over all its streams. told: now and peak, as the screen shows them."""

    __slots__ = ("_crowd", "_rest", "_transport", "open", "told", "video_id")

    def __init__(self, crowd: Crowd, video_id: str) -> None:
        self._crowd, self.video_id = crowd, video_id
        self._rest = b""
        self._transport: asyncio.Transport | None = None
        self.open = False
        self.told: tuple[int, int] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._transport.write(head("GET", f"/v1/videos/{self.video_id}/stream?replay=0"))

    def data_received(self, data: bytes) -> None:
        data = self._rest + data
        self.open = self.open or _HELLO in data
        for now, peak in _TOLD.findall(data)[-1:]:
            self.told = (int(now), int(peak))
            self._crowd.note(self.video_id, *self.told)
        self._rest = data[-_KEPT:]

    def connection_lost(self, exc: Exception | None) -> None:
        self.open, self._transport, self._rest = False, None, b""
        self._crowd.lost(self)

    def close(self) -> None:
        if self._transport is not None:
            self._transport.abort()


class Crowd:
    """`join` before anything else, `leave` at the end. highest: by video, of all that was told."""

    def __init__(self, address: Address) -> None:
        self._address = address
        self._fans: list[_Fan] = []
        self._returns: set[asyncio.Task[None]] = set()
        self._leaving = False
        self.lowest = 1
        self.highest: Counter[str] = Counter()

    async def join(self, video_id: str, count: int) -> None:
        """So many more viewers."""
        for number in range(count):
            fan = _Fan(self, video_id)
            self._fans.append(fan)
            self.lost(fan)
            if number % _AT_ONCE == _AT_ONCE - 1:
                await asyncio.sleep(0.01)

    async def wait_whole(self, timeout_s: float = 60) -> None:
        """Until everybody has a stream."""
        await eventually(lambda: self.whole, timeout_s)

    @property
    def whole(self) -> bool:
        """Whether everybody has a stream."""
        return all(fan.open for fan in self._fans)

    async def leave(self) -> None:
        """All of them."""
        self._leaving = True
        for task in self._returns:
            task.cancel()
        await asyncio.gather(*self._returns, return_exceptions=True)
        for fan in self._fans:
            fan.close()

    def shows(self, video_id: str, now: int) -> bool:
        """Whether all screens of a video show so many, as exactly as they have to."""
        may_miss = now * 0.01 if now > 100 else 0.0
        mine = (fan.told for fan in self._fans if fan.video_id == video_id)
        return all(told is not None and abs(told[0] - now) <= may_miss + 1e-9 for told in mine)

    def above(self, counts: Mapping[str, int]) -> bool:
        """Whether some screen shows more than so many now, as exactly as it has to."""
        return any(
            fan.told is not None and fan.told[0] > counts[fan.video_id] * 1.01
            for fan in self._fans
            if fan.open
        )

    def note(self, video_id: str, now: int, peak: int) -> None:
        """A screen was told."""
        self.lowest = min(self.lowest, now, peak - now + 1)
        self.highest[video_id] = max(self.highest[video_id], now)

    def lost(self, fan: _Fan) -> None:
        """It has no stream, and will get one."""
        if not self._leaving:
            task = asyncio.get_running_loop().create_task(self._connect(fan))
            self._returns.add(task)
            task.add_done_callback(self._returns.discard)

    async def _connect(self, fan: _Fan) -> None:
        loop = asyncio.get_running_loop()
        if fan.told is not None:
            await asyncio.sleep(random.uniform(*_RETRY_S))
        while True:
            try:
                await loop.create_connection(lambda: fan, *self._address)
            except OSError:
                await asyncio.sleep(random.uniform(*_RETRY_S))
            else:
                return
