"""A sender against a node that is a plain callable; the real wire is in tests/integration."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
import structlog
from dispatcher.outbox import OutboxLimits
from dispatcher.sender import NodeSender, SenderConfig
from prometheus_client import CollectorRegistry

from dispatcher.metrics import DispatcherMetrics
from service.logs import add_request_id, bind_request, current_request_id
from tests.support import eventually
from tests.unit.dispatcher.encoded import encoded, node
from wire.errors import PeerError
from wire.internal import FORWARD, ForwardReply, decode_batches, encode
from wire.roles import Peer


class FakeNode:
    """`gate` cleared holds requests; `errors` are raised first, one a request."""

    def __init__(self) -> None:
        self.gate = asyncio.Event()
        self.gate.set()
        self.errors: list[Exception] = []
        self.reply = encode(ForwardReply())
        self.requests: list[list[int]] = []
        self.peers: list[Peer] = []
        self.request_ids: list[str] = []
        self.in_flight = self.most_in_flight = 0

    async def post(
        self, peer: Peer, path: str, body: bytes, *, deadline_s: float | None = None
    ) -> bytes:
        assert path == FORWARD
        assert deadline_s is not None
        self.requests.append([batch.first_seq for batch in decode_batches(body)])
        self.peers.append(peer)
        self.request_ids.append(current_request_id())
        self.in_flight += 1
        self.most_in_flight = max(self.most_in_flight, self.in_flight)
        try:
            await self.gate.wait()
        finally:
            self.in_flight -= 1
        if self.errors:
            raise self.errors.pop(0)
        return self.reply


class Bench:
    def __init__(self, config: SenderConfig) -> None:
        self.node = FakeNode()
        self.registry = CollectorRegistry()
        self.stale: list[str] = []
        metrics = DispatcherMetrics(self.registry)
        self.sender = NodeSender(
            node("n1"), self.node.post, config, metrics, on_not_serving=self.stale.append
        )
        with bind_request("the-request-that-opened-it"):
            self.task = asyncio.create_task(self.sender.run())

    def offer(self, *seqs: int, video_id: str = "v", port: int = 1) -> None:
        for seq in seqs:
            self.sender.offer(node("n1", port), encoded(seq, video_id))

    def count(self, name: str, **labels: str) -> float:
        return self.registry.get_sample_value(f"livecomments_{name}_total", labels) or 0.0

    async def idle(self) -> None:
        await asyncio.wait_for(self.sender.wait_idle(), 10)


def bench_of(**changes: Any) -> Bench:
    return Bench(SenderConfig(**{"first_back_off_s": 0.001, **changes}))


@pytest.fixture
async def bench() -> AsyncIterator[Bench]:
    bench = bench_of()
    yield bench
    bench.sender.close()
    bench.node.gate.set()
    await asyncio.wait_for(bench.task, 10)


async def test_a_comment_alone_goes_out_without_waiting_for_others(bench: Bench) -> None:
    bench.offer(1)
    for _ in range(3):  # turns of the loop, not time
        await asyncio.sleep(0)
    assert bench.node.requests == [[1]]


async def test_what_comes_during_a_request_goes_together_in_the_next(bench: Bench) -> None:
    bench.node.gate.clear()
    bench.offer(1)
    await eventually(lambda: bench.node.in_flight)
    bench.offer(2, 3)
    bench.offer(1, video_id="w")
    assert bench.sender.depth == 4
    bench.node.gate.set()
    await bench.idle()
    assert bench.node.requests == [[1], [2, 3, 1]]
    assert bench.node.most_in_flight == 1


async def test_a_failed_request_is_sent_again_in_order(bench: Bench) -> None:
    bench.node.errors = [PeerError("reset"), PeerError("late")]
    bench.node.gate.clear()
    bench.offer(1, 2)
    await eventually(lambda: bench.node.in_flight)
    bench.offer(3)
    bench.node.gate.set()
    await bench.idle()
    assert bench.node.requests == [[1, 2], [1, 2, 3], [1, 2, 3]]
    assert bench.count("forwards_failed") == 2
    assert bench.count("forwarded_comments") == 3


async def test_a_request_that_the_node_refuses_is_dropped_and_the_next_goes_on(
    bench: Bench,
) -> None:
    bench.node.errors = [PeerError("413", reply_status=413)]
    bench.offer(1)
    await eventually(lambda: bench.node.requests)
    bench.offer(2)
    await bench.idle()
    assert bench.node.requests == [[1], [2]]
    assert bench.count("forward_dropped_comments", reason="refused") == 1


@pytest.mark.parametrize("reply", [b"", b"null", b"[]", b"\xff", b'{"not_serving": 7}', b"<html>"])
async def test_a_garbled_reply_counts_as_a_failure(bench: Bench, reply: bytes) -> None:
    bench.node.reply = reply
    bench.offer(1)
    await eventually(lambda: bench.count("forwards_failed") >= 1)
    bench.node.reply = b"{}"
    await bench.idle()
    assert set(map(tuple, bench.node.requests)) == {(1,)}


async def test_videos_that_the_node_does_not_serve_are_reported_once(bench: Bench) -> None:
    bench.node.reply = encode(ForwardReply(("w", "w", "never-asked")))
    bench.offer(1, 2, video_id="w")
    bench.offer(1, video_id="v")
    await bench.idle()
    assert bench.stale == ["w"]
    assert bench.count("not_serving") == 1


async def test_a_node_that_does_not_answer_gets_a_small_queue_until_it_does() -> None:
    bench = bench_of(limits=OutboxLimits(max_batches=320), max_back_off_s=0.002)
    bench.node.errors = [PeerError("refused")] * 1_000
    for seq in range(1, 400):
        bench.offer(seq)
    await eventually(lambda: bench.sender.failing)
    assert bench.sender.depth <= 10
    bench.offer(*range(400, 500))
    assert bench.sender.depth <= 20
    bench.node.errors.clear()
    await bench.idle()
    assert not bench.sender.failing
    assert bench.node.requests[-1][-1] == 499
    bench.node.gate.clear()
    bench.offer(*range(500, 700))
    assert bench.sender.depth == 200  # room again
    bench.sender.close()
    bench.node.gate.set()
    await asyncio.wait_for(bench.task, 10)


async def test_what_waited_too_long_for_a_node_is_dropped() -> None:
    bench = bench_of(limits=OutboxLimits(max_age_s=0.05), max_back_off_s=0.01)
    bench.node.errors = [PeerError("refused")] * 1_000
    bench.offer(1)
    await bench.idle()
    assert bench.count("forward_dropped_comments", reason="late") == 1
    bench.sender.close()
    await asyncio.wait_for(bench.task, 10)


async def test_a_node_that_came_back_elsewhere_is_called_there_at_once() -> None:
    bench = bench_of(first_back_off_s=1_000, max_back_off_s=1_000)
    bench.node.errors = [PeerError("refused")]
    bench.offer(1)
    await eventually(lambda: bench.count("forwards_failed") == 1)
    bench.offer(2, port=2)
    await bench.idle()
    assert [peer.port for peer in bench.node.peers] == [1, 2]
    assert bench.node.requests[-1] == [1, 2]
    bench.sender.close()
    await asyncio.wait_for(bench.task, 10)


async def test_closing_wakes_a_sender_that_backs_off() -> None:
    bench = bench_of(first_back_off_s=1_000, max_back_off_s=1_000)
    bench.node.errors = [PeerError("refused")]
    bench.offer(1)
    await eventually(lambda: bench.count("forwards_failed") == 1)
    bench.sender.close()
    await asyncio.wait_for(bench.task, 10)
    assert bench.count("forward_dropped_comments", reason="late") == 1
    await bench.idle()


async def test_closing_wakes_an_idle_sender(bench: Bench) -> None:
    bench.sender.close()
    bench.sender.close()
    await asyncio.wait_for(bench.task, 10)


async def test_a_forward_carries_the_request_id_of_the_post(bench: Bench) -> None:
    bench.offer(5)
    await bench.idle()
    assert bench.node.request_ids == ["request-5"]


async def test_the_back_off_log_has_no_stale_request_id(bench: Bench) -> None:
    bench.node.errors = [PeerError("refused")] * 3
    with structlog.testing.capture_logs(processors=[add_request_id]) as lines:
        bench.offer(5)
        await bench.idle()
    events = {line["event"]: line for line in lines}
    assert set(events) == {"node_does_not_answer", "node_answers_again"}
    assert all("request_id" not in line for line in lines)


@pytest.mark.parametrize(
    ("failures", "longest"), [(1, 0.5), (2, 1.0), (3, 2.0), (4, 4.0), (5, 4.0), (10**6, 4.0)]
)
async def test_back_off_doubles_to_its_cap_with_jitter(failures: int, longest: float) -> None:
    bench = bench_of(first_back_off_s=0.5, max_back_off_s=4.0)
    bench.sender._failures = failures
    delays = [bench.sender._delay_s() for _ in range(100)]
    assert longest / 2 <= min(delays) < max(delays) <= longest
    bench.sender.close()
    await asyncio.wait_for(bench.task, 10)
