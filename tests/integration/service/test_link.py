"""Links over real mutual TLS, with everything that can happen to them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest

from cluster.ca import DevelopmentCa
from service.http_client import InternalClient
from service.http_server import HttpServer
from service.link import exchange
from service.link.application import link_application
from service.link.flight import Frame
from service.link.limits import MAX_PER_CALLER, LinkLimits
from service.link.link import Link, LinkContext
from service.link.listener import LinkListener
from service.outbox import Dropped, OutboxLimits, Queued
from service.pulse import Pulse
from service.tasks import TaskHome
from service.tls import TlsFiles
from tests.integration.service.pki import Pki
from tests.link_caller import LinkCaller
from tests.support import eventually
from tests.tcp_proxy import TcpProxy
from tests.unit.dispatcher.encoded import encoded
from wire.encoded_batch import EncodedBatch, join_batches
from wire.errors import LivecommentsError, PeerError
from wire.internal import MAX_INTERNAL_BYTES, Batch
from wire.link import Ack
from wire.roles import Peer, Role

PATH = "/internal/test"
MIB = 1024 * 1024


class Owner:
    """Of a link; sends again on the same one, as a dispatcher does."""

    def __init__(self) -> None:
        self.taken = 0
        self.not_serving: list[str] = []
        self.errors: list[str] = []
        self.drops: list[Dropped] = []

    def acked(self, link: Link, frames: Sequence[Frame], ack: Ack) -> None:
        self.taken += sum(len(frame.items) for frame in frames)
        self.not_serving += ack.not_serving

    def broke(self, link: Link, error: LivecommentsError, unsent: list[Queued]) -> None:
        self.errors.append(str(error))
        link.outbox.put_back(unsent)

    def dropped(self, reason: Dropped, batch: EncodedBatch) -> None:
        self.drops.append(reason)


class Bench:
    """Writer w1 and dispatcher d1, a proxy between them, and one link."""

    def __init__(self, folder: Path) -> None:
        self.pki = Pki(folder)
        self.tasks, self.pulse = TaskHome(), Pulse()
        self.folders = {
            Role.WRITER: self.pki.folder(Role.WRITER, "w1"),
            Role.DISPATCHER: self.pki.folder(Role.DISPATCHER, "d1"),
        }
        self.client = InternalClient(TlsFiles(self.folders[Role.WRITER]), deadline_s=20.0)
        self.owner = Owner()
        self.got: list[int] = []
        self.unserved: list[str] = []

    async def start(
        self, limits: LinkLimits | None = None, callee: LinkLimits | None = None
    ) -> None:
        self.limits = limits or LinkLimits()
        self.listener = LinkListener(Role.WRITER, callee or self.limits, self.pulse, self.take)
        self.server = HttpServer(
            link_application(PATH, self.listener),
            "127.0.0.1",
            0,
            ssl_context=TlsFiles(self.folders[Role.DISPATCHER]).server(),
        )
        await asyncio.gather(self.client.start(), self.server.start())
        self.proxy = TcpProxy(self.server.port)
        await self.proxy.__aenter__()
        self.peer = Peer(Role.DISPATCHER, "d1", "127.0.0.1", self.proxy.port)
        context = LinkContext(
            lambda peer: self.client.open_link(peer, PATH),
            self.tasks,
            self.pulse,
            self.limits,
            OutboxLimits(max_bytes=8 * MIB, max_age_s=60.0),
        )
        self.link = Link(self.peer, context, self.owner)
        self.link.start()
        await eventually(lambda: self.link.connected)

    async def stop(self) -> None:
        self.link.close()
        await self.proxy.__aexit__()
        await self.client.stop()
        await self.server.stop()
        await self.tasks.aclose()

    def take(self, batches: Sequence[Batch]) -> Sequence[str]:
        self.got += [batch.first_seq for batch in batches]
        return [batch.video_id for batch in batches if batch.video_id in self.unserved]

    def offer(self, *seqs: int, size: int = 10) -> None:
        for seq in seqs:
            self.link.offer(encoded(seq, size=size))

    def rotate(self, role: Role, ca: DevelopmentCa) -> None:
        """A certificate of this CA for one end, which trusts whom it trusted."""
        name = {Role.WRITER: "w1", Role.DISPATCHER: "d1"}[role]
        trusted = (self.folders[role] / "ca.pem").read_bytes()
        ca.issue(role, name).write(self.folders[role])
        (self.folders[role] / "ca.pem").write_bytes(trusted)


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    bench = Bench(tmp_path)
    yield bench
    await bench.stop()


@pytest.fixture
def calm(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody is taken for dead, so that nothing is sent again."""
    for limit in ("SILENT_IN_FLIGHT_S", "SILENT_S"):
        monkeypatch.setattr(exchange, limit, 60.0)


