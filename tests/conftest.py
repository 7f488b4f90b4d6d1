"""Tests run on the event loop of production; the listeners' tests also on the standard one."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import uvloop

from cluster.settings import RUNTIMES, STORES, TOPOLOGIES
from tests.cassandra_server import CassandraServer

_SHAPES = {"runtime": RUNTIMES, "store": STORES, "topology": TOPOLOGIES}
_ON_BOTH = ("integration/rtms_node", "integration/service")


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("livecomments")
    for name, choices in _SHAPES.items():
        text = f"the {name} that tests/e2e run on; else what each module names"
        group.addoption(f"--{name}", choices=choices, help=text)


def pytest_asyncio_loop_factories(
    config: pytest.Config, item: pytest.Item
) -> dict[str, Callable[[], Any]]:
    factories: dict[str, Callable[[], Any]] = {"uvloop": uvloop.new_event_loop}
    if any(part in item.path.as_posix() for part in _ON_BOTH):
        factories["asyncio"] = asyncio.new_event_loop
    return factories


@pytest.fixture(scope="session")
def cassandra_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CassandraServer]:
    """One for all tests, each with a keyspace of its own; who stops or kills it starts it again."""
    server = CassandraServer(tmp_path_factory.mktemp("cassandra"))
    asyncio.run(server.start())
    yield server
    asyncio.run(server.clean())
