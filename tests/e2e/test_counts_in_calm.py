"""How many watch (P9), judged on every topology where it has to be right: long after a fault."""

from __future__ import annotations

from cluster.cluster import Cluster
from tests.chaos.judge import judge
from tests.chaos.judge_counts import OLD_S, RIGHT_AFTER_S, counts_in_calm
from tests.chaos.load import Load
from tests.chaos.traffic import Shape
from tests.e2e.contract import servers
from tests.e2e.parts import busiest
from tests.support import TIMEOUT_FACTOR
from wire.topology import Topology

TOPOLOGIES = tuple(Topology)
SMALL = True

RATE = 30
SHAPE = Shape(viewers=40, videos=6, rate=RATE, impatient=0)
CALM_S = RIGHT_AFTER_S + OLD_S + 5.0  # of posts, so that much of it demands right counts
ENOUGH = 100


async def test_counts_are_right_in_calm_after_a_server_was_killed(cluster: Cluster) -> None:
    async with Load.on(cluster, SHAPE) as load:
        await load.wait_for_posts(2 * RATE)
        name = await busiest(cluster, cluster.part(servers(cluster)[0]).kind, "viewers")
        async with load.trouble(f"{name} killed", 5.0):
            await cluster.kill(name)
            if len(servers(cluster)) == 1:
                await cluster.start(name)
        await load.wait_for_posts(round(CALM_S * RATE), CALM_S * 3 * TIMEOUT_FACTOR)
        history = await load.finish()
        await cluster.start(name)
    verdict = judge(history)
    assert verdict.broken == [], verdict.text()
    assert history.counted
    assert counts_in_calm(history) >= ENOUGH
