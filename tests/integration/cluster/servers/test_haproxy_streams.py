"""Streams through the gateway: placed by the video, never dropped, always answered with 200."""

from __future__ import annotations

import asyncio
import re
import socket
import time
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass

import pytest

from cluster.servers import haproxy_socket
from tests.integration.cluster.servers.gateway_support import (
    Client,
    GatewayUnderTest,
    Seen,
    Upstream,
    answer_json,
    hang_up,
    open_stream,
    say_nothing,
)
from tests.integration.cluster.servers.test_haproxy_requests import shorter
from tests.support import eventually
from wire.chunks import chunk
from wire.sse import CONTENT_TYPE, HEARTBEAT


@dataclass
class Viewer:
    """An open stream, and the node that serves it."""

    client: Client
    node: Upstream
    seen: Seen

    @property
    def served_by(self) -> str:
        return f"node-{self.node.number}"

    async def is_served(self) -> bool:
        """Whether a heartbeat still comes through."""
        await self.seen.send(HEARTBEAT)
        return HEARTBEAT in await self.client.until(HEARTBEAT)

    async def leave(self) -> None:
        """Go without a word; the gateway notices when it writes."""
        self.client.writer.transport.abort()
        while not self.seen.gone.is_set():
            if not self.seen.writer.is_closing():  # it is closed before its reader hears of it
                self.seen.writer.write(chunk(HEARTBEAT))
            await asyncio.sleep(0.01)


async def opened(gateway: GatewayUnderTest, video: str, query: str = "") -> Viewer:
    client = await gateway.stream(video, query)
    status, headers = await client.head()
    assert status == 200
    number = int(headers["x-served-by"].removeprefix("node-"))
    node = next(node for node in gateway.nodes if node.number == number)
    return Viewer(client, node, node.seen[-1])


def is_bye(client_status: int, headers: dict[str, str], body: bytes, reason: bytes) -> bool:
    return (
        client_status == 200
        and headers["content-type"] == CONTENT_TYPE
        and "no-transform" in headers["cache-control"]
        and re.search(
            rb"retry: [123]\d{3}\n:\nevent: bye\ndata: {\"reason\":\"%s\"}\n\n" % reason, body
        )
        is not None
    )


async def test_viewers_of_a_video_meet_on_one_node(gateway: GatewayUnderTest) -> None:
    for video in range(12):
        nodes = set()
        for _ in range(3):
            viewer = await opened(gateway, f"v{video}")
            nodes.add(viewer.served_by)
            await viewer.leave()
        assert len(nodes) == 1
    assert all(node.seen for node in gateway.nodes)


async def test_a_ticket_does_not_choose_the_node(gateway: GatewayUnderTest) -> None:
    """Nor does anything else in the query: a new ticket moves nobody."""
    for video in range(6):
        nodes = set()
        for ticket in range(3):
            viewer = await opened(gateway, f"v{video}", f"?ticket={ticket}&last_event_id={ticket}")
            nodes.add(viewer.served_by)
            await viewer.leave()
        assert len(nodes) == 1


async def test_a_crowd_is_spread_within_a_quarter_of_the_mean(gateway: GatewayUnderTest) -> None:
    counts = Counter([(await opened(gateway, "hot")).served_by for _ in range(60)])
    assert max(counts.values()) <= 1.25 * 60 / 3 + 1
    assert len(counts) == 3


async def test_round_robin_ignores_the_video(setup: GatewayUnderTest) -> None:
    setup.placement = "round_robin"
    async with setup.run():
        served = [(await opened(setup, "v1")).served_by for _ in range(6)]
    assert sorted(Counter(served).values()) == [2, 2, 2]


async def test_frames_pass_at_once_and_whole(gateway: GatewayUnderTest) -> None:
    viewer, took_s = await opened(gateway, "v1"), list[float]()
    for number in range(50):
        frame = b"id: x-%d\n\n" % number
        started = time.monotonic()
        await viewer.seen.send(frame)
        assert frame in await viewer.client.until(frame)
        took_s.append(time.monotonic() - started)
    assert sorted(took_s)[45] < 0.5  # the others may have met a busy machine


async def test_a_stream_that_ends_has_no_last_chunk(gateway: GatewayUnderTest) -> None:
    """So a client knows that it was cut, and comes back."""
    viewer = await opened(gateway, "v1")
    await viewer.seen.send(b"event: bye\ndata: {}\n\n")
    viewer.seen.writer.close()
    rest = await viewer.client.rest()
    assert rest.endswith(b"event: bye\ndata: {}\n\n\r\n")


