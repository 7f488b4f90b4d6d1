from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import msgspec
import pytest
from prometheus_client import CollectorRegistry

from cluster.ca import DevelopmentCa
from service.http_client import InternalClient
from service.tasks import TaskHome
from service.tls import TlsFiles
from tests.integration.writer.dispatcher_stub import DispatcherStub
from tests.support import eventually
from wire.internal import Batch
from wire.roles import Peer, Role
from writer import dispatch_sink
from writer.dispatch_sink import DispatchSink
from writer.metrics import WriterMetrics

EPOCH = "abcdefghijkl"


def batch(seq: int, size: int = 10, request_id: str = "") -> Batch:
    raw = msgspec.Raw(b'"%s"' % (b"x" * size))
    return Batch("v", EPOCH, seq, (raw,), request_id=request_id)


class Bench:
    """A sink and two dispatchers; `members` is the order for every video."""

    def __init__(self, ca: DevelopmentCa, folder: Path) -> None:
        ca.issue(Role.WRITER, "w1").write(folder / "w1")
        self.a, self.b = DispatcherStub(ca, folder, "a"), DispatcherStub(ca, folder, "b")
        self.members: Sequence[DispatcherStub] = [self.a, self.b]
        self.client = InternalClient(TlsFiles(folder / "w1"), deadline_s=1.0)
        self.registry, self.tasks, self.now = CollectorRegistry(), TaskHome(), 100.0
        self.sink = DispatchSink(
            self.client,
            self.order,
            self.tasks,
            WriterMetrics(self.registry),
            clock=self.clock,
        )

    def clock(self) -> float:
        self.now += 0.001
        return self.now

    def order(self, _video_id: str) -> list[Peer]:
        return [member.peer for member in self.members]

    def count(self, name: str, **labels: str) -> float:
        return self.registry.get_sample_value(f"livecomments_dispatch_{name}_total", labels) or 0

    async def hold(self) -> None:
        """Dispatcher a has taken batch 1 and does not answer."""
        self.a.gate.clear()
        self.sink.offer(batch(1))
        await eventually(lambda: self.a.requests)


@pytest.fixture(scope="module")
def ca() -> DevelopmentCa:
    return DevelopmentCa.new()


@pytest.fixture
async def bench(ca: DevelopmentCa, tmp_path: Path) -> AsyncIterator[Bench]:
    bench = Bench(ca, tmp_path)
    await bench.client.start()
    await bench.a.start()
    await bench.b.start()
    yield bench
    for stub in (bench.a, bench.b):
        stub.gate.set()
    await bench.sink.stop()
    await bench.tasks.aclose()
    await bench.client.stop()
    await bench.a.stop()
    await bench.b.stop()


async def test_a_batch_reaches_the_first_dispatcher_in_order(bench: Bench) -> None:
    bench.sink.offer(batch(1, request_id="r1"))
    await eventually(lambda: bench.count("sent") == 1)
    assert bench.a.requests == [(batch(1, request_id="r1"),)]
    assert bench.a.request_ids == ["r1"]
    assert bench.b.requests == []
    assert bench.sink.queued == 0


async def test_one_request_at_a_time_carries_all_that_gathered(bench: Bench) -> None:
    await bench.hold()
    for seq in range(2, 102):
        bench.sink.offer(batch(seq))
    assert bench.sink.queued == 100
    bench.a.gate.set()
    await eventually(lambda: bench.count("sent") == 101)
    assert [len(request) for request in bench.a.requests] == [1, 100]
    assert bench.a.most_in_flight == 1


async def test_a_request_has_a_largest_size(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dispatch_sink, "MAX_REQUEST_BYTES", 3_000)
    await bench.hold()
    for seq in range(2, 7):
        bench.sink.offer(batch(seq, size=1_000))
    bench.sink.offer(batch(7, size=5_000))  # larger than that alone: goes alone
    bench.a.gate.set()
    await eventually(lambda: bench.count("sent") == 7)
    assert [len(request) for request in bench.a.requests] == [1, 2, 2, 1, 1]


async def test_a_slow_dispatcher_does_not_delay_another(bench: Bench) -> None:
    await bench.hold()
    bench.members = [bench.b, bench.a]
    bench.sink.offer(batch(2))
    await eventually(lambda: bench.b.seqs == [2])
    assert bench.a.in_flight == 1


async def test_a_full_queue_drops_the_oldest(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dispatch_sink, "MAX_QUEUED", 3)
    await bench.hold()
    for seq in range(2, 7):
        bench.sink.offer(batch(seq))
    assert bench.count("dropped", reason="queue_full") == 2
    bench.a.gate.set()
    await eventually(lambda: bench.count("sent") == 4)
    assert bench.a.seqs == [1, 4, 5, 6]


