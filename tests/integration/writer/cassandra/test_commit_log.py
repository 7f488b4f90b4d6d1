"""A server that acknowledges what is not on its disk, as Cassandra does by default."""

from __future__ import annotations

import dataclasses
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.cassandra_server import CassandraServer
from tests.integration.writer.cassandra.support import item, until_served
from tests.keyspace import Keyspace
from tests.support import eventually
from wire.errors import StoreUnavailable
from writer.cassandra.store import CassandraStore


class Periodic(CassandraServer):
    def _prepare(self) -> list[str]:
        command = super()._prepare()
        (config,) = self.folder.rglob("cassandra.yaml")
        text = config.read_text()
        assert "commitlog_sync: batch" in text
        by_the_way = "commitlog_sync: periodic\ncommitlog_sync_period: 10000ms"
        config.write_text(text.replace("commitlog_sync: batch", by_the_way))
        return command


@pytest.fixture
async def periodic(tmp_path: Path) -> AsyncIterator[CassandraServer]:
    server = Periodic(tmp_path / "cassandra")
    await server.start()
    yield server
    await server.clean()


def said_by_now(capsys: pytest.CaptureFixture[str], said: list[str]) -> str:
    """The first attempt may be late, and say nothing of it."""
    said[0] += capsys.readouterr().out
    return said[0]


async def test_it_is_not_used_unless_one_is_told_to(
    periodic: CassandraServer, capsys: pytest.CaptureFixture[str]
) -> None:
    keyspace = Keyspace.new(periodic)
    careful = CassandraStore(keyspace.config)
    await careful.start()
    with pytest.raises(StoreUnavailable):
        await careful.epoch()
    said = [""]
    await eventually(lambda: "CASSANDRA_COMMIT_LOG=any" in said_by_now(capsys, said), 60)
    told = CassandraStore(dataclasses.replace(keyspace.config, any_commit_log=True))
    await told.start()
    await until_served(told.epoch)
    (appended,) = await until_served(lambda: told.append("v", [item("hi", "key")]))
    assert appended.seq == 1
    with pytest.raises(StoreUnavailable):
        await careful.append("v", [item("ho")])
    await careful.stop()
    await told.stop()
