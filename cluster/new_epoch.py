"""A new identity (epoch) for a store, after an older copy was put in its place."""

from __future__ import annotations

import asyncio
from pathlib import Path

from cluster.errors import ClusterError, WritersRun
from cluster.parts import WITH_STORE, Kind, part_name
from cluster.runtime import RUNNING, Condition, Plan, Runtime
from service.config import EnvReader
from wire.errors import StoreUnavailable
from writer.cassandra.config import CassandraConfig
from writer.new_epoch import renew_epoch


async def renew_cluster_epoch(runtime: Runtime, plan: Plan) -> tuple[str, str]:
    """The old epoch and the new one of a cluster's store. Raises WritersRun while a writer of the
    cluster runs, and ClusterError if the store cannot be changed.
    """
    writers = [part.name for part in plan.parts if part.kind in WITH_STORE]
    running = [name for name in writers if runtime.condition(name) in RUNNING]
    if running:
        raise WritersRun(running)
    if plan.settings.store == "cassandra":
        return await asyncio.to_thread(_renew_keyspace, runtime, plan)
    return await runtime.renew_epoch()


def renew_file_epoch(path: Path) -> tuple[str, str]:
    """The old epoch and the new one of a SQLite file that no writer uses. Raises ClusterError."""
    try:
        return renew_epoch(path)
    except StoreUnavailable as exc:
        raise ClusterError(str(exc)) from exc


def _renew_keyspace(runtime: Runtime, plan: Plan) -> tuple[str, str]:
    """In the keyspace that the first writer uses, through whichever server runs."""
    from writer.cassandra.epoch import renew_keyspace_epoch  # the driver costs a third of a start

    servers = [part for part in plan.parts if part.kind is Kind.CASSANDRA]
    running = [part for part in servers if runtime.condition(part.name) is Condition.RUNNING]
    hosts = [(runtime.host(part), part.ports["cql"]) for part in running]
    points = [f"{host}:{port}" for host, port in hosts if host is not None]
    if not points:
        names = " ".join(part.name for part in servers)
        raise ClusterError(f"no Cassandra runs; first: livecomments start {names}")
    given = plan.settings.variables_for(str(Kind.WRITER), part_name(Kind.WRITER, 1))
    env = EnvReader(given | {"CASSANDRA": ",".join(points)})
    config = CassandraConfig.read(env)
    env.done()
    try:
        return renew_keyspace_epoch(config)
    except StoreUnavailable as exc:
        raise ClusterError(exc.detail) from exc
