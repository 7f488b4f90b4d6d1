"""What a user does with a cluster: post, watch, move between nodes, go down and come back."""

from __future__ import annotations

import asyncio
import json
import secrets
import ssl
from typing import Any

import aiohttp
import pytest

from cluster.cluster import Cluster
from cluster.errors import WritersRun
from cluster.new_epoch import renew_cluster_epoch
from tests.chaos.event_source import EventSource
from tests.chaos.history import Watch
from tests.e2e.parts import eventually_in_state, figure
from tests.support import eventually

LOG_LINES = 1_000  # enough for what was printed just now


async def post(session: aiohttp.ClientSession, url: str, text: str, **headers: str) -> Any:
    body = {"author": "ann", "text": text}
    async with session.post(url, json=body, headers=headers) as reply:
        return reply.status, reply.headers, await reply.json()


def comments_url(cluster: Cluster, video_id: str) -> str:
    return f"{cluster.http_url}/v1/videos/{video_id}/comments"


async def test_a_post_is_stored_shown_and_found_in_the_history(
    cluster: Cluster, session: aiohttp.ClientSession
) -> None:
    video_id = secrets.token_hex(6)
    url = comments_url(cluster, video_id)
    watch = Watch(video_id)
    viewer = asyncio.create_task(EventSource(*cluster.address("haproxy", "http"), watch).run())
    await eventually(lambda: watch.place == 0)
    status, headers, told = await post(session, url, "  hi  ")
    assert (status, told["text"], told["seq"]) == (201, "hi", 1)
    async with session.get(cluster.http_url + headers["Location"]) as reply:
        assert await reply.json() == told
    await eventually(lambda: watch.place == 1)
    assert watch.events[-1].data == told
    async with session.get(url) as reply:
        ends = dict.fromkeys(("head", "first", "last"), told["id"])
        assert await reply.json() == {"comments": [told], **ends, "more": False}
    viewer.cancel()


async def test_a_key_gives_the_same_comment_on_any_writer(
    cluster: Cluster, session: aiohttp.ClientSession
) -> None:
    video_id, key = secrets.token_hex(6), {"Idempotency-Key": secrets.token_hex(6)}
    status, _, first = await post(session, comments_url(cluster, video_id), "once", **key)
    assert status == 201
    for name in ("writer-1", "writer-2"):
        url = f"{cluster.url(name, 'public')}/v1/videos/{video_id}/comments"
        status, headers, again = await post(session, url, "once", **key)
        assert (status, again) == (200, first)
        assert headers["Idempotency-Replayed"] == "true"
        status, _, problem = await post(session, url, "other", **key)
        assert (status, problem["code"]) == (422, "idempotency_key_reused")


async def test_a_cursor_is_good_on_every_node(
    cluster: Cluster, session: aiohttp.ClientSession
) -> None:
    video_id = secrets.token_hex(6)
    ids = [
        (await post(session, comments_url(cluster, video_id), f"{number}"))[2]["id"]
        for number in range(5)
    ]
    for name in ("node-1", "node-2", "node-3"):
        watch = Watch(video_id)
        address = cluster.address(name, "public")
        viewer = EventSource(*address, watch, query=f"?last_event_id={ids[1]}")
        task = asyncio.create_task(viewer.run())
        await eventually(lambda watch=watch: watch.place == 5)
        assert [seen.data["seq"] for seen in watch.events[1:]] == [3, 4, 5]
        assert watch.events[0].data["node_id"] == name
        task.cancel()


async def test_https_with_http_2(cluster: Cluster) -> None:
    plain = ssl.create_default_context(cafile=str(cluster.ca_file))
    context = ssl.create_default_context(cafile=str(cluster.ca_file))
    context.set_alpn_protocols(["h2", "http/1.1"])
    _, writer = await asyncio.open_connection(
        *cluster.address("haproxy", "https"), ssl=context, server_hostname="localhost"
    )
    assert writer.get_extra_info("ssl_object").selected_alpn_protocol() == "h2"
    writer.close()
    async with (
        aiohttp.ClientSession() as session,
        session.get(f"{cluster.https_url}/v1/videos/v1/comments", ssl=plain) as reply,
    ):
        assert reply.status == 200


