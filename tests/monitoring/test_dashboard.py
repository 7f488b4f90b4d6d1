"""Every query of the dashboard and every rule, asked of a real Prometheus over a running cluster
with load.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from cluster.cluster import Cluster
from cluster.servers.install import find_prometheus
from cluster.settings import Settings
from tests.chaos.load import Load
from tests.chaos.traffic import Shape
from tests.clusters import running
from tests.monitoring.monitoring_files import alerts, metrics_in, queries, rules
from tests.monitoring.prometheus_server import PrometheusServer
from tests.support import TIMEOUT_FACTOR, started
from wire.topology import Topology

pytestmark = [
    pytest.mark.skipif(
        find_prometheus() is None, reason="no Prometheus (`livecomments install --tests` brings it)"
    ),
    pytest.mark.timeout(400 * TIMEOUT_FACTOR),
]
LOAD = Shape(viewers=30, videos=4, rate=20, impatient=0, rulings=True, removals=0.1, signed=0.5)
WITHIN_S = 90 * TIMEOUT_FACTOR

_NO_REDIS = "there is no Redis in this topology"
_REDIS = "there are no dispatchers and no ZooKeeper in this topology"
# What gives nothing on a cluster that is well, and why.
EMPTY_WHEN_WELL = {
    "Degraded: A": "nothing is degraded",
    "The store: A": "no call of the store has failed, and each kind is counted from its first",
    "The store: B": "no read was refused, and each kind is counted from its first",
    "Refused: B": "whether the load meets a problem is up to chance",
    "Dropped: A": "nothing was dropped, and each reason is counted from its first",
    "Dropped: B": "nothing was dropped, and each reason is counted from its first",
    "Dropped: C": "nothing was dropped, and each reason is counted from its first",
    "Viewer counts: D": "no table is full, and each reason is counted from its first",
    "Decisions: B": "the load decides no held comment",
    "Streams: B": "nobody was sent away, and each reason is counted from its first",
}
# Metrics of rules that no process exports while all is well: labelled ones, from the first on.
FROM_THE_FIRST_ON = {
    "degraded", "counts_dropped_total", "store_failures_total", "reads_refused_total",
    "requests_refused_total",
    "tickets_refused_total", "dispatch_dropped_total", "publish_dropped_total",
    "forward_dropped_comments_total", "byes_total", "dispatched_batches_total",
}  # fmt: skip
EMPTY: dict[str, dict[str, str]] = {
    Topology.DISPATCHER: {
        "ZooKeeper and Redis: B": _NO_REDIS,
        "Routes and registrations: E": _NO_REDIS,
        "Routes and registrations: F": _NO_REDIS,
        "Alarms that should stay at 0: D": _NO_REDIS,
    },
    Topology.PARTITIONED: {
        "ZooKeeper and Redis: A": _REDIS,
        "Forwarded: A": _REDIS,
        "Batches by outcome: A": _REDIS,
        "Queues of dispatchers: A": _REDIS,
        "Queues of dispatchers: B": _REDIS,
        "Routes and registrations: A": _REDIS,
        "Routes and registrations: B": _REDIS,
        "Routes and registrations: C": _REDIS,
        "Routes and registrations: D": _REDIS,
        "Alarms that should stay at 0: C": _REDIS,
        "Alarms that should stay at 0: E": _REDIS,
    },
}


@pytest.fixture(params=EMPTY)
async def cluster(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Cluster]:
    settings = Settings("watched", topology=request.param, nodes=2, dispatchers=1, writers=2)
    async with running(Cluster.create(settings, tmp_path)) as cluster:
        yield cluster


@pytest.fixture
async def prometheus(cluster: Cluster, tmp_path: Path) -> AsyncIterator[PrometheusServer]:
    folder = tmp_path / "prometheus"
    folder.mkdir()
    async with started(PrometheusServer(folder, cluster)) as server:
        yield server


def as_grafana_asks(expression: str) -> str:
    return expression.replace("$__rate_interval", "15s").replace("$job", "livecomments")


async def empty(prometheus: PrometheusServer) -> set[str]:
    """The queries of the dashboard that give nothing now."""
    return {
        name
        for name, expression in queries().items()
        if not await prometheus.query(as_grafana_asks(expression))
    }


async def test_every_query_gives_data_on_a_cluster_with_load(
    cluster: Cluster, prometheus: PrometheusServer
) -> None:
    topology = cluster.settings.topology
    allowed = set(EMPTY[topology]) | set(EMPTY_WHEN_WELL)
    assert allowed <= set(queries())
    async with Load.on(cluster, LOAD) as load:
        found: set[str] = set(queries())
        try:
            async with asyncio.timeout(WITHIN_S):
                while not (found := await empty(prometheus)) <= allowed:
                    await load.wait_for_posts(20)
        except TimeoutError:
            assert found <= allowed
        assert set(EMPTY[topology]) <= found, "what this topology has not, and yet is exported"
        await check_rules(cluster, prometheus)
        await load.finish()
    await check_a_killed_node(cluster, prometheus)


async def check_rules(cluster: Cluster, prometheus: PrometheusServer) -> None:
    """Each is understood, reads what is exported, and calls nobody."""
    groups = (await prometheus.ask("rules"))["groups"]
    told = [rule for group in groups for rule in group["rules"]]
    assert len(told) == len(rules())
    assert {rule["health"] for rule in told} == {"ok"}
    firing = {rule["name"] for rule in told if rule.get("state") == "firing"}
    assert firing == set()
    for name, rule in alerts().items():
        known = {one for one in metrics_in(rule["expr"]) if one not in FROM_THE_FIRST_ON}
        there = {one for one in known if await prometheus.query(f"livecomments_{one}")}
        there |= {one for one in known if await prometheus.query(f"livecomments_{one}_bucket")}
        elsewhere = _OF_REDIS if cluster.settings.topology == Topology.DISPATCHER else _OF_ZOOKEEPER
        assert known - there <= elsewhere, name


_OF_REDIS = {
    "redis_connected", "redis_failures_total", "subscriptions_pending", "junk_messages_total",
}  # fmt: skip
_OF_ZOOKEEPER = {
    "zookeeper_connected", "zookeeper_suspensions_total", "zookeeper_cuts_total", "nodes_failing",
    "routes_waiting", "queued_bytes", "registrations_pending", "registrations_lost_total",
    "junk_znodes_total", "route_unknown_nodes_total",
}  # fmt: skip


async def check_a_killed_node(cluster: Cluster, prometheus: PrometheusServer) -> None:
    """Somebody would be called in two minutes."""
    host, port = cluster.address("node-1", "ops")
    await cluster.kill("node-1")
    instance = f'instance="{host}:{port}"'
    expression = f'ALERTS{{alertname="LivecommentsProcessDown",role="node",{instance}}}'
    async with asyncio.timeout(WITHIN_S):
        while not (found := await prometheus.query(expression)):
            await asyncio.sleep(0.2)
    assert len(found) == 1