async def test_batches_arrive_in_order_and_are_acknowledged(bench: Bench) -> None:
    await bench.start()
    bench.offer(*range(1, 1_001))
    await bench.link.wait_idle()
    assert bench.got == list(range(1, 1_001))
    assert (bench.owner.taken, bench.link.depth, bench.link.in_flight) == (1_000, 0, 0)


async def test_videos_that_are_not_served_are_told(bench: Bench) -> None:
    await bench.start()
    bench.unserved = ["w"]
    bench.link.offer(encoded(1, "v"))
    bench.link.offer(encoded(1, "w"))
    await bench.link.wait_idle()
    assert bench.owner.not_serving == ["w"]


async def test_a_link_that_is_cut_in_the_middle_of_a_frame_sends_it_again(bench: Bench) -> None:
    await bench.start()
    bench.proxy.blackhole()
    bench.offer(1, size=MIB)
    await eventually(lambda: bench.link.in_flight == 1)
    bench.proxy.cut()
    await eventually(lambda: bench.owner.errors)
    assert bench.got == []
    bench.proxy.heal()
    await eventually(lambda: bench.got == [1])
    await bench.link.wait_idle()


@pytest.mark.usefixtures("calm")
async def test_slow_reading_fills_the_window_and_takes_no_more_memory(bench: Bench) -> None:
    """What the peer does not read stays within the window, and within the queue's bound."""
    await bench.start(LinkLimits(window_bytes=2 * MIB, ack_deadline_s=60.0))
    bench.proxy.blackhole()
    bench.offer(*range(1, 3_001), size=10_000)
    await eventually(lambda: bench.link.in_flight > 100)
    assert bench.link.in_flight * 10_000 <= 3 * MIB  # the window, and the frame that filled it
    assert bench.link.outbox.size <= 8 * MIB
    assert set(bench.owner.drops) == {Dropped.QUEUE_FULL}
    dropped = len(bench.owner.drops)
    bench.proxy.heal()
    await bench.link.wait_idle()
    assert set(bench.got) == set(range(1, 3_001)) - set(missing(bench.got))
    assert len(missing(bench.got)) == dropped


def missing(got: Sequence[int]) -> list[int]:
    return sorted(set(range(1, 3_001)) - set(got))


async def test_a_frame_over_the_bound_ends_the_link_and_is_not_handed_on(bench: Bench) -> None:
    await bench.start()
    caller = LinkCaller(bench.client, PATH)
    await caller.open(bench.peer)
    with pytest.raises(PeerError):
        await caller.hand_over(b" " * (MAX_INTERNAL_BYTES + 2))
    await caller.close()
    bench.offer(1)
    await bench.link.wait_idle()
    assert bench.got == [1]


async def test_a_frame_that_cannot_be_read_is_refused_and_the_next_taken(bench: Bench) -> None:
    await bench.start()
    caller = LinkCaller(bench.client, PATH)
    await caller.open(bench.peer)
    assert await caller.hand_over(b"junk") == Ack(1, refused=(1,))
    assert await caller.hand_over(join_batches([encoded(7)])) == Ack(2)
    assert bench.got == [7]
    await caller.close()