async def test_only_nodes_with_a_viewer_are_called(
    cluster: Cluster, session: aiohttp.ClientSession
) -> None:
    """P6: comments of a video that nobody watches reach no node."""
    video_id = secrets.token_hex(6)
    before = await forwarded(cluster)
    for number in range(10):
        await post(session, comments_url(cluster, video_id), f"{number}")
    assert await forwarded(cluster) == before
    watch = Watch(video_id)
    viewer = asyncio.create_task(EventSource(*cluster.address("haproxy", "http"), watch).run())
    await eventually(lambda: watch.place == 10)
    while await forwarded(cluster) == before:  # until the registration has taken effect
        early = (await post(session, comments_url(cluster, video_id), "early"))[2]
    await eventually(lambda: watch.place == early["seq"])
    start = await forwarded(cluster)
    for _ in range(5):
        told = (await post(session, comments_url(cluster, video_id), "live"))[2]
        await eventually(lambda seq=told["seq"]: watch.place == seq)
    # One node has a viewer: one call for each comment.
    assert await forwarded(cluster) == start + 5
    viewer.cancel()


async def forwarded(cluster: Cluster) -> float:
    """Calls of nodes, when none is under way: they count when the node has acknowledged them."""
    dispatchers = ("dispatcher-1", "dispatcher-2")
    for name in dispatchers:
        await eventually_in_state(cluster, name, lambda state: not any(state["queues"].values()))
    return sum([await figure(cluster, name, "livecomments_forwards_total") for name in dispatchers])


async def test_comments_survive_cluster_down(
    cluster: Cluster, session: aiohttp.ClientSession
) -> None:
    video_id = secrets.token_hex(6)
    watch = Watch(video_id)
    viewer = asyncio.create_task(EventSource(*cluster.address("haproxy", "http"), watch).run())
    told = [
        (await post(session, comments_url(cluster, video_id), f"{number}"))[2]
        for number in range(3)
    ]
    await eventually(lambda: watch.place == 3)
    await cluster.down()
    await cluster.up()
    async with session.get(comments_url(cluster, video_id)) as reply:
        assert (await reply.json())["comments"] == told
    _, _, after = await post(session, comments_url(cluster, video_id), "after")
    assert after["seq"] == 4
    await eventually(lambda: watch.place == 4)
    assert not [seen for seen in watch.events if seen.type in ("reset", "gap")]
    viewer.cancel()


async def test_the_openapi_document_is_served(
    cluster: Cluster, session: aiohttp.ClientSession
) -> None:
    async with session.get(f"{cluster.http_url}/openapi.json") as reply:
        document = json.loads(await reply.text())
    assert document["openapi"].startswith("3.1")
    assert "/v1/videos/{video_id}/comments" in document["paths"]


async def test_a_request_id_can_be_followed_from_the_edge_to_the_node(
    cluster: Cluster, session: aiohttp.ClientSession
) -> None:
    video_id, request_id = secrets.token_hex(6), f"trace-{secrets.token_hex(6)}"
    watch = Watch(video_id)
    viewer = asyncio.create_task(EventSource(*cluster.address("haproxy", "http"), watch).run())
    await eventually(lambda: watch.place == 0)

    def traced() -> dict[str, set[str]]:
        found: dict[str, set[str]] = {}
        for part in cluster.parts:
            lines = cluster.runtime.log_tail(part.name, LOG_LINES).splitlines()
            for line in lines:
                if request_id in line:
                    found.setdefault(str(part.kind), set()).add(json.loads(line)["event"])
        return found

    wanted = {"writer": {"stored"}, "dispatcher": {"routed"}, "node": {"forwarded"}}
    while traced() != wanted:  # the first comments may find the node by its anti-entropy check
        _, headers, _ = await post(
            session, comments_url(cluster, video_id), "x", **{"X-Request-Id": request_id}
        )
        assert headers["X-Request-Id"] == request_id
        await asyncio.sleep(0.05)
    viewer.cancel()


async def test_a_new_epoch_resets_every_viewer(
    cluster: Cluster, session: aiohttp.ClientSession
) -> None:
    """A restored older copy: the viewers are told, and see what the store has now."""
    video_id = secrets.token_hex(6)
    watch = Watch(video_id)
    viewer = asyncio.create_task(EventSource(*cluster.address("haproxy", "http"), watch).run())
    for number in range(3):
        await post(session, comments_url(cluster, video_id), f"{number}")
    await eventually(lambda: watch.place == 3)
    with pytest.raises(WritersRun):
        await renew_cluster_epoch(cluster.runtime, cluster.plan())
    await asyncio.gather(cluster.stop("writer-1"), cluster.stop("writer-2"))
    old, new = await renew_cluster_epoch(cluster.runtime, cluster.plan())
    await asyncio.gather(cluster.start("writer-1"), cluster.start("writer-2"))
    await eventually(lambda: watch.events[-1].id == f"{new}-3", 30)
    resets = [seen for seen in watch.events if seen.type == "reset"]
    assert [seen.id for seen in resets] == [f"{new}-0"]
    assert watch.events[0].data["epoch"] == old
    viewer.cancel()
