"""The cluster of a variant, made larger step by step, by the code of the revision that is meant."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from bench.revision import unpacked
from bench.topologies.plan import Variant
from bench.tree_cluster import TreeHome
from cluster.cluster import Cluster

Grow = Callable[[int], Awaitable[Cluster]]  # to so many nodes


@asynccontextmanager
async def growing(variant: Variant, home: Path) -> AsyncIterator[Grow]:
    """Starts a cluster in the folder `home` and adds nodes to it; removed afterwards. Raises
    BenchFailed or ClusterError.
    """
    if variant.revision:
        with unpacked(variant.revision) as tree:
            old = TreeHome(tree, home, topology=variant.topology, placement=variant.placement)
            try:
                yield lambda nodes: asyncio.to_thread(old.up, nodes=nodes)
            finally:
                await asyncio.to_thread(old.clean)
        return

    async def grow(nodes: int) -> Cluster:
        cluster = Cluster.create(variant.settings(nodes), home)
        await cluster.up()
        return cluster

    cluster = Cluster.create(variant.settings(1), home)
    try:
        yield grow
    finally:
        await cluster.clean()
