from __future__ import annotations

import asyncio
import json

import pytest

from coordination import Paths, ZooKeeperSession, new_boot_id
from tests.integration.dispatcher.conftest import Cluster
from tests.support import eventually
from wire.errors import PeerError
from wire.internal import DISPATCH
from wire.roles import Role


async def test_a_comment_goes_to_the_nodes_that_hold_a_viewer_and_to_no_other(
    cluster: Cluster,
) -> None:
    await cluster.a.serve(cluster.video("v"), cluster.video("both"))
    await cluster.b.serve(cluster.video("both"))
    await cluster.dispatch(1, 2, video="v")
    await cluster.dispatch(1, video="both")
    await cluster.dispatch(1, video="nobody")
    await eventually(lambda: len(cluster.a.stub.got) == 3 and len(cluster.b.stub.got) == 1)
    v, both = cluster.video("v"), cluster.video("both")
    # Batches that waited for the same route may change places; a node puts them in order.
    assert sorted(cluster.a.stub.got) == sorted([(v, 1), (v, 2), (both, 1)])
    assert cluster.b.stub.got == [(both, 1)]
    assert cluster.a.stub.callers == {cluster.name}


@pytest.mark.parametrize("host", ["a..b", "a" * 64, "a_b", "0.0.0.0"])
async def test_a_member_that_cannot_be_called_is_junk_and_ends_nobody(
    cluster: Cluster, host: str
) -> None:
    paths, session, failed = Paths(), ZooKeeperSession(cluster.zookeeper), failing(cluster)
    await session.start(timeout_s=20)
    await cluster.a.serve(cluster.video())
    data = json.dumps({"host": host, "port": 443, "boot_id": new_boot_id()}).encode()
    unknown = cluster.video("x")
    await session.create(paths.member(Role.NODE, unknown), data, ephemeral=True)
    await session.create(paths.registration(cluster.video(), unknown), ephemeral=True)
    await eventually(lambda: cluster.dispatcher._nodes.junk)
    await cluster.dispatch(1)
    await eventually(lambda: cluster.a.stub.got == [(cluster.video(), 1)])
    await session.stop()
    assert not failed.done()
    failed.cancel()


def failing(cluster: Cluster) -> asyncio.Future[BaseException]:
    """Done when one of the dispatcher's tasks has died."""
    return asyncio.ensure_future(cluster.dispatcher.tasks.wait_failed())


async def test_a_registration_is_followed_and_a_deregistration_too(cluster: Cluster) -> None:
    await cluster.dispatch(1)  # nobody watches, and the dispatcher now knows that
    await cluster.b.serve(cluster.video())
    await dispatched_until(cluster, lambda: cluster.b.stub.got)
    await cluster.b.leave(cluster.video())
    await dispatched_until_no_more(cluster)


async def dispatched_until(cluster: Cluster, condition: object) -> None:
    assert callable(condition)
    for seq in range(2, 2_000):
        await cluster.dispatch(seq)
        if condition():
            return
        await asyncio.sleep(0.01)
    raise AssertionError("it did not come to that")


async def dispatched_until_no_more(cluster: Cluster) -> None:
    """Until ten comments in a row go to nobody."""
    quiet = 0
    for seq in range(2_000, 4_000):
        before = len(cluster.b.stub.got)
        await cluster.dispatch(seq)
        await cluster.dispatcher._senders.wait_idle()
        quiet = quiet + 1 if len(cluster.b.stub.got) == before else 0
        if quiet == 10:
            return
        await asyncio.sleep(0.01)
    raise AssertionError("the node is still called")


async def test_a_node_that_does_not_serve_the_video_has_its_route_read_again(
    cluster: Cluster,
) -> None:
    await cluster.a.serve(cluster.video())
    await cluster.dispatch(1)
    await eventually(lambda: cluster.a.stub.got)
    cluster.a.stub.unserved = {cluster.video()}
    reads = cluster.dispatcher._resolver.stats.reads
    await cluster.dispatch(2)
    await eventually(lambda: cluster.dispatcher._resolver.stats.reads > reads)


async def test_a_node_that_comes_back_at_another_address_is_found(cluster: Cluster) -> None:
    await cluster.a.serve(cluster.video())
    await cluster.dispatch(1)
    await eventually(lambda: cluster.a.stub.got)
    await cluster.a.stop()
    cluster.a.stub.port = 0
    await cluster.a.start()
    await cluster.a.serve(cluster.video())
    await dispatched_until(cluster, lambda: len(cluster.a.stub.got) > 1)


