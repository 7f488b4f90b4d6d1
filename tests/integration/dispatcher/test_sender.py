"""Senders over real mutual TLS: nodes that are slow, dead, wrong or somebody else."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from dispatcher.outbox import OutboxLimits
from dispatcher.sender import SenderConfig
from prometheus_client import CollectorRegistry

from cluster.ca import DevelopmentCa
from dispatcher.metrics import DispatcherMetrics
from dispatcher.senders import Senders
from service.http_client import InternalClient
from service.tasks import TaskHome
from service.tls import TlsFiles
from tests.integration.dispatcher.node_stub import NodeStub
from tests.support import eventually
from tests.tcp_proxy import TcpProxy
from tests.unit.dispatcher.encoded import encoded
from wire.roles import Peer, Role


class Bench:
    def __init__(self, folder: Path) -> None:
        ca = DevelopmentCa.new()
        ca.issue(Role.DISPATCHER, "d1").write(folder / "d1")
        self.a, self.b = NodeStub(ca, folder, "a"), NodeStub(ca, folder, "b")
        self.client = InternalClient(TlsFiles(folder / "d1"))
        self.tasks, self.registry = TaskHome(), CollectorRegistry()
        self.stale: list[str] = []
        self.senders = Senders(
            self.client.post,
            self.tasks,
            DispatcherMetrics(self.registry),
            self.stale.append,
            config=SenderConfig(
                limits=OutboxLimits(max_age_s=30.0), deadline_s=0.5, max_back_off_s=0.05
            ),
        )

    def offer(self, stub: NodeStub, *seqs: int, size: int = 10) -> None:
        for seq in seqs:
            self.senders.offer(stub.peer, encoded(seq, size=size))

    def count(self, name: str) -> float:
        return self.registry.get_sample_value(f"livecomments_{name}_total") or 0.0

    async def idle(self) -> None:
        await asyncio.wait_for(self.senders.wait_idle(), 20)


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    bench = Bench(tmp_path)
    await asyncio.gather(bench.a.start(), bench.b.start(), bench.client.start())
    yield bench
    bench.senders.close()
    await bench.tasks.aclose()
    await bench.client.stop()
    await asyncio.gather(bench.a.stop(), bench.b.stop())


async def test_comments_arrive_in_order_over_one_connection(bench: Bench) -> None:
    for seq in range(1, 101):
        bench.offer(bench.a, seq)
        if seq % 10 == 0:
            await bench.idle()
    assert bench.a.got == [("v", seq) for seq in range(1, 101)]
    assert bench.a.callers == {"d1"}
    assert len(bench.a.connections) == 1


async def test_large_bursts_are_split_into_bounded_requests(bench: Bench) -> None:
    bench.offer(bench.a, *range(1, 41), size=100_000)
    await bench.idle()
    assert [seq for _, seq in bench.a.got] == list(range(1, 41))
    assert 4 <= len(bench.a.requests) <= 6


async def test_a_slow_node_does_not_delay_another(bench: Bench) -> None:
    bench.a.gate.clear()
    bench.offer(bench.a, 1)
    await eventually(lambda: bench.a.requests)
    for seq in range(1, 51):
        bench.offer(bench.a, seq)
        bench.offer(bench.b, seq)
        await eventually(lambda: len(bench.b.got) == seq)  # noqa: B023
    assert len(bench.a.requests) >= 1
    bench.a.gate.set()
    await bench.idle()
    assert {seq for _, seq in bench.a.got} == set(range(1, 51))


async def test_a_node_that_restarts_gets_what_waited(bench: Bench) -> None:
    bench.offer(bench.a, 1)
    await bench.idle()
    await bench.a.stop()
    bench.offer(bench.a, 2)
    await eventually(lambda: bench.count("forwards_failed") >= 3)
    bench.offer(bench.a, 3)
    assert bench.senders.failing == ["a"]
    await bench.a.start()
    await eventually(lambda: bench.a.got == [("v", 1), ("v", 2), ("v", 3)])
    await eventually(lambda: not bench.senders.failing)


async def test_memory_is_flat_with_a_dead_target(bench: Bench) -> None:
    await bench.a.stop()
    bench.offer(bench.a, 1)
    await eventually(lambda: bench.senders.failing)
    bench.offer(bench.a, *range(2, 2_000), size=10_000)
    assert bench.senders.queued_bytes <= 256 * 1024


async def test_a_blackholed_node_is_given_up_at_the_deadline(bench: Bench) -> None:
    async with TcpProxy(bench.a.port) as proxy:
        proxy.blackhole()
        far = Peer(Role.NODE, "a", "127.0.0.1", proxy.port)
        started = time.monotonic()
        bench.senders.offer(far, encoded(1))
        await eventually(lambda: bench.count("forwards_failed") == 1)
        assert 0.4 < time.monotonic() - started < 5
        proxy.heal()
        await eventually(lambda: bench.a.got)


@pytest.mark.parametrize("status", [500, 503, 302, 204])
async def test_a_status_other_than_200_is_tried_again(bench: Bench, status: int) -> None:
    bench.a.status = status
    bench.offer(bench.a, 1)
    await eventually(lambda: bench.count("forwards_failed") >= 2)
    bench.a.status = 200
    await bench.idle()
    assert bench.count("forwarded_comments") == 1


async def test_an_endless_reply_is_a_failure(bench: Bench) -> None:
    bench.a.garbage = b" " * (5 * 1024 * 1024)
    bench.offer(bench.a, 1)
    await eventually(lambda: bench.count("forwards_failed") >= 1)
    bench.a.garbage = None
    await bench.idle()


async def test_videos_not_served_are_reported(bench: Bench) -> None:
    bench.a.unserved = {"v"}
    bench.offer(bench.a, 1)
    await bench.idle()
    assert bench.stale == ["v"]


async def test_an_address_that_belongs_to_another_node_gets_nothing(bench: Bench) -> None:
    """A stale or forged znode says that node a is where node b is."""
    forged = Peer(Role.NODE, "a", "127.0.0.1", bench.b.port)
    bench.senders.offer(forged, encoded(1))
    await eventually(lambda: bench.count("forwards_failed") >= 2)
    assert bench.b.requests == []
    bench.offer(bench.a, 2)
    await bench.idle()
    assert {seq for _, seq in bench.a.got} == {1, 2}