async def test_a_node_that_has_just_died_is_passed_over(gateway: GatewayUnderTest) -> None:
    gateway.nodes[0].refuse_connections()
    served, took_s = set[str](), list[float]()
    for n in range(12):
        started = time.monotonic()
        served.add((await opened(gateway, f"v{n}")).served_by)
        took_s.append(time.monotonic() - started)
    assert served == {"node-2", "node-3"}
    # Those placed on it, a third, would wait a second each; one may meet a busy machine.
    assert sorted(took_s)[-2] < 0.9


async def test_a_draining_node_keeps_its_streams_and_gets_no_new_ones(
    gateway: GatewayUnderTest,
) -> None:
    viewer = await opened(gateway, "v1")
    viewer.node.health = 404
    await gateway.until_status(f"streams/{viewer.served_by}", "NOLB")
    assert (await opened(gateway, "v1")).node is not viewer.node
    assert await viewer.is_served()


async def test_a_node_that_fails_its_checks_keeps_its_streams(gateway: GatewayUnderTest) -> None:
    viewer = await opened(gateway, "v1")
    viewer.node.health = 503
    await gateway.until_status(f"streams/{viewer.served_by}", "DOWN")
    assert await viewer.is_served()
    viewer.node.health = 200
    await gateway.until_status(f"streams/{viewer.served_by}", "UP")


async def test_without_a_node_a_stream_is_a_polite_goodbye(gateway: GatewayUnderTest) -> None:
    for node in gateway.nodes:
        node.health = 503
        await gateway.until_status(f"streams/node-{node.number}", "DOWN")
    replies = [await gateway.get("/v1/videos/v1/stream") for _ in range(8)]
    assert all(is_bye(r.status, r.headers, r.body, b"unavailable") for r in replies)
    assert len({reply.body for reply in replies}) > 1, "they must not all come back at once"


@pytest.mark.parametrize(
    ("query", "headers", "id_line"),
    [
        ("", {"Last-Event-ID": "abcdefghijkl-7"}, b"id: abcdefghijkl-7"),
        ("?last_event_id=abcdefghijkl-7", {}, b"id: abcdefghijkl-7"),
        ("?last_event_id=abcdefghijkl-1&lastEventId=abcdefghijkl-7", {}, b"id: abcdefghijkl-7"),
        (
            "?last_event_id=abcdefghijkl-1",
            {"Last-Event-ID": "abcdefghijkl-7"},
            b"id: abcdefghijkl-7",
        ),
        ("?last_event_id=%0aevent:x", {"Last-Event-ID": "a b"}, b":"),
    ],
)
async def test_a_goodbye_of_the_gateway_keeps_the_cursor_and_does_not_end_as_if_whole(
    gateway: GatewayUnderTest, query: str, headers: dict[str, str], id_line: bytes
) -> None:
    """Some clients forget the cursor without it; others stop for good at a body that is whole."""
    for node in gateway.nodes:
        node.act = hang_up
    reply = await gateway.get(f"/v1/videos/v1/stream{query}", headers)
    assert reply.body.splitlines()[1] == id_line
    assert int(reply.headers["content-length"]) > len(reply.body)
    old = await gateway.raw(b"GET /v1/videos/v1/stream HTTP/1.0\r\n\r\n")
    _, old_headers = await old.head()
    assert int(old_headers["content-length"]) == len(await old.rest())


@pytest.mark.parametrize("origins", [("https://a.example", "https://b.example:8443"), ("*",)])
async def test_a_goodbye_may_be_read_by_configured_origins(
    setup: GatewayUnderTest, origins: tuple[str, ...]
) -> None:
    """Else an EventSource on another origin takes an outage for a refusal, and gives up."""
    setup.origins = origins
    async with setup.run():
        for node in setup.nodes:
            node.act = hang_up
        origin = {"Origin": "https://b.example:8443"}
        for path in ("/v1/videos/v1/stream", "/nowhere"):
            reply = await setup.get(path, origin)
            assert reply.headers["access-control-allow-origin"] == "https://b.example:8443"
            assert reply.headers["vary"] == "Origin"
        stranger = await setup.get("/v1/videos/v1/stream", {"Origin": "https://c.example"})
        assert ("access-control-allow-origin" in stranger.headers) is (origins == ("*",))


async def test_no_origin_may_read_unless_it_is_configured(gateway: GatewayUnderTest) -> None:
    reply = await gateway.get("/nowhere", {"Origin": "https://b.example:8443"})
    assert "access-control-allow-origin" not in reply.headers


