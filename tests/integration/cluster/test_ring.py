"""A ring of three Cassandras on this machine: it does without one, and without two it is honest
(T25, T26); their clocks may differ (T27).
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import aiohttp
import pytest
from cassandra.cluster import EXEC_PROFILE_DEFAULT, ExecutionProfile
from cassandra.cluster import Cluster as Driver
from cassandra.policies import WhiteListRoundRobinPolicy

from cluster.cluster import Cluster
from cluster.folder import home_folder, jars_folder
from cluster.servers import cassandra, cassandra_jars
from cluster.servers.java import find_java
from cluster.settings import Settings
from tests import clusters
from tests.bounds import record
from tests.cassandra_server import FAST_HEAP_MIB, FAST_OPTIONS
from tests.chaos.figures import answers_s, quantile
from tests.chaos.judge import judge
from tests.chaos.judged import conclude
from tests.chaos.load import Load
from tests.chaos.traffic import Shape
from tests.e2e.test_faults import eventually_503
from tests.preload import WallClock
from tests.support import TIMEOUT_FACTOR

# Each starts a server again; together they take two minutes and 2 GiB.
pytestmark = [pytest.mark.chaos, pytest.mark.timeout(600 * TIMEOUT_FACTOR)]
RATE = 50
SHAPE = Shape(viewers=60, videos=8, rate=RATE, churn_s=0)
WARM_UP = 150  # comments before a fault: a run that cannot reach them has no load
ONE_AWAY_S, HEALED_S = 5.0, 10.0
SETTINGS = Settings(
    "ring",
    store="cassandra",
    cassandras=3,
    nodes=2,
    dispatchers=1,
    environment={
        "cassandra": {
            "CASSANDRA_HEAP": f"{FAST_HEAP_MIB}M",
            "CASSANDRA_JVM_OPTIONS": " ".join(FAST_OPTIONS),
        }
    },
)


@pytest.fixture(scope="module")
def standing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    cassandra_jars.fetch(jars_folder(home_folder(os.environ)))
    home: Path = tmp_path_factory.mktemp("home")
    with clusters.standing(Cluster.create(SETTINGS, home)) as cluster:
        yield cluster


@pytest.fixture
async def ring(standing: Cluster) -> AsyncIterator[Cluster]:
    """Whole, before and after."""
    async with clusters.whole(standing) as cluster:
        yield cluster


def moved(load: Load) -> list[str]:
    return [watch.name for watch in load.history.watches if len(watch.streams) != 1]


async def _conclude(name: str, load: Load) -> None:
    """All is well again, no stream has ended, and nothing is wrong in the whole history."""
    await load.wait_for_posts(3 * RATE, 60)
    assert moved(load) == []
    history = await conclude(name, load)
    calm = answers_s(history, history.began_at, history.first_fault_at)
    then = answers_s(history, history.first_fault_at, history.troubles[-1].ended_at)
    figures = [f"{1000 * quantile(answers, 0.99):.0f} ms" for answers in (calm, then)]
    record(f"{name} p99 of posts: {figures[0]} in calm, {figures[1]} from the first fault on")


@pytest.mark.parametrize("name", ["cassandra-1", "cassandra-3"])
async def test_posts_go_on_without_one_of_three(ring: Cluster, name: str) -> None:
    async with Load.on(ring, SHAPE) as load:
        await load.wait_for_posts(WARM_UP)
        async with load.trouble(f"{name} killed", ONE_AWAY_S):
            await ring.kill(name)
        await load.wait_for_posts(10 * RATE, 60)
        async with load.trouble(f"{name} comes back", ONE_AWAY_S):
            await ring.start(name)
        await _conclude("T25", load)


async def test_posts_go_on_while_one_of_three_stands_still(ring: Cluster) -> None:
    """For a minute; nobody is told that it does not answer."""
    async with Load.on(ring, SHAPE) as load:
        await load.wait_for_posts(WARM_UP)
        async with load.trouble("cassandra-3 stands still", ONE_AWAY_S):
            ring.pause("cassandra-3")
        await load.wait_for_posts(60 * RATE, 120)
        async with load.trouble("cassandra-3 goes on", ONE_AWAY_S):
            ring.resume("cassandra-3")
            await ring.wait_ready("cassandra-3")
        await _conclude("T25", load)


@pytest.mark.parametrize("minutes", [5, -5])
async def test_order_and_content_do_not_depend_on_clocks(
    ring: Cluster, tmp_path: Path, minutes: int
) -> None:
    """One server's clock is five minutes off: numbers decide, not times. Answers may take longer
    than P8 allows.
    """
    await _restart(ring, "cassandra-2", _java_that_is_off(tmp_path, minutes))
    try:
        assert abs(await _clock_of(ring, "cassandra-2") - minutes * 60) < 60
        async with Load.on(ring, SHAPE) as load:
            await load.wait_for_posts(10 * RATE, 60)
            assert moved(load) == []
            verdict = judge(await load.finish())
            assert [line for line in verdict.broken if not line.startswith("P8")] == []
            assert all(verdict.ledger.judged[promise] for promise in ("P1", "P2", "P3", "P4", "P7"))
    finally:
        await _restart(ring, "cassandra-2", find_java(cassandra.JAVA_VERSION))


def _java_that_is_off(folder: Path, minutes: int) -> str:
    clock, command = WallClock(folder, "cassandra"), folder / "java"
    clock.set(minutes * 60)
    told = " ".join(f"{name}={value}" for name, value in clock.environment.items())
    command.write_text(f'#!/bin/sh\nexport {told}\nexec {find_java(cassandra.JAVA_VERSION)} "$@"\n')
    command.chmod(0o755)
    return str(command)


async def _restart(ring: Cluster, name: str, java: str | None) -> None:
    await ring.stop(name)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cassandra, "find_java", lambda _version: java)
        await ring.start(name)


async def _clock_of(ring: Cluster, name: str) -> float:
    """How many seconds it is ahead of ours."""
    part = ring.part(name)

    def ask() -> float:
        only = ExecutionProfile(WhiteListRoundRobinPolicy([part.host]))
        profiles = {EXEC_PROFILE_DEFAULT: only}
        driver = Driver(
            [part.host], port=part.ports["cql"], protocol_version=5, execution_profiles=profiles
        )
        try:
            asked = "SELECT toUnixTimestamp(now()) FROM system.local"
            return float(driver.connect().execute(asked).one()[0]) / 1000 - time.time()
        finally:
            driver.shutdown()

    return await asyncio.to_thread(ask)


async def test_posts_are_refused_without_two_of_three_and_go_on_with_one_back(
    ring: Cluster,
) -> None:
    """Streams stay; whoever reads meanwhile gets all or nothing; they come back in another order
    than they went.
    """
    async with Load.on(ring, SHAPE) as load, aiohttp.ClientSession() as session:
        await load.wait_for_posts(WARM_UP)
        async with load.trouble("two of three killed", HEALED_S):
            await asyncio.gather(ring.kill("cassandra-2"), ring.kill("cassandra-3"))
            url = f"{ring.http_url}/v1/videos/{load.videos[0]}/comments"
            await eventually_503(session, url)
            async with session.get(url) as reply:
                assert reply.status == 503
                assert int(reply.headers["Retry-After"]) >= 1
            await ring.start("cassandra-3")
        await load.wait_for_posts(3 * RATE, 60)
        async with load.trouble("the second comes back", ONE_AWAY_S):
            await ring.start("cassandra-2")
        await _conclude("T26", load)
