"""A new identity for a cluster's store, after an older copy was put in its place."""

from __future__ import annotations

import asyncio

from cluster.cluster import Cluster
from cluster.errors import ClusterError, WritersRun
from cluster.parts import Kind, part_name
from cluster.runtime import RUNNING, Condition
from service.config import EnvReader
from wire.errors import StoreUnavailable
from writer.cassandra.config import CassandraConfig


async def renew_cluster_epoch(cluster: Cluster) -> tuple[str, str]:
    """The old epoch and the new one. Raises WritersRun while a writer of the cluster runs, and
    ClusterError if the store cannot be changed.
    """
    writers = [part.name for part in cluster.parts if part.kind in (Kind.WRITER, Kind.SINGLE)]
    running = [name for name in writers if cluster.condition(name) in RUNNING]
    if running:
        raise WritersRun(running)
    if cluster.settings.store == "cassandra":
        return await asyncio.to_thread(_renew_keyspace, cluster, part_name(Kind.WRITER, 1))
    return await cluster.runtime.renew_epoch()


def _renew_keyspace(cluster: Cluster, writer: str) -> tuple[str, str]:
    """In the keyspace that this writer uses, through whichever server runs."""
    from writer.cassandra.epoch import renew_keyspace_epoch  # the driver costs a third of a start

    servers = [part.name for part in cluster.parts if part.kind is Kind.CASSANDRA]
    there = [name for name in servers if cluster.condition(name) is Condition.RUNNING]
    if not there:
        raise ClusterError(f"no Cassandra runs; first: livecomments start {' '.join(servers)}")
    given = cluster.settings.variables_for(str(Kind.WRITER), writer)
    points = ",".join("{}:{}".format(*cluster.address(name, "cql")) for name in there)
    env = EnvReader(given | {"CASSANDRA": points})
    config = CassandraConfig.read(env)
    env.done()
    try:
        return renew_keyspace_epoch(config)
    except StoreUnavailable as exc:
        raise ClusterError(exc.detail) from exc
