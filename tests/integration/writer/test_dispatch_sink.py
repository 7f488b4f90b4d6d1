from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec
import pytest

from cluster.ca import DevelopmentCa
from service.http_client import InternalClient
from service.link.limits import LinkLimits
from service.link.link import LinkContext
from service.outbox import OutboxLimits
from service.pulse import Pulse
from service.tasks import TaskHome
from service.tls import TlsFiles
from tests.link_stub import LinkStub
from tests.support import eventually
from wire.internal import DISPATCH, MAX_INTERNAL_BYTES, Batch
from wire.roles import Role
from writer import dispatch_sink
from writer.dispatch_sink import DispatchSink

EPOCH = "abcdefghijkl"


def batch(seq: int, size: int = 10, request_id: str = "") -> Batch:
    raw = msgspec.Raw(b'"%s"' % (b"x" * size))
    return Batch("v", EPOCH, seq, (raw,), request_id=request_id)


@dataclass
class FixedOrder:
    """The same order for every video."""

    names: list[str]

    def order(self, _video_id: str) -> Sequence[str]:
        return self.names

    def set_members(self, ids: Iterable[str]) -> None:
        self.names = sorted(ids)


class Bench:
    """A sink and two dispatchers, a before b."""

    def __init__(self, ca: DevelopmentCa, folder: Path) -> None:
        ca.issue(Role.WRITER, "w1").write(folder / "w1")
        self.a, self.b = (LinkStub(Role.DISPATCHER, ca, folder, name) for name in "ab")
        self.client = InternalClient(TlsFiles(folder / "w1"), deadline_s=1.0)
        self.tasks = TaskHome()
        self.order = FixedOrder([])

    def build(
        self,
        outbox: OutboxLimits | None = None,
        window_bytes: int = 4_000_000,
        ack_deadline_s: float = 60.0,
    ) -> None:
        context = LinkContext(
            lambda peer: self.client.open_link(peer, DISPATCH),
            self.tasks,
            Pulse(),
            LinkLimits(window_bytes=window_bytes, ack_deadline_s=ack_deadline_s),
            outbox or OutboxLimits(max_age_s=60.0),
        )
        self.sink = DispatchSink(self.order, context)
        self.stats = self.sink.stats

    def know(self, *stubs: LinkStub) -> None:
        self.sink.set_peers(stub.peer for stub in stubs)

    async def connect(self, outbox: OutboxLimits | None = None, window_bytes: int = 1) -> None:
        """Both are connected; of what is sent one frame may be in flight."""
        self.build(outbox, window_bytes)
        self.know(self.a, self.b)
        await eventually(lambda: all(self.sink.links.values()))

    async def hold(self) -> None:
        """Dispatcher a has taken batch 1 and does not acknowledge it."""
        self.a.gate.clear()
        self.sink.offer(batch(1))
        await eventually(lambda: self.a.requests)

    def sent(self, count: int) -> Callable[[], bool]:
        return lambda: self.stats.sent == count


@pytest.fixture(scope="module")
def ca() -> DevelopmentCa:
    return DevelopmentCa.new()


@pytest.fixture
async def bench(ca: DevelopmentCa, tmp_path: Path) -> AsyncIterator[Bench]:
    bench = Bench(ca, tmp_path)
    bench.build()
    await asyncio.gather(bench.client.start(), bench.a.start(), bench.b.start())
    yield bench
    for stub in (bench.a, bench.b):
        stub.gate.set()
    await bench.sink.stop()
    await bench.tasks.aclose()
    await bench.client.stop()
    await asyncio.gather(bench.a.stop(), bench.b.stop())


async def test_a_batch_reaches_the_first_dispatcher_in_order(bench: Bench) -> None:
    bench.know(bench.a, bench.b)
    bench.sink.offer(batch(1, request_id="r1"))
    await eventually(bench.sent(1))
    assert bench.a.requests == [(batch(1, request_id="r1"),)]
    assert bench.b.requests == []
    assert bench.sink.queued == 0


