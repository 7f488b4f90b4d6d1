"""Calls on the way to the driver and back, with a driver that answers as a test wants."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from cassandra import Unavailable

from service.mailbox import Mailbox
from tests.support import eventually
from writer.cassandra.config import CassandraConfig
from writer.cassandra.driver import CONDITION, READ
from writer.cassandra.schema import Store
from writer.cassandra.session import MAX_AT_ONCE, CassandraSession, Link
from writer.stepwise.errors import NotSent, Unanswered


class Driver:
    """Answers each call at once with the same error."""

    def __init__(self, error: Exception) -> None:
        self._error = error

    def execute_async(self, _statement: object, *, execution_profile: str) -> Driver:
        return self

    def add_callbacks(self, _on_rows: object, on_error: Any) -> None:
        on_error(self._error)


def linked(driver: Any = None) -> CassandraSession:
    session = CassandraSession(CassandraConfig(()), lambda _: None)
    session._mailbox = Mailbox(asyncio.get_running_loop())
    nothing: Any = None
    session._link = Link(nothing, driver, Store("e", nothing))
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


@pytest.mark.parametrize(("profile", "ours"), [(READ, NotSent), (CONDITION, Unanswered)])
async def test_too_few_replicas_leave_a_condition_in_doubt(
    profile: str, ours: type[Exception]
) -> None:
    session = linked(Driver(Unavailable("too few")))
    with pytest.raises(ours):
        await session.call(lambda _: "a statement", profile=profile)
