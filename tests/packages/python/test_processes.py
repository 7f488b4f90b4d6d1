"""Machines that sleep, and clocks that are moved: each client in a process of its own."""

from __future__ import annotations

import asyncio
import secrets
from pathlib import Path

import pytest

from cluster.cluster import Cluster
from livecomments_client._core.watch import SILENCE_S
from tests.packages.python.people import Posters, whole_history
from tests.packages.python.programs import Program, programs
from tests.preload import WallClock
from tests.support import eventually, wait_out

TOPOLOGIES = ("single", "dispatcher")
SMALL = True
pytestmark = pytest.mark.timeout(300)

# Longer than any side waits; as long as a laptop in a bag.
ASLEEP_S = {"single": 12.0, "dispatcher": 60.0}
DAY_S = 24 * 3_600
# At each time of the clock: longer than the silence after which a stream is given up.
PAST_THE_WATCHDOG_S = SILENCE_S + 4
WARM_UP = 10


async def told(posting: list[Program], more: int) -> None:
    wanted = [len(program.said) + more for program in posting]
    await eventually(
        lambda: all(len(p.said) >= count for p, count in zip(posting, wanted, strict=True)), 60
    )


async def judge(url: str, video_id: str, reading: list[Program], posting: list[Program]) -> None:
    """Each post is stored once, and each reader has got all, in order, once, and no gap is left."""
    for program in posting:
        program.freeze()  # so that there is a last comment
    stored = await whole_history(url, video_id)
    ids = [comment.id for comment in stored]
    texts = [comment.text for comment in stored]
    assert len(set(texts)) == len(texts)
    for program in posting:
        assert {said["text"] for said in program.of("Posted")} <= set(texts)
    for program in reading:
        await eventually(lambda seen=program: len(seen.comments) >= len(ids), 60)
        # One more may have been on its way to the store.
        assert [comment["id"] for comment in program.comments][: len(ids)] == ids
        assert [gap for gap in program.of("Gap") if not gap["filled"]] == []


async def test_a_machine_that_slept_misses_nothing(cluster: Cluster) -> None:
    """SIGSTOP: what is sent meanwhile, and every deadline, meets it when it is awake again."""
    video_id = secrets.token_hex(6)
    async with programs(cluster.http_url, video_id) as (reading, posting):
        await told(posting, WARM_UP)
        for program in reading + posting:
            program.freeze()
        async with Posters(cluster.http_url, video_id) as posters:
            await asyncio.sleep(ASLEEP_S[cluster.settings.topology])  # how long it sleeps
            for program in reading + posting:
                program.thaw()
            await told(posting, WARM_UP)
            await posters.finish()
        await judge(cluster.http_url, video_id, reading, posting)


async def test_a_clock_that_is_moved_changes_nothing(cluster: Cluster, tmp_path: Path) -> None:
    """By a day, there and back: no stream is given up for it, and no post comes twice."""
    video_id = secrets.token_hex(6)
    clock = WallClock(tmp_path, "clock")
    async with programs(cluster.http_url, video_id, clock.environment) as (reading, posting):
        await told(posting, WARM_UP)
        for off_s in (DAY_S, -DAY_S, 0):
            clock.set(off_s)
            await wait_out(PAST_THE_WATCHDOG_S)
            await told(posting, WARM_UP)
        assert [program.recoveries for program in reading] == [[], []]
        await judge(cluster.http_url, video_id, reading, posting)
