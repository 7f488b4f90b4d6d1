"""T50, T21: proxies of others between the viewers and the gateway, and lines behind the gateway."""

from __future__ import annotations

import asyncio
import secrets
import time

import aiohttp
import pytest

from tests.chaos.buffering_proxy import IDLE_S, BufferingProxy
from tests.chaos.cluster_under_test import ClusterUnderTest
from tests.chaos.event_source import EventSource
from tests.chaos.healing import note
from tests.chaos.history import Watch
from tests.chaos.link_faults import Flaky, Hold
from tests.chaos.rows import row
from tests.support import TIMEOUT_FACTOR, eventually

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(300 * TIMEOUT_FACTOR)]


async def test_the_proxy_buffers_replies_and_cuts_idle_ones() -> None:
    """What it does to a server that says nothing about buffering, and to one that falls silent."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\n\r\nfirst")
        await over.wait()
        writer.close()

    over = asyncio.Event()
    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with BufferingProxy(*server.sockets[0].getsockname(), idle_s=0.3) as proxy:
        reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
        writer.write(b"GET / HTTP/1.1\r\n\r\n")
        await reader.readuntil(b"\r\n\r\n")
        began = time.monotonic()
        assert await reader.read(65536) == b"first"  # only when it gives the connection up
        assert time.monotonic() - began >= 0.2
        assert proxy.cuts == 1
        writer.close()
    over.set()
    server.close()


async def test_t50_a_stream_passes_a_buffering_proxy_and_outlives_its_idle_limit(
    under_test: ClusterUnderTest,
) -> None:
    """The first event within a second; heartbeats hold a stream on which nothing else happens."""
    video_id = secrets.token_hex(6)
    url = f"{under_test.cluster.http_url}/v1/videos/{video_id}"
    async with BufferingProxy(*under_test.cluster.address("haproxy", "http")) as proxy:
        watch = Watch(video_id)
        began = time.monotonic()
        viewer = asyncio.create_task(EventSource("127.0.0.1", proxy.port, watch).run())
        await eventually(lambda: watch.events, 1.0)
        note("T50 first event: X 1.0 s", time.monotonic() - began)
        await asyncio.sleep(IDLE_S + 10.0)
        async with aiohttp.ClientSession() as session:
            async with session.post(f"{url}/comments", json={"author": "a", "text": "x"}) as reply:
                assert reply.status == 201
            await eventually(lambda: watch.place == 1, 4.0)
            gzip = {"Accept-Encoding": "gzip"}
            async with session.get(f"{url}/stream", headers=gzip) as reply:
                assert "Content-Encoding" not in reply.headers
                assert "no-transform" in reply.headers["Cache-Control"]
        viewer.cancel()
        assert (len(watch.streams), proxy.cuts) == (1, 0)


async def test_t21_replies_of_a_writer_to_the_gateway_are_lost(
    under_test: ClusterUnderTest,
) -> None:
    """Clients get a 502, do not know, and send their key again."""
    assert under_test.links is not None
    async with under_test.links.behind_gateway("writer-1") as hop, row("T21", under_test) as it:
        flaky = Flaky(under_test, [hop], 3.0, True, every_s=0.3, loses_replies=True)
        await it.strike(flaky, hold_s=8.0)
        assert under_test.links.lost_replies(hop) > 0


async def test_t05_the_line_between_the_gateway_and_a_node_goes_dead(
    under_test: ClusterUnderTest,
) -> None:
    """Nobody closes anything: the gateway's own limit of silence cuts its viewers, and they resume
    elsewhere while the line is still dead.
    """
    assert under_test.links is not None
    async with under_test.links.behind_gateway("node-1") as hop, row("T05", under_test) as it:
        await it.strike(Hold(under_test, [hop, f"{hop}/ops"], 20.0), hold_s=25.0)
