"""Tests run on the event loop of production; the listeners' tests also on the standard one.

Hypothesis tries the same examples in each run: what is red is red for everybody. EXAMPLES=50 tries
50 times as many, other ones each time, and keeps what failed in `.hypothesis/`.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import uvloop
from hypothesis import settings

from cluster.settings import RUNTIMES, STORES, TOPOLOGIES
from tests import tiers
from tests.cassandra_server import CassandraServer
from tests.dynalite_server import DynaliteServer
from tests.dynamodb_table import known_to_the_sdk
from tests.moto_server import MotoServer
from tests.server_process import standing
from tests.support import EXAMPLES, examples
from tests.zookeeper_server import ZooKeeperServer

settings.register_profile("fixed", derandomize=True, deadline=None, database=None)
settings.register_profile("search", max_examples=examples(100), deadline=None, print_blob=True)
settings.load_profile("fixed" if EXAMPLES == 1 else "search")

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


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_collection_modifyitems(
    config: pytest.Config, items: list[pytest.Item]
) -> Iterator[None]:
    """Marks before `-m` chooses; the order after pytest has put tests of one fixture together."""
    tiers.mark(items, config.getoption("topology"))
    yield
    tiers.arrange(items)


def pytest_xdist_auto_num_workers() -> int:
    return tiers.workers()


@pytest.fixture(scope="session")
def cassandra_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CassandraServer]:
    """One for all tests, each with a keyspace of its own; who stops or kills it starts it again."""
    with standing(CassandraServer(tmp_path_factory.mktemp("cassandra"))) as server:
        yield server


@pytest.fixture(scope="session")
def moto_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MotoServer]:
    """One for all tests, each with a table of its own."""
    with standing(MotoServer(tmp_path_factory.mktemp("moto"))) as server, known_to_the_sdk(server):
        yield server


@pytest.fixture(scope="session")
def dynalite_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DynaliteServer]:
    """One for all tests, each with a table of its own; who stops or kills it starts it again."""
    folder = tmp_path_factory.mktemp("dynalite")
    with standing(DynaliteServer(folder)) as server, known_to_the_sdk(server):
        yield server


@pytest.fixture(scope="session")
def zookeeper(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ZooKeeperServer]:
    """One for all tests that do it no harm; theirs are a root or names that no other test uses."""
    with standing(ZooKeeperServer(tmp_path_factory.mktemp("zookeeper"))) as server:
        yield server


@pytest.fixture
async def own_zookeeper(tmp_path: Path) -> AsyncIterator[ZooKeeperServer]:
    """For a test that stops, pauses or kills it, or counts what is in it."""
    server = ZooKeeperServer(tmp_path / "zookeeper")
    await server.start()
    yield server
    await server.clean()