async def test_a_queue_full_of_bytes_drops_the_oldest(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dispatch_sink, "MAX_QUEUED_BYTES", 3_000)
    await bench.hold()
    for seq in range(2, 6):
        bench.sink.offer(batch(seq, size=1_000))
    assert bench.sink.queued == 2
    assert bench.count("dropped", reason="queue_full") == 2


@pytest.mark.parametrize("fault", ["refusing", "gone", "silent", "impostor"])
async def test_batches_of_a_failed_dispatcher_go_to_the_next_one(
    bench: Bench, ca: DevelopmentCa, tmp_path: Path, fault: str
) -> None:
    if fault == "refusing":
        bench.a.refusing = True
    elif fault == "gone":
        await bench.a.stop()
    elif fault == "silent":
        bench.a.gate.clear()
    else:  # another of our processes answers at that address: not a byte of ours may reach it
        await bench.a.stop()
        impostor = DispatcherStub(ca, tmp_path, "other")
        impostor.port = bench.a.port
        await impostor.start()
    bench.sink.offer(batch(1))
    bench.sink.offer(batch(2))
    await eventually(lambda: bench.b.seqs == [1, 2])
    assert bench.sink.failing == ["a"]
    bench.sink.offer(batch(3))  # straight to the next one now
    await eventually(lambda: bench.b.seqs == [1, 2, 3])
    assert bench.count("failed") == 1
    if fault == "impostor":
        assert impostor.requests == []
        await impostor.stop()


async def test_what_is_queued_behind_a_failure_moves_too(bench: Bench) -> None:
    await bench.hold()
    for seq in range(2, 5):
        bench.sink.offer(batch(seq))
    bench.a.refusing = True
    bench.a.gate.set()
    await eventually(lambda: bench.b.seqs == [1, 2, 3, 4])
    assert bench.a.seqs == [1]


async def test_a_failed_dispatcher_is_preferred_again_after_a_while(bench: Bench) -> None:
    bench.a.refusing = True
    bench.sink.offer(batch(1))
    await eventually(lambda: bench.b.seqs == [1])
    bench.a.refusing = False
    bench.now += dispatch_sink.AVOID_S + 0.1
    bench.sink.offer(batch(2))
    await eventually(lambda: bench.a.seqs == [1, 2])
    assert bench.sink.failing == []


async def test_the_only_dispatcher_is_tried_again(bench: Bench) -> None:
    bench.members = [bench.a]
    bench.a.refusing = True
    bench.sink.offer(batch(1))
    await eventually(lambda: bench.a.requests)
    bench.a.refusing = False
    await eventually(lambda: bench.count("sent") == 1)


async def test_attempts_are_bounded_then_antientropy_has_to_heal(bench: Bench) -> None:
    bench.a.refusing = bench.b.refusing = True
    bench.sink.offer(batch(1))
    await eventually(lambda: bench.count("dropped", reason="attempts") == 1)
    assert bench.count("failed") == dispatch_sink.MAX_ATTEMPTS
    assert len(bench.a.requests) == len(bench.b.requests) == 2
    assert bench.sink.queued == 0


async def test_without_a_dispatcher_batches_are_left_to_antientropy(bench: Bench) -> None:
    bench.members = []
    bench.sink.offer(batch(1))
    assert bench.count("dropped", reason="no_dispatcher") == 1


async def test_a_dispatcher_at_a_new_address_is_found(bench: Bench) -> None:
    bench.members = [bench.a]
    bench.sink.offer(batch(1))
    await eventually(lambda: bench.count("sent") == 1)
    await bench.a.stop()
    bench.a.port = 0
    await bench.a.start()
    bench.sink.offer(batch(2))
    await eventually(lambda: bench.a.seqs == [1, 2])


async def test_stop_sends_what_is_queued(bench: Bench) -> None:
    for seq in range(1, 50):
        bench.sink.offer(batch(seq))
    await bench.sink.stop()
    assert bench.a.seqs == list(range(1, 50))
    bench.sink.offer(batch(50))
    assert bench.count("dropped", reason="stopped") == 1
    await bench.sink.stop()


async def test_stop_does_not_wait_for_ever(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dispatch_sink, "STOP_WITHIN_S", 0.1)
    await bench.hold()
    bench.sink.offer(batch(2))
    await bench.sink.stop()
    assert bench.sink.queued == 0
    assert bench.count("dropped", reason="stopped") == 1
