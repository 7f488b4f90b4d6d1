from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry

from coordination import RouteUnknown
from dispatcher import router as router_module
from dispatcher.metrics import DispatcherMetrics
from dispatcher.router import Router, decide
from service.tasks import TaskHome
from tests.support import eventually
from tests.unit.dispatcher.encoded import batch, node
from wire.encoded_batch import EncodedBatch
from wire.internal import MAX_INTERNAL_BYTES
from wire.roles import Peer

ids = st.sampled_from([f"node-{number}" for number in range(8)])


class FakeRoutes:
    """Routes in memory, and others that `answer` gives when it likes."""

    def __init__(self) -> None:
        self.known: dict[str, frozenset[str]] = {}
        self.asked: dict[str, asyncio.Future[frozenset[str]]] = {}

    def find(self, video_id: str) -> frozenset[str] | None:
        return self.known.get(video_id)

    async def resolve(self, video_id: str, timeout_s: float = 2.0) -> frozenset[str]:
        future = self.asked.setdefault(video_id, asyncio.get_running_loop().create_future())
        return await asyncio.shield(future)

    def answer(self, video_id: str, *nodes: str) -> None:
        self.known[video_id] = frozenset(nodes)
        future = self.asked.setdefault(video_id, asyncio.get_running_loop().create_future())
        future.set_result(frozenset(nodes))


class Sent:
    """What each node was sent."""

    def __init__(self) -> None:
        self.members: list[str] = []
        self.got: dict[str, list[tuple[str, str]]] = {}

    def set_members(self, peers: Iterable[Peer]) -> None:
        self.members = [peer.id for peer in peers]

    def offer(self, peer: Peer, encoded: EncodedBatch) -> None:
        sent = (encoded.video_id, encoded.request_id.removeprefix("request-"))
        self.got.setdefault(peer.id, []).append(sent)


class Bench:
    def __init__(self) -> None:
        self.routes, self.tasks, self.registry = FakeRoutes(), TaskHome(), CollectorRegistry()
        self.sent = Sent()
        metrics = DispatcherMetrics(self.registry)
        self.router = Router(self.routes, self.sent, self.tasks, metrics)
        self.router.set_members([node("a"), node("b")])

    @property
    def got(self) -> dict[str, list[tuple[str, int]]]:
        return {
            node_id: [(video_id, int(seq)) for video_id, seq in sent]
            for node_id, sent in self.sent.got.items()
        }

    def count(self, outcome: str) -> float:
        name = "livecomments_dispatched_batches_total"
        return self.registry.get_sample_value(name, {"outcome": outcome}) or 0.0


@pytest.fixture
async def bench() -> AsyncIterator[Bench]:
    bench = Bench()
    yield bench
    await bench.tasks.aclose()


async def test_each_batch_goes_to_the_nodes_of_its_video(bench: Bench) -> None:
    bench.routes.known = {"v": frozenset("a"), "w": frozenset("ab"), "x": frozenset()}
    bench.router.route([batch(1, "v"), batch(2, "w"), batch(3, "x")])
    assert bench.got == {"a": [("v", 1), ("w", 2)], "b": [("w", 2)]}
    assert (bench.count("routed"), bench.count("no_node")) == (2, 1)


async def test_a_registered_node_that_is_no_member_is_counted(bench: Bench) -> None:
    bench.routes.known = {"v": frozenset(["a", "gone"])}
    bench.router.route([batch(1)])
    assert bench.got == {"a": [("v", 1)]}
    assert bench.registry.get_sample_value("livecomments_route_unknown_nodes_total") == 1


async def test_an_unknown_route_is_waited_for(bench: Bench) -> None:
    bench.router.route([batch(1)])
    await eventually(lambda: "v" in bench.routes.asked)
    assert bench.got == {}
    bench.routes.answer("v", "a")
    await bench.router.wait_routed()
    assert bench.got == {"a": [("v", 1)]}


async def test_an_unknown_route_delays_no_known_one(bench: Bench) -> None:
    bench.routes.known = {"known": frozenset("a")}
    bench.router.route([batch(1, "unknown"), batch(1, "known")])
    assert bench.got == {"a": [("known", 1)]}
    assert bench.router.waiting == 1
    bench.routes.answer("unknown", "b")
    await bench.router.wait_routed()
    assert bench.got["b"] == [("unknown", 1)]


async def test_batches_that_wait_for_one_route_keep_their_order(bench: Bench) -> None:
    bench.router.route([batch(1), batch(2)])
    bench.router.route([batch(3)])
    bench.routes.answer("v", "a")
    await bench.router.wait_routed()
    assert bench.got == {"a": [("v", 1), ("v", 2), ("v", 3)]}


async def test_what_cannot_be_routed_is_counted_and_no_error(bench: Bench) -> None:
    bench.router.route([batch(1)])
    await eventually(lambda: "v" in bench.routes.asked)
    bench.routes.asked["v"].set_exception(RouteUnknown("away"))
    await bench.router.wait_routed()
    assert (bench.count("unrouted"), bench.router.waiting) == (1, 0)


async def test_no_more_than_so_many_batches_wait(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(router_module, "MAX_WAITING", 3)
    bench.router.route([batch(seq) for seq in range(1, 6)])
    assert (bench.router.waiting, bench.count("queue_full")) == (3, 2)


async def test_no_more_than_so_many_bytes_wait(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(router_module, "MAX_WAITING_BYTES", 1_000)
    bench.router.route([batch(seq, size=600) for seq in range(1, 6)])
    assert (bench.router.waiting, bench.count("queue_full")) == (2, 3)
    bench.routes.answer("v", "a")
    await bench.router.wait_routed()
    bench.routes.known.clear()
    bench.routes.asked.clear()
    bench.router.route([batch(9)])
    assert bench.router.waiting == 1  # the room was given back


async def test_a_batch_too_large_for_any_forward_is_counted(bench: Bench) -> None:
    bench.router.route([batch(1, size=MAX_INTERNAL_BYTES)])
    assert bench.count("too_large") == 1


async def test_the_senders_are_told_of_the_members(bench: Bench) -> None:
    bench.router.set_members([node("b"), node("c")])
    assert bench.sent.members == ["b", "c"]


def test_a_batch_goes_to_the_registered_nodes_and_to_nobody_else() -> None:
    members = {name: node(name) for name in ("a", "b", "c")}
    assert {peer.id for peer in decide({"a", "c"}, members).peers} == {"a", "c"}


def test_an_empty_route_sends_nothing() -> None:
    decision = decide(frozenset(), {"a": node("a")})
    assert (decision.peers, decision.unknown) == ((), 0)


def test_a_registration_without_a_member_is_counted_and_passed_over() -> None:
    decision = decide({"a", "gone"}, {"a": node("a")})
    assert ([peer.id for peer in decision.peers], decision.unknown) == (["a"], 1)


@given(st.frozensets(ids), st.frozensets(ids))
def test_each_registered_member_is_chosen_once(
    route: frozenset[str], known: frozenset[str]
) -> None:
    decision = decide(route, {name: node(name) for name in known})
    assert sorted(peer.id for peer in decision.peers) == sorted(route & known)
    assert decision.unknown == len(route - known)
