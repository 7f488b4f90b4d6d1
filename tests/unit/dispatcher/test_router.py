from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry

from coordination import RouteUnknown
from dispatcher import router as router_module
from dispatcher.metrics import DispatcherMetrics
from dispatcher.router import Router, decide
from dispatcher.senders import Senders
from service.tasks import TaskHome
from tests.support import eventually
from tests.unit.dispatcher.encoded import batch, node
from wire.internal import MAX_INTERNAL_BYTES, decode_batches
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
        self.asked[video_id].set_result(frozenset(nodes))


class Bench:
    def __init__(self) -> None:
        self.routes, self.tasks, self.registry = FakeRoutes(), TaskHome(), CollectorRegistry()
        self.got: dict[str, list[tuple[str, int]]] = {}
        metrics = DispatcherMetrics(self.registry)
        self.senders = Senders(
            self.post, self.tasks, metrics, lambda _video_id: None, close_after_s=0.0
        )
        self.router = Router(self.routes, self.senders, self.tasks, metrics)
        self.router.set_members([node("a"), node("b")])

    async def post(
        self, peer: Peer, path: str, body: bytes, *, deadline_s: float | None = None
    ) -> bytes:
        sent = ((one.video_id, one.first_seq) for one in decode_batches(body))
        self.got.setdefault(peer.id, []).extend(sent)
        return b"{}"

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
    await bench.router.route([batch(1, "v"), batch(2, "w"), batch(3, "x")])
    await bench.senders.wait_idle()
    assert bench.got == {"a": [("v", 1), ("w", 2)], "b": [("w", 2)]}
    assert (bench.count("routed"), bench.count("no_node")) == (2, 1)


async def test_a_registered_node_that_is_no_member_is_counted(bench: Bench) -> None:
    bench.routes.known = {"v": frozenset(["a", "gone"])}
    await bench.router.route([batch(1)])
    await bench.senders.wait_idle()
    assert bench.got == {"a": [("v", 1)]}
    assert bench.registry.get_sample_value("livecomments_route_unknown_nodes_total") == 1


async def test_an_unknown_route_is_waited_for(bench: Bench) -> None:
    taken = asyncio.create_task(bench.router.route([batch(1)]))
    await eventually(lambda: "v" in bench.routes.asked)
    assert not taken.done()
    bench.routes.answer("v", "a")
    await taken
    assert set(bench.senders.depths) == {"a"}


async def test_an_unknown_route_delays_neither_the_known_ones_nor_the_reply(bench: Bench) -> None:
    bench.routes.known = {"known": frozenset("a")}
    await bench.router.route([batch(1, "unknown"), batch(1, "known")])
    assert bench.got == {"a": [("known", 1)]}
    assert bench.router.waiting == 1
    bench.routes.answer("unknown", "b")
    await bench.router.wait_routed()
    await bench.senders.wait_idle()
    assert bench.got["b"] == [("unknown", 1)]


async def test_batches_that_wait_for_one_route_keep_their_order(bench: Bench) -> None:
    await bench.router.route([batch(1), batch(2)])
    await bench.router.route([batch(3)])
    bench.routes.answer("v", "a")
    await bench.router.wait_routed()
    await bench.senders.wait_idle()
    assert bench.got == {"a": [("v", 1), ("v", 2), ("v", 3)]}


async def test_what_cannot_be_routed_is_counted_and_no_error(bench: Bench) -> None:
    taken = asyncio.create_task(bench.router.route([batch(1)]))
    await eventually(lambda: "v" in bench.routes.asked)
    bench.routes.asked["v"].set_exception(RouteUnknown("away"))
    await taken
    assert (bench.count("unrouted"), bench.router.waiting) == (1, 0)


async def test_no_more_than_so_many_batches_wait(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(router_module, "MAX_WAITING", 3)
    await bench.router.route([batch(seq) for seq in range(1, 6)])
    assert (bench.router.waiting, bench.count("queue_full")) == (3, 2)


async def test_no_more_than_so_many_bytes_wait(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(router_module, "MAX_WAITING_BYTES", 1_000)
    await bench.router.route([batch(seq, size=600) for seq in range(1, 6)])
    assert (bench.router.waiting, bench.count("queue_full")) == (2, 3)
    bench.routes.answer("v", "a")
    await bench.router.wait_routed()
    bench.routes.known.clear()
    bench.routes.asked.clear()
    await bench.router.route([batch(9)])
    assert bench.router.waiting == 1  # the room was given back


async def test_a_batch_too_large_for_any_forward_is_counted(bench: Bench) -> None:
    await bench.router.route([batch(1, size=MAX_INTERNAL_BYTES)])
    assert bench.count("too_large") == 1


async def test_senders_of_nodes_that_left_are_closed_after_a_while(bench: Bench) -> None:
    bench.routes.known = {"v": frozenset("ab")}
    await bench.router.route([batch(1)])
    await bench.senders.wait_idle()
    bench.senders.sweep({"a"})
    assert set(bench.senders.depths) == {"a"}
    await bench.router.route([batch(2)])  # it is back: a new sender
    await bench.senders.wait_idle()
    assert bench.got["b"] == [("v", 1), ("v", 2)]


async def test_a_node_that_is_only_restarting_keeps_its_sender(bench: Bench) -> None:
    bench.senders._close_after_s = 1_000
    bench.routes.known = {"v": frozenset("ab")}
    await bench.router.route([batch(1)])
    bench.senders.sweep({"a"})
    bench.senders.sweep({"a", "b"})
    assert set(bench.senders.depths) == {"a", "b"}
    bench.senders.close()
    bench.senders.close()
    assert bench.senders.depths == {}


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