async def test_zookeeper_away_delays_no_known_route(cluster: Cluster) -> None:
    await cluster.a.serve(cluster.video())
    await cluster.dispatch(1)
    await eventually(lambda: cluster.a.stub.got)  # the route is known, which no ack says
    cluster.proxy.cut()
    await eventually(lambda: "zookeeper" in cluster.dispatcher.health.degraded)
    await cluster.dispatch(2)
    await cluster.dispatch(1, video="unknown")
    await eventually(lambda: (cluster.video(), 2) in cluster.a.stub.got)
    state = await cluster.state()
    assert (state["ready"], state["zookeeper"]) == (True, "away")
    assert await cluster.ops("/readyz") == (
        200,
        b'{"status":"degraded","degraded":{"zookeeper":"away"}}',
    )
    cluster.proxy.heal()
    await eventually(lambda: not cluster.dispatcher.health.degraded)
    await cluster.a.serve(cluster.video("unknown"))
    await cluster.dispatch(2, video="unknown")
    await eventually(lambda: (cluster.video("unknown"), 2) in cluster.a.stub.got)


@pytest.mark.parametrize("role", [Role.NODE, Role.DISPATCHER, Role.SINGLE])
async def test_only_a_writer_may_dispatch(cluster: Cluster, role: Role) -> None:
    client = cluster.client(role, "intruder")
    await client.start()
    with pytest.raises(PeerError) as refused:
        await client.open_link(cluster.peer, DISPATCH)
    assert refused.value.reply_status == 403
    await client.stop()


@pytest.mark.parametrize(
    "frame",
    [
        b"\xff",
        b"{}",
        b'{"batches":{}}',
        b'{"batches":[{"video_id":"../x","epoch":"abcdefghijkl","first_seq":1,"comments":[1]}]}',
        b'{"batches":[{"video_id":"v","epoch":"abcdefghijkl","first_seq":0,"comments":[1]}]}',
        b'{"batches":[{"video_id":"v","epoch":"abcdefghijkl","first_seq":1,"comments":[]}]}',
        b'{"batches":[{"video_id":"v","epoch":"abcdefghijkl","first_seq":1,"comments":[{"a":\n1}]}]}',
    ],
)
async def test_a_frame_that_cannot_be_read_is_refused_and_the_next_goes_on(
    cluster: Cluster, frame: bytes
) -> None:
    ack = await cluster.link.hand_over(frame)
    assert ack.refused == (ack.taken,)
    await cluster.dispatch(1)


async def test_a_drain_leaves_zookeeper_then_empties_the_queues(cluster: Cluster) -> None:
    await cluster.a.serve(cluster.video())
    await cluster.dispatch(1)
    await eventually(lambda: cluster.a.stub.got)
    cluster.a.stub.gate.clear()
    await cluster.dispatch(2)
    await eventually(lambda: len(cluster.a.stub.got) == 2)
    await cluster.dispatch(3)
    draining = asyncio.create_task(cluster.dispatcher.drain())
    assert await member_gone(cluster)
    await cluster.dispatch(4)  # a writer that has not noticed yet
    cluster.a.stub.gate.set()
    await asyncio.wait_for(draining, 40)
    assert sorted({seq for _, seq in cluster.a.stub.got}) == [1, 2, 3, 4]


async def member_gone(cluster: Cluster) -> bool:
    session: ZooKeeperSession = cluster.a.session
    path = f"/livecomments/members/dispatcher/{cluster.name}"
    for _ in range(1_000):
        if await session.exists(path) is None:
            return True
        await asyncio.sleep(0.005)
    return False


async def test_state_and_metrics_tell_what_the_dispatcher_does(cluster: Cluster) -> None:
    await cluster.a.serve(cluster.video())
    await cluster.dispatch(1, 2)
    await eventually(lambda: len(cluster.a.stub.got) == 2)
    await cluster.dispatcher._senders.wait_idle()
    state = await cluster.state()
    assert state["role"] == "dispatcher"
    assert state["zookeeper"] == "connected"
    assert state["videos"] == 1
    assert state["viewers"] == 0
    assert state["queues"] == {"routes": 0, cluster.a.stub.name: 0, cluster.b.stub.name: 0}
    metrics = (await cluster.ops("/metrics"))[1].decode()
    for line in (
        'livecomments_dispatched_batches_total{outcome="routed"} 2.0',
        "livecomments_forwarded_comments_total 2.0",
        "livecomments_zookeeper_connected 1.0",
        "livecomments_routes 1.0",
        f'livecomments_queued_batches{{node="{cluster.a.stub.name}"}} 0.0',
    ):
        assert line in metrics


async def test_a_newer_process_of_the_same_id_ends_this_one(cluster: Cluster) -> None:
    newer = cluster.build()
    await newer.start()
    error = await asyncio.wait_for(cluster.dispatcher.tasks.wait_failed(), 20)
    assert "newer" in str(error)
    await newer.stop()


async def test_stopping_in_the_middle_of_a_start_leaves_nothing(cluster: Cluster) -> None:
    cluster.proxy.blackhole()
    cluster.client(Role.DISPATCHER, "half-started")  # its certificate
    tls_dir = str(cluster.folder / "half-started")
    service = cluster.build(SERVICE_ID="half-started", TLS_DIR=tls_dir)
    start = asyncio.create_task(service.start())
    await eventually(lambda: service._session._client is not None)
    start.cancel()
    await service.stop()
    await service.stop()
    assert start.cancelled() or start.done()
