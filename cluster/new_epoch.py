"""A new identity (epoch) for a store, after an older copy was put in its place."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from cluster.errors import ClusterError, NotInstalled, WritersRun
from cluster.parts import WITH_STORE, Kind, part_name
from cluster.runtime import RUNNING, Condition, Plan, Runtime
from cluster.servers.dynalite import variables_for
from service.config import EnvReader
from wire.errors import StoreUnavailable
from writer.cassandra.config import CassandraConfig
from writer.dynamodb.config import DynamoConfig
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
    if plan.settings.store == "dynamodb":
        return await _renew_own_table(runtime, plan)
    return await runtime.renew_epoch()


def renew_file_epoch(path: Path) -> tuple[str, str]:
    """The old epoch and the new one of a SQLite file that no writer uses. Raises ClusterError."""
    try:
        return renew_epoch(path)
    except StoreUnavailable as exc:
        raise ClusterError(str(exc)) from exc


async def renew_table(environ: Mapping[str, str]) -> tuple[str, str]:
    """The old epoch and the new one of the table that the environment names, as a writer would read
    it; credentials are the SDK's business. Raises ConfigError and ClusterError.
    """
    env = EnvReader(environ)
    config = DynamoConfig.read(env)
    env.done()
    try:
        from writer.dynamodb.epoch import renew_table_epoch  # the SDK may not be there
    except ModuleNotFoundError as exc:
        raise NotInstalled(f"{exc.name} is missing; pip install 'livecomments[dynamodb]'") from exc
    try:
        return await renew_table_epoch(config)
    except StoreUnavailable as exc:
        raise ClusterError(exc.detail) from exc


async def _renew_own_table(runtime: Runtime, plan: Plan) -> tuple[str, str]:
    """In the table that the first writer uses."""
    (server,) = (part for part in plan.parts if part.kind is Kind.DYNALITE)
    host = runtime.host(server)
    if host is None or runtime.condition(server.name) is not Condition.RUNNING:
        raise ClusterError(f"{server.name} does not run; first: livecomments start {server.name}")
    found = variables_for(host, server.ports["client"])
    given = plan.settings.variables_for(str(Kind.WRITER), part_name(Kind.WRITER, 1))
    with _in_environment(found):
        return await renew_table(given | found)


@contextmanager
def _in_environment(variables: Mapping[str, str]) -> Iterator[None]:
    """The SDK looks for credentials there."""
    before = dict(os.environ)
    os.environ.update(variables)
    try:
        yield
    finally:
        for name in variables:
            del os.environ[name]
        os.environ.update(before)


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
