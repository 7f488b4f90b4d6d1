"""A new identity for a cluster's store, after an older copy was put in its place."""

from __future__ import annotations

from cluster.cluster import Cluster
from cluster.errors import WritersRun
from cluster.parts import Kind
from cluster.runtime import RUNNING


async def renew_cluster_epoch(cluster: Cluster) -> tuple[str, str]:
    """The old epoch and the new one. Raises WritersRun while a writer of the cluster runs, and
    ClusterError if the store cannot be changed.
    """
    writers = [part.name for part in cluster.parts if part.kind in (Kind.WRITER, Kind.SINGLE)]
    running = [name for name in writers if cluster.condition(name) in RUNNING]
    if running:
        raise WritersRun(running)
    return await cluster.runtime.renew_epoch()
