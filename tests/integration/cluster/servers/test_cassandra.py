"""A real Cassandra server as the cluster runs it: starts, keeps what it was told, comes back."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cassandra import ConsistencyLevel
from cassandra.cluster import Cluster as Driver
from cassandra.cluster import Session

from cluster.ports import free_ports
from cluster.servers import cassandra
from tests.cassandra_server import CassandraServer


async def with_session(server: CassandraServer, act: Callable[[Session], Any]) -> Any:
    """The driver blocks, so it works in a thread."""

    def work() -> Any:
        driver = Driver(
            [server.host],
            port=server.port,
            protocol_version=5,
            connect_timeout=20,
            control_connection_timeout=20,
        )
        try:
            session = driver.connect()
            session.default_timeout = 60
            return act(session)
        finally:
            driver.shutdown()

    return await asyncio.to_thread(work)


def make_table(session: Session) -> None:
    replication = "{'class': 'NetworkTopologyStrategy', 'datacenter1': 1}"
    session.execute(f"CREATE KEYSPACE IF NOT EXISTS probe WITH replication = {replication}")
    session.execute(
        "CREATE TABLE IF NOT EXISTS probe.rows (part int, head int static, seq int, text text,"
        " PRIMARY KEY (part, seq))"
    )


def commit(session: Session, head: int) -> bool:
    """As the store does: a conditional batch in one partition."""
    condition = "= null" if head == 0 else f"= {head}"
    batch = (
        "BEGIN BATCH "
        f"UPDATE probe.rows SET head = {head + 1} WHERE part = 1 IF head {condition}; "
        f"INSERT INTO probe.rows (part, seq, text) VALUES (1, {head + 1}, 'x'); "
        "APPLY BATCH"
    )
    return bool(session.execute(batch).was_applied)


def read_head(session: Session) -> int:
    query = session.prepare("SELECT head FROM probe.rows WHERE part = 1 LIMIT 1")
    query.consistency_level = ConsistencyLevel.LOCAL_SERIAL
    return int(session.execute(query).one().head)


async def test_what_was_acknowledged_survives_a_kill(cassandra_server: CassandraServer) -> None:
    """The commit log is written through before each reply."""
    await with_session(cassandra_server, make_table)

    def commits(session: Session) -> None:
        assert all(commit(session, head) for head in range(20))

    await with_session(cassandra_server, commits)
    await cassandra_server.kill()
    assert not await cassandra.answers(cassandra_server.host, cassandra_server.port)
    await cassandra_server.start()
    assert await with_session(cassandra_server, read_head) == 20


async def test_a_server_that_stands_still_does_not_answer(
    cassandra_server: CassandraServer,
) -> None:
    cassandra_server.pause()
    try:
        assert not await cassandra.answers(cassandra_server.host, cassandra_server.port, 0.3)
    finally:
        cassandra_server.resume()
    assert await cassandra.answers(cassandra_server.host, cassandra_server.port, 10)


async def test_something_else_on_the_port_is_no_server() -> None:
    async def other(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        writer.close()

    (port,) = free_ports(1)
    assert not await cassandra.answers("127.0.0.1", port, 0.3)
    async with await asyncio.start_server(other, "127.0.0.1", port):
        assert not await cassandra.answers("127.0.0.1", port, 1)


def test_without_its_jars_it_is_not_started(tmp_path: Path) -> None:
    server = cassandra.CassandraServer(1, tmp_path / "c", "127.0.0.1", 1, 2)
    with pytest.raises(FileNotFoundError, match="jars"):
        cassandra.command(server, tmp_path / "jars")