async def test_what_gathers_while_the_window_is_full_goes_together(bench: Bench) -> None:
    await bench.connect()
    await bench.hold()
    for seq in range(2, 102):
        bench.sink.offer(batch(seq))
    assert bench.sink.queued == 100
    bench.a.gate.set()
    await eventually(bench.sent(101))
    assert [len(request) for request in bench.a.requests] == [1, 100]


async def test_several_batches_are_in_flight(bench: Bench) -> None:
    await bench.connect(window_bytes=4_000_000)
    await bench.hold()
    for seq in range(2, 11):
        bench.sink.offer(batch(seq))
        await eventually(lambda: bench.a.seqs[-1] == seq)  # noqa: B023
    assert (bench.stats.sent, bench.sink.queued) == (0, 0)
    bench.a.gate.set()
    await eventually(bench.sent(10))
    assert bench.a.seqs == list(range(1, 11))


async def test_a_frame_has_a_largest_size(bench: Bench) -> None:
    await bench.connect(OutboxLimits(message_bytes=3_000, max_age_s=60.0))
    await bench.hold()
    for seq in range(2, 7):
        bench.sink.offer(batch(seq, size=1_000))
    bench.sink.offer(batch(7, size=5_000))  # larger than that alone: goes alone
    bench.a.gate.set()
    await eventually(bench.sent(7))
    assert [len(request) for request in bench.a.requests] == [1, 2, 2, 1, 1]


async def test_a_batch_that_no_frame_can_carry_is_counted(bench: Bench) -> None:
    bench.sink.offer(batch(1, size=MAX_INTERNAL_BYTES))
    assert bench.stats.dropped == {"too_large": 1}


async def test_a_slow_dispatcher_does_not_delay_another(bench: Bench) -> None:
    await bench.connect()
    await bench.hold()
    bench.order.names = ["b", "a"]
    bench.sink.offer(batch(2))
    await eventually(lambda: bench.b.seqs == [2])
    assert bench.a.seqs == [1]


async def test_a_full_queue_drops_the_oldest(bench: Bench) -> None:
    await bench.connect(OutboxLimits(max_batches=3, max_age_s=60.0))
    await bench.hold()
    for seq in range(2, 7):
        bench.sink.offer(batch(seq))
    assert bench.stats.dropped == {"queue_full": 2}
    bench.a.gate.set()
    await eventually(bench.sent(4))
    assert bench.a.seqs == [1, 4, 5, 6]


@pytest.mark.parametrize("fault", ["refusing", "gone", "silent", "mute", "impostor"])
async def test_batches_of_a_failed_dispatcher_go_to_the_next_one(
    bench: Bench, ca: DevelopmentCa, tmp_path: Path, fault: str
) -> None:
    if fault == "refusing":
        bench.a.refusing = True
    elif fault == "gone":
        await bench.a.stop()
    elif fault == "silent":  # it reads, and says nothing at all
        bench.a.silent = True
    elif fault == "mute":  # it reads, says that it lives, and acknowledges nothing
        bench.build(ack_deadline_s=1.5)
        bench.a.gate.clear()
    else:  # another of our processes answers at that address: not a byte of ours may reach it
        await bench.a.stop()
        impostor = LinkStub(Role.DISPATCHER, ca, tmp_path, "other")
        impostor.port = bench.a.port
        await impostor.start()
    bench.know(bench.a, bench.b)
    bench.sink.offer(batch(1))
    bench.sink.offer(batch(2))
    await eventually(lambda: bench.b.seqs == [1, 2])
    assert bench.stats.failed >= 1
    bench.sink.offer(batch(3))  # straight to the next one now
    await eventually(lambda: bench.b.seqs == [1, 2, 3])
    if fault == "impostor":
        assert impostor.requests == []
        await impostor.stop()


