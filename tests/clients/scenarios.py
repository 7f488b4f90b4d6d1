"""What happens while the clients watch. Every node has its turn, so that each client is hit."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from cluster.cluster import Cluster
from cluster.parts import Kind
from tests.clients.catalogue import Way
from tests.clients.judge import Finding, find
from tests.clients.posts import Posts
from tests.clients.programs import Program

QUIET_S = 12.0
_ALL_THERE_WITHIN_S = 60.0
_SETTLED_WITHIN_S = 30.0
_CALM = 20  # comments before the first fault
_AFTER = 30  # and after each
_AWAY_S = 5.0
_AWAY = 25  # comments in about that time


@dataclass(frozen=True, slots=True)
class Stage:
    """A cluster, the programs to run before it and their variables."""

    cluster: Cluster
    ways: Sequence[Way]
    environ: dict[str, str]
    logs: Path

    @property
    def nodes(self) -> list[str]:
        return [part.name for part in self.cluster.parts if part.kind is Kind.NODE]


async def killed(stage: Stage, posts: Posts) -> float:
    fault_at = time.time()
    for name in stage.nodes:
        await stage.cluster.kill(name)
        await posts.more(_AFTER)
        await stage.cluster.start(name)
    return fault_at


async def drained(stage: Stage, posts: Posts) -> float:
    fault_at = time.time()
    for name in stage.nodes:
        await stage.cluster.drain(name)
        await posts.more(_AFTER)
        await stage.cluster.start(name)
    return fault_at


async def nodes_away(stage: Stage, posts: Posts) -> float:
    """The gateway alone answers streams."""
    fault_at = time.time()
    await asyncio.gather(*(stage.cluster.kill(name) for name in stage.nodes))
    await posts.more(_AWAY)
    await asyncio.gather(*(stage.cluster.start(name) for name in stage.nodes))
    await posts.more(_AFTER)
    return fault_at


async def gateway_away(stage: Stage, posts: Posts) -> float:
    """Connections are refused."""
    fault_at = time.time()
    await stage.cluster.kill(Kind.HAPROXY)
    await asyncio.sleep(_AWAY_S)
    await stage.cluster.start(Kind.HAPROXY)
    await posts.more(_AFTER)
    return fault_at


async def quiet(_stage: Stage, posts: Posts) -> float:
    """What was held back until the next comment came is late, without any fault."""
    await posts.quiet(QUIET_S)
    fault_at = time.time()
    await posts.more(_AFTER)
    return fault_at


SCENARIOS: Mapping[str, Callable[[Stage, Posts], Awaitable[float]]] = {
    "killed": killed,
    "drained": drained,
    "nodes_away": nodes_away,
    "gateway_away": gateway_away,
    "quiet": quiet,
}


async def play(stage: Stage, scenario: str) -> dict[str, Finding]:
    """All programs at once, before them one scenario; what is to be said of each."""
    posts = Posts(stage.cluster.http_url, f"clients-{scenario}")
    posting = asyncio.create_task(posts.run())
    await posts.more(1)
    programs = await _start(stage, scenario)
    try:
        await _until(
            lambda: all(one.shown or one.ended for one in programs.values()), _ALL_THERE_WITHIN_S
        )
        await posts.more(_CALM)
        fault_at = await SCENARIOS[scenario](stage, posts)
        posts.stop()
        await _until(
            lambda: all(_settled(one, posts) for one in programs.values()), _SETTLED_WITHIN_S
        )
    finally:
        posting.cancel()
        await asyncio.gather(
            posting, *(one.end() for one in programs.values()), return_exceptions=True
        )
    return {name: find(one.shown, posts.acked, fault_at) for name, one in programs.items()}


async def _start(stage: Stage, scenario: str) -> dict[str, Program]:
    stage.logs.mkdir(parents=True, exist_ok=True)
    programs = {}
    for way in stage.ways:
        gateway = stage.cluster.https_url if way.secure else stage.cluster.http_url
        command = [*way.command, f"{gateway}/v1/videos/clients-{scenario}/stream", way.mode]
        log = stage.logs / f"{way.name.replace('/', '-')}.{scenario}.log"
        programs[way.name] = await Program.start(list(filter(None, command)), log, stage.environ)
    return programs


def _settled(program: Program, posts: Posts) -> bool:
    return program.ended or program.has_shown(max(posts.acked))


async def _until(condition: Callable[[], bool], within_s: float) -> None:
    """Or until so much time has passed."""
    give_up_at = time.monotonic() + within_s
    while not condition() and time.monotonic() < give_up_at:
        await asyncio.sleep(0.1)
