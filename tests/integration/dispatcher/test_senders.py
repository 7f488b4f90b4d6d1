"""The links to nodes, over real mutual TLS: nodes that are slow, dead, wrong or somebody else."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry

from cluster.ca import DevelopmentCa
from dispatcher.metrics import DispatcherMetrics
from dispatcher.senders import Senders
from service.http_client import InternalClient
from service.link.limits import LinkLimits
from service.link.link import LinkContext
from service.outbox import OutboxLimits
from service.pulse import Pulse
from service.tasks import TaskHome
from service.tls import TlsFiles
from tests.link_stub import LinkStub
from tests.support import eventually
from tests.tcp_proxy import TcpProxy
from tests.unit.dispatcher.encoded import encoded
from wire.internal import FORWARD
from wire.roles import Peer, Role


class Bench:
    def __init__(self, folder: Path) -> None:
        ca = DevelopmentCa.new()
        ca.issue(Role.DISPATCHER, "d1").write(folder / "d1")
        self.a, self.b = (LinkStub(Role.NODE, ca, folder, name) for name in "ab")
        self.client = InternalClient(TlsFiles(folder / "d1"), deadline_s=1.0)
        self.tasks, self.registry = TaskHome(), CollectorRegistry()
        self.stale: list[str] = []
        context = LinkContext(
            lambda peer: self.client.open_link(peer, FORWARD),
            self.tasks,
            Pulse(),
            LinkLimits(ack_deadline_s=1.5),
            OutboxLimits(max_bytes=8 * 1024 * 1024, max_age_s=30.0),
        )
        self.senders = Senders(context, DispatcherMetrics(self.registry), self.stale.append)

    def offer(self, stub: LinkStub, *seqs: int, size: int = 10) -> None:
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


async def test_comments_arrive_in_order_over_one_link(bench: Bench) -> None:
    for seq in range(1, 101):
        bench.offer(bench.a, seq)
        if seq % 10 == 0:
            await bench.idle()
    assert bench.a.got == [("v", seq) for seq in range(1, 101)]
    assert bench.a.callers == {"d1"}
    assert bench.a.opened == 1


async def test_large_bursts_are_split_into_bounded_frames(bench: Bench) -> None:
    bench.offer(bench.a, *range(1, 41), size=100_000)
    await bench.idle()
    assert bench.a.seqs == list(range(1, 41))
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
    assert set(bench.a.seqs) == set(range(1, 51))


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
    await eventually(lambda: bench.count("forwards_failed") >= 3)
    bench.offer(bench.a, *range(2, 2_000), size=10_000)
    assert bench.senders.queued_bytes <= 256 * 1024


async def test_memory_is_flat_with_a_node_that_does_not_acknowledge(bench: Bench) -> None:
    """The window fills, then the queue, and the queue keeps its bound."""
    bench.a.gate.clear()
    bench.offer(bench.a, *range(1, 2_000), size=10_000)
    await eventually(lambda: len(bench.a.seqs) >= 300)  # a window of them
    bench.offer(bench.a, *range(2_000, 4_000), size=10_000)
    assert bench.senders.queued_bytes <= 8 * 1024 * 1024
    bench.a.gate.set()
    await bench.idle()
    assert bench.a.seqs[-1] == 3_999


async def test_a_blackholed_node_is_given_up(bench: Bench) -> None:
    async with TcpProxy(bench.a.port) as proxy:
        far = Peer(Role.NODE, "a", "127.0.0.1", proxy.port)
        bench.senders.offer(far, encoded(1))
        await eventually(lambda: bench.a.seqs == [1])
        await bench.idle()
        proxy.blackhole()
        bench.senders.offer(far, encoded(2))
        await eventually(lambda: bench.senders.failing == ["a"])
        proxy.heal()
        await eventually(lambda: 2 in bench.a.seqs)


async def test_a_node_that_refuses_is_tried_again(bench: Bench) -> None:
    bench.a.refusing = True
    bench.offer(bench.a, 1)
    await eventually(lambda: bench.count("forwards_failed") >= 2)
    bench.a.refusing = False
    await bench.idle()
    assert bench.count("forwarded_comments") == 1


@pytest.mark.parametrize(
    "lie",
    [b"garbage", b'{"taken":7}', b'{"taken":1,"refused":[2]}', b" " * (5 * 1024 * 1024)],
    ids=["garbage", "not sent", "not covered", "too large"],
)
async def test_what_is_no_acknowledgement_breaks_the_link(bench: Bench, lie: bytes) -> None:
    bench.a.lie = lie
    bench.offer(bench.a, 1)
    await eventually(lambda: bench.count("forwards_failed") >= 2)
    bench.a.lie = None
    await bench.idle()
    assert bench.count("forwarded_comments") == 1


async def test_a_frame_that_is_refused_is_dropped_and_the_next_goes_on(bench: Bench) -> None:
    bench.a.lie = b'{"taken":1,"refused":[1]}'
    bench.offer(bench.a, 1)
    await bench.idle()
    bench.a.lie = None
    bench.offer(bench.a, 2)
    await bench.idle()
    assert bench.count("forwarded_comments") == 1
    dropped = "livecomments_forward_dropped_comments_total"
    assert bench.registry.get_sample_value(dropped, {"reason": "refused"}) == 1


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
    assert set(bench.a.seqs) == {1, 2}


async def test_a_link_of_a_node_that_left_is_closed_after_a_while(bench: Bench) -> None:
    bench.senders.set_members([bench.a.peer, bench.b.peer])
    await eventually(lambda: bench.senders.connected == 2)
    bench.senders.sweep({"a"})  # it may be restarting
    assert set(bench.senders.depths) == {"a", "b"}
    bench.senders._close_after_s = 0.0
    bench.senders.sweep({"a"})
    assert set(bench.senders.depths) == {"a"}
    await eventually(lambda: not bench.b.sockets)
    bench.offer(bench.b, 1)  # it is back: a new link
    await bench.idle()
    assert bench.b.seqs == [1]
    bench.senders.close()
    bench.senders.close()
    assert bench.senders.depths == {}
