"""Faults of the hops between parts; see faults.py for the law."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

from tests.chaos.faults import Fault
from tests.tcp_proxy import BOTH, Bend, Direction, TcpProxy


@dataclass(slots=True)
class LinkFault(Fault):
    """Something about hops; `targets` are patterns of hops."""

    async def heal(self) -> None:
        """See Fault."""
        await self._each(TcpProxy.heal)

    async def _each(self, act: Callable[[TcpProxy], object]) -> None:
        links = self.under_test.links
        assert links is not None, "this cluster has no proxies"
        await links.act(links.find(*self.targets), act)


@dataclass(slots=True)
class Cut(LinkFault):
    """Connections are reset and refused."""

    async def inject(self) -> None:
        """See Fault."""
        await self._each(TcpProxy.cut)


@dataclass(slots=True)
class Hold(LinkFault):
    """Nothing passes, and nobody is told: packets are dropped, both ways or one way."""

    directions: frozenset[Direction] = BOTH

    async def inject(self) -> None:
        """See Fault."""
        await self._each(lambda proxy: proxy.blackhole(self.directions))


@dataclass(slots=True)
class Bent(LinkFault):
    """Slow, narrow or sliced links."""

    shape: Bend = field(default_factory=lambda: Bend(latency_s=0.075, jitter_s=0.05))

    async def inject(self) -> None:
        """See Fault."""
        await self._each(lambda proxy: proxy.bend(self.shape))


@dataclass(slots=True)
class Flaky(LinkFault):
    """Connections are reset, or one reply is lost, again and again."""

    every_s: float = 0.5
    loses_replies: bool = False
    _task: asyncio.Task[None] | None = None

    async def inject(self) -> None:
        """See Fault."""
        self._task = asyncio.create_task(self._again_and_again())

    async def heal(self) -> None:
        """See Fault."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        await LinkFault.heal(self)

    async def _again_and_again(self) -> None:
        while True:
            await self._each(TcpProxy.lose_reply if self.loses_replies else TcpProxy.reset)
            await asyncio.sleep(self.every_s)


@dataclass(slots=True)
class Outages(LinkFault):
    """Held for `away_s`, open for `back_s`, and so on; over when the last of `times` has ended."""

    times: int = 5
    away_s: float = 8.0
    back_s: float = 4.0

    async def inject(self) -> None:
        """See Fault."""
        for number in range(self.times):
            await asyncio.sleep(self.back_s if number else 0.0)
            await self._each(TcpProxy.blackhole)
            await asyncio.sleep(self.away_s)
            await self._each(TcpProxy.heal)