async def test_a_node_that_hangs_up_is_a_polite_goodbye(gateway: GatewayUnderTest) -> None:
    for node in gateway.nodes:
        node.act = hang_up
    reply = await gateway.get("/v1/videos/v1/stream")
    assert is_bye(reply.status, reply.headers, reply.body, b"unavailable")


async def test_a_node_that_never_answers_is_a_polite_goodbye(setup: GatewayUnderTest) -> None:
    setup.edit = shorter
    async with setup.run():
        for node in setup.nodes:
            node.act = say_nothing
        reply = await setup.get("/v1/videos/v1/stream")
    assert is_bye(reply.status, reply.headers, reply.body, b"unavailable")


async def test_what_a_node_answers_passes_unchanged(gateway: GatewayUnderTest) -> None:
    for node in gateway.nodes:
        node.act = lambda _: b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"
    assert (await gateway.get("/v1/videos/v/stream")).status == 404


async def test_a_node_that_falls_silent_is_left(setup: GatewayUnderTest) -> None:
    setup.edit = shorter
    async with setup.run():
        viewer = await opened(setup, "v1")
        assert b"retry" in await viewer.client.rest(), "the gateway ended the stream"


async def test_heartbeats_hold_a_stream_that_says_nothing_itself(setup: GatewayUnderTest) -> None:
    """Longer than any deadline of the gateway: a viewer never sends a byte after its request."""
    setup.edit = lambda config: config.replace("server 8s", "server 3s").replace(
        "client 20s", "client 3s"
    )
    async with setup.run():
        viewer = await opened(setup, "v1")
        end = time.monotonic() + 7
        while time.monotonic() < end:
            assert await viewer.is_served()
            await asyncio.sleep(0.2)


async def test_streams_leave_room_for_posts(setup: GatewayUnderTest) -> None:
    setup.max_connections = 20
    async with setup.run():
        viewers = [await opened(setup, f"v{n}") for n in range(10)]
        reply = await setup.get("/v1/videos/v1/stream")
        assert is_bye(reply.status, reply.headers, reply.body, b"shed")
        assert (await setup.post("/v1/videos/v1/comments")).status == 200
        await viewers[0].leave()
        assert (await opened(setup, "v1")).served_by


async def test_a_viewer_that_left_is_noticed_at_the_second_write(gateway: GatewayUnderTest) -> None:
    viewer = await opened(gateway, "v1")
    viewer.client.close()
    for _ in range(2):
        viewer.seen.writer.write(chunk(HEARTBEAT))
        await asyncio.sleep(0.1)
    await eventually(viewer.seen.gone.is_set)


async def test_little_is_buffered_for_a_viewer_that_does_not_read(
    gateway: GatewayUnderTest,
) -> None:
    with socket.create_connection(("127.0.0.1", gateway.ports[0])) as stalled:
        stalled.sendall(b"GET /v1/videos/v1/stream HTTP/1.1\r\nHost: x\r\n\r\n")
        await eventually(lambda: any(node.seen for node in gateway.nodes))
        seen = next(node.seen[0] for node in gateway.nodes if node.seen)
        # As the node does; what is left is the gateway's own appetite.
        seen.writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 65536)
        seen.writer.transport.set_write_buffer_limits(0)
        sent = 0
        with suppress(TimeoutError):
            while sent < 20_000_000:
                sent += 10_000
                await asyncio.wait_for(seen.send(b"x" * 10_000), 1)
        seen.writer.transport.abort()
    assert sent < 1_500_000


async def test_added_nodes_take_streams_without_a_reload(gateway: GatewayUnderTest) -> None:
    before = await opened(gateway, "v1")
    added = Upstream(4, open_stream)
    await added.start()
    gateway.nodes.append(added)
    await haproxy_socket.fill_slots(gateway.control, gateway.gateway.servers)
    await gateway.until_status("streams/node-4", "UP")
    assert added in [(await opened(gateway, f"w{n}")).node for n in range(20)]
    assert await before.is_served()

    await haproxy_socket.empty_slots(gateway.control, ["node-4"])
    assert added not in [(await opened(gateway, f"w{n}")).node for n in range(20)]


async def test_a_slot_is_checked_on_its_own_port(gateway: GatewayUnderTest) -> None:
    added = Upstream(3, answer_json)
    await added.start()
    gateway.writers.append(added)
    await haproxy_socket.fill_slots(gateway.control, gateway.gateway.servers)
    await eventually(added.checked.is_set)
    added.health = 503
    await gateway.until_status("writers/writer-3", "DOWN")
