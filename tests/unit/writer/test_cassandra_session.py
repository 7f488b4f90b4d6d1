"""Calls on the way to the driver and back."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tests.support import eventually
from writer.cassandra_config import CassandraConfig
from writer.cassandra_driver import READ
from writer.cassandra_schema import Store
from writer.cassandra_session import MAX_AT_ONCE, CassandraSession, Link


def linked() -> CassandraSession:
    session = CassandraSession(CassandraConfig(()), lambda _: None)
    session._loop = asyncio.get_running_loop()
    nothing: Any = None
    session._link = Link(nothing, nothing, Store("e", nothing))
    return session


async def test_a_statement_that_cannot_be_made_takes_no_turn_away() -> None:
    session = linked()

    def build(_statements: object) -> object:
        raise ValueError("cannot be bound")

    async with asyncio.timeout(10):
        for _ in range(MAX_AT_ONCE + 1):
            with pytest.raises(ValueError, match="cannot be bound"):
                await session.call(build, profile=READ)
    await eventually(lambda: not session.under_way)
