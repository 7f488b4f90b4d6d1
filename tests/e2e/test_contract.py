"""The contract: what is promised holds on every topology, and these are the same tests for all.

See `contract.LACKS` for what a topology has no part for, and test_contract_faults.py for what holds
while parts die.
"""

from __future__ import annotations

import asyncio
import json
import secrets
import socket
from contextlib import AsyncExitStack

import aiohttp
import pytest

from cluster.cluster import Cluster
from cluster.parts import Kind
from tests.bounds import record
from tests.chaos.history import Watch
from tests.e2e.contract import (
    ANOTHER_NODE,
    ANOTHER_WRITER,
    BUS,
    LACKS,
    Comments,
    bus,
    needs,
    servers,
    sum_of,
    watching,
    writers,
)
from tests.e2e.parts import eventually_in_state, figure, served_by
from tests.raw_http import exchange, get
from tests.support import TIMEOUT_FACTOR, eventually
from wire.topology import Topology

TOPOLOGIES = tuple(Topology)
SMALL = True
# As docs/protocol.md has them.
DEFAULT_REPLAY, MOST_ASKED, MAX_REPLAY = 20, 200, 1_000
FAR_BEHIND = MAX_REPLAY + 100


async def test_comments_come_to_the_nodes_that_the_topology_says(
    cluster: Cluster, session: aiohttp.ClientSession
) -> None:
    """P6 where it is promised; in `broadcast` its opposite. First, as it has to wait until viewers
    who left through the gateway have been noticed.
    """
    needs(cluster, ANOTHER_NODE)
    comments = Comments(cluster, session)
    async with watching(cluster, comments.video_id) as watch:
        mine = served_by(watch)
        (other,) = set(servers(cluster)) - {mine}
        if cluster.settings.topology != Topology.BROADCAST:
            # A channel carries many videos: one that was watched there before would let it hear.
            await eventually_in_state(cluster, other, lambda state: state["registered"] == 0)
        # Until the node is heard of, the anti-entropy check delivers: then nobody was called.
        before = await figure(cluster, mine, "livecomments_received_total")
        start, early = await figure(cluster, other, "livecomments_received_total"), 0
        while await figure(cluster, mine, "livecomments_received_total") == before:
            await comments.told("early")
            early += 1
        for _ in range(10):
            seq = (await comments.told("live"))["seq"]
            await eventually(lambda seq=seq: watch.place == seq)
    if cluster.settings.topology == Topology.BROADCAST:
        async with asyncio.timeout(20 * TIMEOUT_FACTOR):  # it may hear of them later than mine
            while await figure(cluster, other, "livecomments_received_total") < start + early + 10:
                await asyncio.sleep(0.02)
    heard = await figure(cluster, other, "livecomments_received_total") - start
    assert heard == (early + 10 if cluster.settings.topology == Topology.BROADCAST else 0)


async def test_what_is_posted_is_stored_numbered_shown_and_found_again(
    cluster: Cluster, session: aiohttp.ClientSession
) -> None:
    comments = Comments(cluster, session)
    async with watching(cluster, comments.video_id) as watch:
        told = [await comments.told(f"comment {number}") for number in range(5)]
        assert [comment["seq"] for comment in told] == [1, 2, 3, 4, 5]
        await eventually(lambda: watch.place == 5)
    assert [event.data for event in watch.events[1:]] == told
    ends = {"head": told[-1]["id"], "first": told[0]["id"], "last": told[-1]["id"]}
    assert await comments.page() == {"comments": told, **ends, "more": False}
    after = await comments.page(f"?after={told[1]['id']}&limit=2")
    assert after["comments"] == told[2:4]


async def test_a_key_gives_one_comment_and_a_bad_body_none(
    cluster: Cluster, session: aiohttp.ClientSession
) -> None:
    comments, key = Comments(cluster, session), secrets.token_hex(6)
    status, first = await comments.post("once", key)
    assert status == 201
    assert await comments.post("once", key) == (200, first)
    status, problem = await comments.post("something else", key)
    assert (status, problem["code"]) == (422, "idempotency_key_reused")
    status, problem = await comments.post(" ")
    assert (status, problem["code"]) == (422, "invalid_field")
    assert (await comments.page())["comments"] == [first]


async def test_a_cursor_is_continued_by_every_server(
    cluster: Cluster, session: aiohttp.ClientSession
) -> None:
    comments = Comments(cluster, session)
    told = [await comments.told(f"comment {number}") for number in range(5)]
    for name in servers(cluster):
        query = f"last_event_id={told[1]['id']}"
        async with watching(cluster, comments.video_id, query, at=name) as watch:
            await eventually(lambda watch=watch: watch.place == 5)
        assert [event.data for event in watch.events[1:]] == told[2:]
        assert watch.events[0].data["node_id"] == name


