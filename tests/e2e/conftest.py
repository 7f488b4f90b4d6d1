"""One real cluster of processes for all tests of this floor; each test leaves it whole.

The same tests run on every shape of cluster: a module names what it runs on (`STORES`,
`TOPOLOGIES`, `RUNTIMES`; else it runs on the plain shape, and could on any), and whether few parts
and quick ends will do (`SMALL`). `--store`, `--topology` and `--runtime` choose one of these. One
cluster is up at a time; a test that needs one of its own takes the `shape`.
"""

from __future__ import annotations

import itertools
import os
import secrets
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from cluster.cluster import Cluster
from cluster.folder import dynalite_folder, home_folder, jars_folder
from cluster.ports import free_ports
from cluster.servers import cassandra_jars, dynalite_packages
from cluster.servers.dynalite import find_node
from cluster.settings import Settings
from service.client_socket import new_client_socket
from tests.browser import Browser, running_browser
from tests.cassandra_server import FAST_HEAP_MIB, FAST_OPTIONS
from tests.clusters import standing, whole
from tests.e2e.author import Author
from tests.e2e.moderator import Moderator
from tests.packages.js.pages import ClientPages

# A Cassandra that starts soon and is small.
CASSANDRA = {"CASSANDRA_HEAP": f"{FAST_HEAP_MIB}M", "CASSANDRA_JVM_OPTIONS": " ".join(FAST_OPTIONS)}
_AS_LIVE = {"DRAIN_WINDOW_S": "5"}
_QUICK = {"DRAIN_NOTICE_S": "1.5", "DRAIN_WINDOW_S": "2", "SLOW_AFTER_S": "2"}
DEFAULTS = {"runtime": "local", "store": "sqlite", "topology": "dispatcher"}


@dataclass(frozen=True)
class Shape:
    """What distinguishes one cluster under test from another."""

    runtime: str
    store: str
    topology: str
    small: bool = False

    def __str__(self) -> str:
        named = {name: getattr(self, name) for name in DEFAULTS}
        words = [value for name, value in named.items() if value != DEFAULTS[name]] or ["plain"]
        return "-".join(words + ["small"] * self.small)

    def create(self, name: str, home: Path, environment: dict[str, str]) -> Cluster:
        """A cluster of this shape, still down, whose processes have these variables."""
        if (self.runtime, self.store) == ("local", "cassandra"):
            cassandra_jars.fetch(jars_folder(home_folder(os.environ)))
        if self.store == "dynamodb":
            if find_node() is None:
                pytest.skip("no Node 20 or newer with npm")
            dynalite_packages.fetch(dynalite_folder(home_folder(os.environ)))
        named: dict[str, Any] = {each: getattr(self, each) for each in DEFAULTS}
        few = {"nodes": 2, "dispatchers": 1} if self.small else {}
        variables = {"all": environment, "cassandra": CASSANDRA}
        return Cluster.create(Settings(name, environment=variables, **named | few), home)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    shapes = _shapes(metafunc)
    if "running_cluster" in metafunc.fixturenames:
        metafunc.parametrize("running_cluster", shapes, indirect=True, ids=str, scope="package")
    if "shape" in metafunc.fixturenames:
        metafunc.parametrize("shape", shapes, ids=str)


def _shapes(metafunc: pytest.Metafunc) -> list[Shape]:
    def values(name: str) -> tuple[str, ...]:
        asked: str | None = metafunc.config.getoption(name)
        plural = {"runtime": "RUNTIMES", "store": "STORES", "topology": "TOPOLOGIES"}[name]
        named: tuple[str, ...] | None = getattr(metafunc.module, plural, None)
        if asked is None:
            return named or (DEFAULTS[name],)
        return (asked,) if named is None or asked in named else ()

    small = getattr(metafunc.module, "SMALL", False)
    chosen = itertools.product(*map(values, ("runtime", "store", "topology")))
    return [Shape(runtime, store, topology, small) for runtime, store, topology in chosen]


@pytest.fixture(scope="package")
def page_port() -> int:
    """Where a page may be served whose scripts may read the cluster's replies."""
    return free_ports(1)[0]


@pytest.fixture(scope="package")
def running_cluster(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, page_port: int
) -> Iterator[Cluster]:
    shape: Shape = request.param
    home: Path = tmp_path_factory.mktemp("home")
    variables = {
        "LOG_LEVEL": "debug",
        "CORS_ORIGINS": f"http://127.0.0.1:{page_port}",
        **(_QUICK if shape.small else _AS_LIVE),
    }
    with standing(shape.create("e2e", home, variables)) as cluster:
        yield cluster


@pytest.fixture
async def cluster(running_cluster: Cluster) -> AsyncIterator[Cluster]:
    """The cluster, whole; whatever a test has killed is started again."""
    async with whole(running_cluster) as cluster:
        yield cluster


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    connector = aiohttp.TCPConnector(socket_factory=new_client_socket)  # processes die under TLS
    timeout = aiohttp.ClientTimeout(total=20)
    async with aiohttp.ClientSession(connector=connector, timeout=timeout) as session:
        yield session


@pytest.fixture
def video_id() -> str:
    """One that nobody has used."""
    return secrets.token_hex(6)


@pytest.fixture
def moderator(cluster: Cluster, session: aiohttp.ClientSession, video_id: str) -> Moderator:
    """Who moderates it."""
    return Moderator(cluster, session, video_id)


@pytest.fixture
def author(cluster: Cluster, session: aiohttp.ClientSession, video_id: str) -> Author:
    """Who writes there, with a token."""
    return Author(cluster, session, video_id)


@pytest.fixture
async def browser(cluster: Cluster, tmp_path: Path) -> AsyncIterator[Browser]:
    """A Chromium that believes the cluster's gateway."""
    certificate = cluster.folder.gateway / "cert.pem"
    async with running_browser(tmp_path / "profile", certificate) as browser:
        yield browser


@pytest.fixture
async def pages(page_port: int) -> AsyncIterator[ClientPages]:
    """Pages with our client, from an origin that the cluster allows."""
    async with ClientPages(page_port) as pages:
        yield pages