async def test_a_caller_has_so_many_connections_and_one_more_ends_its_oldest(bench: Bench) -> None:
    await bench.start()
    callers = [LinkCaller(bench.client, PATH) for _ in range(MAX_PER_CALLER)]
    for caller in callers:
        await caller.open(bench.peer)
    await eventually(lambda: bench.listener.replaced >= 1)
    assert bench.listener.connections <= MAX_PER_CALLER + 1
    bench.offer(1)
    await bench.link.wait_idle()  # it was the oldest, and dials again
    assert bench.got == [1]
    for caller in callers:
        await caller.close()


@pytest.mark.usefixtures("calm")
async def test_a_link_is_renewed_under_load_without_a_loss_or_a_repeat(bench: Bench) -> None:
    await bench.start(LinkLimits(lifetime_s=1.0, ack_deadline_s=60.0), callee=LinkLimits())
    seq = 0
    opened = 0
    last: object = None
    while opened < 4:
        seq += 1
        bench.offer(seq)
        await asyncio.sleep(0.005)
        if bench.link._current is not last and bench.link.connected:
            last, opened = bench.link._current, opened + 1
    await bench.link.wait_idle()
    assert bench.got == list(range(1, seq + 1))
    assert bench.owner.errors == []


async def test_a_certificate_that_is_rotated_counts_within_the_lifetime(bench: Bench) -> None:
    await bench.start(LinkLimits(lifetime_s=2.0))
    bench.rotate(Role.DISPATCHER, DevelopmentCa.new())  # of a CA that the writer does not trust
    await eventually(lambda: any("Certificate" in error for error in bench.owner.errors))
    await eventually(lambda: not bench.link.connected)
    bench.offer(1)
    bench.rotate(Role.DISPATCHER, bench.pki.ca)
    await bench.link.wait_idle()
    assert bench.got == [1]


async def test_a_ca_that_is_taken_out_counts_within_the_lifetime(bench: Bench) -> None:
    await bench.start(LinkLimits(lifetime_s=2.0))
    ca = bench.folders[Role.DISPATCHER] / "ca.pem"
    ca.write_bytes(DevelopmentCa.new().pem)
    await eventually(lambda: bench.owner.errors and not bench.link.connected)
    await eventually(lambda: bench.listener.connections == 0)
    bench.offer(1)
    ca.write_bytes(bench.pki.ca.pem)
    await bench.link.wait_idle()
    assert bench.got == [1]


async def test_the_callee_ends_a_connection_that_its_caller_does_not_renew(bench: Bench) -> None:
    await bench.start(LinkLimits(lifetime_s=1.0))
    caller = LinkCaller(bench.client, PATH)
    await caller.open(bench.peer)
    with pytest.raises(PeerError):
        await only_say_that_we_live(caller)
    await caller.close()


async def only_say_that_we_live(caller: LinkCaller) -> None:
    while True:
        await caller.socket.receive()
        await caller.socket.send(b"")


async def test_a_peer_that_stands_still_is_noticed_without_anything_to_send(bench: Bench) -> None:
    await bench.start()
    bench.proxy.blackhole()
    await eventually(lambda: bench.link.failing)
    bench.proxy.heal()
    await eventually(lambda: not bench.link.failing and bench.link.connected)


async def test_a_callee_that_leaves_acknowledges_what_it_took(bench: Bench) -> None:
    await bench.start()
    bench.offer(*range(1, 101))
    await eventually(lambda: len(bench.got) == 100)
    await bench.listener.close()
    await eventually(lambda: bench.owner.errors)
    assert bench.owner.taken == 100


@pytest.mark.usefixtures("calm")
async def test_closing_gives_up_what_is_queued(bench: Bench) -> None:
    await bench.start(LinkLimits(window_bytes=1, ack_deadline_s=60.0))
    bench.proxy.blackhole()
    bench.offer(1)
    await eventually(lambda: bench.link.in_flight == 1)
    bench.offer(2, 3)
    bench.link.close()
    bench.link.close()
    bench.offer(4)
    await eventually(lambda: bench.owner.drops == [Dropped.STOPPED] * 4)