async def test_a_cursor_too_far_behind_is_told_its_gap_and_gets_the_last_thousand(
    cluster: Cluster, session: aiohttp.ClientSession
) -> None:
    """From the store first; who served it for the gateway has it in memory when asked again."""
    comments = Comments(cluster, session)
    told = await comments.many(FAR_BEHIND)
    missing = FAR_BEHIND - MAX_REPLAY
    for name in [Kind.HAPROXY, *servers(cluster)]:
        query = f"last_event_id={told[4]['id']}"
        async with watching(cluster, comments.video_id, query, at=name) as watch:
            await eventually(lambda watch=watch: watch.place == FAR_BEHIND)
        hello, gap, *rest = watch.events
        assert (hello.type, hello.id) == ("hello", told[4]["id"])
        assert (gap.type, gap.id) == ("gap", told[missing - 1]["id"])
        assert gap.data == {"from": 6, "to": missing, "reason": "limit"}
        assert [event.data for event in rest] == told[missing:]
    # Not one comment further behind than may be.
    query = f"last_event_id={told[missing - 1]['id']}"
    async with watching(cluster, comments.video_id, query) as watch:
        await eventually(lambda: watch.place == FAR_BEHIND)
    assert [event.data for event in watch.events[1:]] == told[missing:]


async def test_a_stream_without_a_cursor_begins_with_as_many_as_it_asked_for(
    cluster: Cluster, session: aiohttp.ClientSession
) -> None:
    comments = Comments(cluster, session)
    told = await comments.many(MOST_ASKED + 10)
    wanted = {
        "": DEFAULT_REPLAY,
        "replay=0": 0,
        "replay=3": 3,
        f"replay={MOST_ASKED}": MOST_ASKED,
        f"replay={MOST_ASKED + 1}": MOST_ASKED,
        "replay=-1": DEFAULT_REPLAY,
        "replay=many": DEFAULT_REPLAY,
        f"replay=3&last_event_id={told[-6]['id']}": 5,  # a cursor says where to begin
    }
    async with AsyncExitStack() as open_streams:
        watches = {
            query: await open_streams.enter_async_context(
                watching(cluster, comments.video_id, query)
            )
            for query in wanted
        }
        told.append(await comments.told("live"))
        await eventually(lambda: all(watch.place == len(told) for watch in watches.values()))
    for query, watch in watches.items():
        start = len(told) - 1 - wanted[query]
        assert watch.events[0].id == told[start - 1]["id"], query
        assert [event.data for event in watch.events[1:]] == told[start:], query


@pytest.mark.parametrize("cursor", ["-1", "abcdefghijkl-1", "EPOCH-999999", "%00"])
async def test_a_cursor_that_cannot_be_is_reset_and_never_refused(
    cluster: Cluster, session: aiohttp.ClientSession, cursor: str
) -> None:
    comments = Comments(cluster, session)
    epoch = (await comments.told("only"))["id"].partition("-")[0]
    query = f"last_event_id={cursor.replace('EPOCH', epoch)}"
    async with watching(cluster, comments.video_id, query) as watch:
        await eventually(lambda: watch.place == 1)
    assert [event.type for event in watch.events] == ["hello", "reset", "comment"]
    assert watch.fatal is None


async def test_what_is_no_stream_is_told_in_a_problem_document(cluster: Cluster) -> None:
    gateway = cluster.address("haproxy", "http")
    for path in ("/v1/videos/a.b/stream", "/v1/videos/a/comments/9", "/v1/other"):
        reply = await exchange(gateway, get(path))
        assert (reply.status, json.loads(reply.body)["status"]) == (404, 404)


async def test_a_viewer_that_stalls_is_cut_and_delays_nobody(
    cluster: Cluster, session: aiohttp.ClientSession
) -> None:
    """What lies between the node and the viewer takes some megabytes before the node notices."""
    comments = Comments(cluster, session)
    with socket.socket() as stalled:
        stalled.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        stalled.connect(cluster.address("haproxy", "http"))
        stalled.sendall(get(f"/v1/videos/{comments.video_id}/stream"))
        async with watching(cluster, comments.video_id) as watch:
            async with asyncio.timeout(90 * TIMEOUT_FACTOR):
                posted = await _post_until_a_bye(cluster, comments, watch)
            # One that reads goes on as if nothing had been.
            seq = (await comments.told("after"))["seq"]
            await eventually(lambda: watch.place == seq)
        assert [event.data["seq"] for event in watch.events[1:]] == list(range(1, posted + 2))
    record(f"stalled viewer: cut after {posted} comments of 2 KB")


async def _post_until_a_bye(cluster: Cluster, comments: Comments, watch: Watch) -> int:
    """How many were posted. Who watches has had them all."""
    byes, posted = await sum_of(cluster, "livecomments_byes_total"), 0
    while await sum_of(cluster, "livecomments_byes_total") == byes:
        batch = [comments.told("👍" * 500) for _ in range(50)]
        await asyncio.gather(*batch)
        posted += len(batch)
        await eventually(lambda: watch.place == posted)  # noqa: B023 - this round's
    return posted


async def test_the_table_of_what_is_lacking_is_true(cluster: Cluster) -> None:
    topology = Topology(cluster.settings.topology)
    assert ((topology, ANOTHER_NODE) in LACKS) == (len(servers(cluster)) == 1)
    assert ((topology, ANOTHER_WRITER) in LACKS) == (len(writers(cluster)) == 1)
    assert ((topology, BUS) in LACKS) == (not bus(cluster))
