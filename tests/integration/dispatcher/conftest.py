"""A whole dispatcher in the test's loop, on a real ZooKeeper, between two nodes and a writer."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from cluster.ca import DevelopmentCa
from coordination import Member, Membership, Registrar, ZooKeeperSession, new_boot_id
from dispatcher.app import DispatcherService
from dispatcher.config import Config
from service.http_client import InternalClient
from service.tls import TlsFiles
from tests.link_caller import LinkCaller
from tests.link_stub import LinkStub
from tests.support import eventually, started
from tests.tcp_proxy import TcpProxy
from tests.unit.dispatcher.encoded import batch
from tests.zookeeper_server import ZooKeeperServer
from wire.internal import DISPATCH, Batches, encode
from wire.roles import Peer, Role

_numbers = itertools.count(1)


class AnnouncedNode:
    """A node stub with a ZooKeeper session of its own, a member znode and registrations."""

    def __init__(self, ca: DevelopmentCa, folder: Path, name: str, zookeeper: str) -> None:
        self.stub = LinkStub(Role.NODE, ca, folder, name)
        self._zookeeper = zookeeper
        self._tasks: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        await self.stub.start()
        await self.announce()

    async def announce(self) -> None:
        boot_id = new_boot_id()
        self.session = ZooKeeperSession(self._zookeeper, session_timeout_s=10.0)
        await self.session.start(timeout_s=20)
        self.registrar = Registrar(self.session, self.stub.name, boot_id)
        member = Member(Role.NODE, self.stub.name, "127.0.0.1", self.stub.port, boot_id)
        membership = Membership(self.session, member, on_superseded=lambda: None)
        self._tasks = [
            asyncio.create_task(self.registrar.run()),
            asyncio.create_task(membership.run()),
        ]
        await membership.wait_announced()

    async def serve(self, *videos: str) -> None:
        """Register videos and wait until ZooKeeper knows."""
        for video_id in videos:
            self.registrar.register(video_id)
        await eventually(lambda: self.registrar.pending == 0)

    async def leave(self, video_id: str) -> None:
        self.registrar.deregister(video_id)
        await eventually(lambda: self.registrar.pending == 0)

    async def withdraw(self) -> None:
        """Its session ends: everything that it announced is gone."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self.session.stop()

    async def stop(self) -> None:
        await self.withdraw()
        await self.stub.stop()


class Cluster:
    """One dispatcher, nodes a and b, a writer. Names are new for each test."""

    def __init__(self, folder: Path, zookeeper_port: int) -> None:
        self.number = next(_numbers)
        self.ca = DevelopmentCa.new()
        self.folder = folder
        self.proxy = TcpProxy(zookeeper_port)
        self.zookeeper = f"127.0.0.1:{zookeeper_port}"
        self.a, self.b = (self.node(name) for name in ("a", "b"))
        self.name = f"d{self.number}"
        self.ca.issue(Role.DISPATCHER, self.name).write(folder / self.name)
        self.writer = self.client(Role.WRITER, "w1")
        self.link = LinkCaller(self.writer, DISPATCH)

    def node(self, name: str) -> AnnouncedNode:
        return AnnouncedNode(self.ca, self.folder, f"{name}{self.number}", self.zookeeper)

    def client(self, role: Role, name: str) -> InternalClient:
        self.ca.issue(role, name).write(self.folder / name)
        return InternalClient(TlsFiles(self.folder / name), deadline_s=5.0)

    def video(self, name: str = "v") -> str:
        return f"{name}-{self.number}"

    async def start(self) -> None:
        await self.proxy.__aenter__()
        await asyncio.gather(self.a.start(), self.b.start(), self.writer.start())
        self.dispatcher = self.build()
        await self.dispatcher.start()
        self.dispatcher.health.started = True
        await self.link.open(self.peer)

    def build(self, **more: str) -> DispatcherService:
        environ = {
            "SERVICE_ID": self.name,
            "ZOOKEEPER": f"127.0.0.1:{self.proxy.port}",
            "TLS_DIR": str(self.folder / self.name),
            # What must not be over before a test has done its part, on a busy machine.
            "ZOOKEEPER_SESSION_S": "10",
            "ROUTE_WAIT_S": "10",
            "FORWARD_DEADLINE_S": "20",
            "DRAIN_SERVE_S": "3",
            "DRAIN_FLUSH_S": "20",
        }
        return DispatcherService(Config.from_env(environ | more))

    async def stop(self) -> None:
        self.proxy.heal()
        await self.link.close()
        await self.dispatcher.stop()
        await asyncio.gather(self.a.stop(), self.b.stop(), self.writer.stop())
        await self.proxy.__aexit__()

    @property
    def peer(self) -> Peer:
        return Peer(Role.DISPATCHER, self.name, "127.0.0.1", self.dispatcher.internal_port)

    async def dispatch(self, *seqs: int, video: str = "v") -> None:
        batches = Batches(tuple(batch(seq, self.video(video)) for seq in seqs))
        ack = await self.link.hand_over(encode(batches))
        assert not ack.refused

    async def ops(self, path: str) -> tuple[int, bytes]:
        url = f"http://127.0.0.1:{self.dispatcher.ops_port}{path}"
        async with aiohttp.ClientSession() as session, session.get(url) as response:
            return response.status, await response.read()

    async def state(self) -> dict[str, Any]:
        url = f"http://127.0.0.1:{self.dispatcher.ops_port}/state"
        async with aiohttp.ClientSession() as session, session.get(url) as response:
            state: dict[str, Any] = await response.json()
            return state


@pytest.fixture
async def cluster(tmp_path: Path, zookeeper: ZooKeeperServer) -> AsyncIterator[Cluster]:
    async with started(Cluster(tmp_path, zookeeper.port)) as cluster:
        yield cluster
