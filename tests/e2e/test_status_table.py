"""Status and headers of every method and path, on each listener, while parts are up and away."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import aiohttp
import pytest

from cluster.cluster import Cluster
from cluster.parts import Kind
from tests.e2e import status_table
from tests.e2e.contract import servers, writers
from tests.e2e.status_table import Row, differences
from tests.support import TIMEOUT_FACTOR
from wire.topology import Topology

TOPOLOGIES = (Topology.DISPATCHER, Topology.SINGLE)
SMALL = True
NamesOf = Callable[[Cluster], list[str]]
Rows = tuple[Row, ...]
OF_LISTENERS = tuple(row for row in status_table.API if not row.only_gateway)


@pytest.fixture
def origin(page_port: int) -> str:
    """Whose scripts may read the cluster's replies."""
    return f"http://127.0.0.1:{page_port}"


async def until_not_ready(cluster: Cluster, session: aiohttp.ClientSession) -> None:
    """Wait until the gateway knows that somebody is gone."""
    async with asyncio.timeout(20 * TIMEOUT_FACTOR):
        while True:
            async with session.get(f"{cluster.http_url}/readyz") as reply:
                if reply.status == 503:
                    return
            await asyncio.sleep(0.05)


async def test_the_gateway_answers_by_the_table(cluster: Cluster, origin: str) -> None:
    rows = status_table.API + status_table.STREAMS
    assert await differences(cluster.address(Kind.HAPROXY, "http"), origin, rows) == []


async def test_each_listener_answers_by_the_table(cluster: Cluster, origin: str) -> None:
    found = []
    for name in writers(cluster):
        found += await differences(cluster.address(name, "public"), origin, OF_LISTENERS)
    for name in servers(cluster):
        door = cluster.address(name, "public")
        found += await differences(door, origin, status_table.STREAMS)
    assert found == []


@pytest.mark.parametrize(
    ("names_of", "rows"), [(servers, status_table.STREAMS), (writers, status_table.API)]
)
async def test_while_nobody_serves_a_path_it_is_answered_by_the_table(
    cluster: Cluster, session: aiohttp.ClientSession, origin: str, names_of: NamesOf, rows: Rows
) -> None:
    for name in names_of(cluster):
        await cluster.kill(name)
    await until_not_ready(cluster, session)
    door = cluster.address(Kind.HAPROXY, "http")
    assert await differences(door, origin, rows, away=True) == []