async def test_what_is_queued_behind_a_failure_moves_too(bench: Bench) -> None:
    await bench.connect()
    await bench.hold()
    for seq in range(2, 5):
        bench.sink.offer(batch(seq))
    bench.a.refusing = True
    await bench.a.hang_up()
    await eventually(lambda: bench.b.seqs == [1, 2, 3, 4])
    assert bench.a.seqs == [1]


async def test_five_thousand_batches_in_flight_when_a_dispatcher_dies(bench: Bench) -> None:
    await bench.connect(window_bytes=16_000_000)
    bench.a.gate.clear()
    for seq in range(1, 5_001):
        bench.sink.offer(batch(seq))
    await eventually(lambda: len(bench.a.seqs) == 5_000)
    bench.a.refusing = True
    await bench.a.hang_up()
    await eventually(lambda: bench.b.seqs == list(range(1, 5_001)))
    await eventually(bench.sent(5_000))
    assert not bench.stats.dropped


async def test_a_failed_dispatcher_is_preferred_again_when_it_is_back(bench: Bench) -> None:
    bench.a.refusing = True
    bench.know(bench.a, bench.b)
    bench.sink.offer(batch(1))
    await eventually(lambda: bench.b.seqs == [1])
    bench.a.refusing = False
    await eventually(lambda: all(bench.sink.links.values()))
    bench.sink.offer(batch(2))
    await eventually(lambda: bench.a.seqs == [2])


async def test_the_only_dispatcher_is_tried_again(bench: Bench) -> None:
    bench.a.refusing = True
    bench.know(bench.a)
    bench.sink.offer(batch(1))
    await eventually(lambda: bench.sink.problem == "all failing")
    bench.a.refusing = False
    await eventually(bench.sent(1))
    await eventually(lambda: bench.sink.problem is None)


async def test_attempts_are_bounded_then_antientropy_has_to_heal(bench: Bench) -> None:
    bench.a.lie = bench.b.lie = b"not an acknowledgement"
    bench.know(bench.a, bench.b)
    bench.sink.offer(batch(1))
    await eventually(lambda: bench.stats.dropped == {"attempts": 1})
    assert len(bench.a.requests) + len(bench.b.requests) == dispatch_sink.MAX_ATTEMPTS
    assert bench.sink.queued == 0


async def test_without_a_dispatcher_batches_are_left_to_antientropy(bench: Bench) -> None:
    assert bench.sink.problem == "none known"
    bench.sink.offer(batch(1))
    assert bench.stats.dropped == {"no_peer": 1}


async def test_what_a_dispatcher_that_leaves_did_not_take_goes_elsewhere(bench: Bench) -> None:
    await bench.connect()
    await bench.hold()
    bench.sink.offer(batch(2))
    bench.know(bench.b)
    await eventually(lambda: bench.b.seqs == [1, 2])
    assert bench.sink.links == {"b": True}


async def test_a_dispatcher_at_a_new_address_is_found(bench: Bench) -> None:
    bench.know(bench.a)
    bench.sink.offer(batch(1))
    await eventually(bench.sent(1))
    await bench.a.stop()
    bench.a.port = 0
    await bench.a.start()
    bench.know(bench.a)
    bench.sink.offer(batch(2))
    await eventually(lambda: bench.a.seqs == [1, 2])


async def test_stop_sends_what_is_queued(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dispatch_sink, "STOP_WITHIN_S", 20.0)
    bench.know(bench.a)
    for seq in range(1, 50):
        bench.sink.offer(batch(seq))
    await bench.sink.stop()
    assert bench.a.seqs == list(range(1, 50))
    bench.sink.offer(batch(50))
    assert bench.stats.dropped == {"stopped": 1}
    await bench.sink.stop()


async def test_stop_does_not_wait_for_ever(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dispatch_sink, "STOP_WITHIN_S", 0.1)
    await bench.connect()
    await bench.hold()
    bench.sink.offer(batch(2))
    await bench.sink.stop()
    assert bench.sink.queued == 0
    await eventually(lambda: bench.stats.dropped == {"stopped": 2})
