"""T19 to T22: writers, and keys that are sent again."""

from __future__ import annotations

import secrets

import pytest

from cluster.parts import Kind
from tests.chaos.cluster_under_test import ClusterUnderTest
from tests.chaos.faults import Crash, Drain, Kill, Pause
from tests.chaos.http_client import HttpClient, post_request
from tests.chaos.rows import row
from tests.tcp_proxy import TcpProxy

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(300)]


@pytest.mark.parametrize(
    ("name", "point"),
    [
        ("T19", "writer.before_commit"),
        ("T19", "writer.in_commit"),
        ("T20", "writer.after_commit"),
        ("T20", "writer.before_reply"),
    ],
)
async def test_t19_t20_a_writer_dies_around_a_commit(
    under_test: ClusterUnderTest, name: str, point: str
) -> None:
    """Every key that was in flight is sent again: P3 says what must come of it."""
    async with row(name, under_test) as it:
        crash = Crash(under_test, ["writer-1"], 3.0, True, point=f"{point}:kill@60")
        await it.strike(crash, hold_s=1.0)


async def test_a_writer_is_killed(under_test: ClusterUnderTest) -> None:
    async with row("writer killed", under_test) as it:
        await it.strike(Kill(under_test, ["writer-1"], 3.0), hold_s=6.0)


async def test_a_writer_is_drained(under_test: ClusterUnderTest) -> None:
    """No post is refused or lost: there is no time in which it may be."""
    async with row("writer drained", under_test) as it:
        await it.strike(Drain(under_test, ["writer-1"], 0.0, only_routes=True), hold_s=2.0)


async def test_all_writers_are_killed(under_test: ClusterUnderTest) -> None:
    async with row("writers killed", under_test) as it:
        await it.strike(
            Kill(under_test, under_test.names(Kind.WRITER), 3.0, lasts=True), hold_s=3.0
        )


async def test_t21_a_reply_is_lost_and_the_key_goes_to_another_writer(
    under_test: ClusterUnderTest,
) -> None:
    video_id, key = secrets.token_hex(6), secrets.token_hex(6)
    request = post_request(video_id, key, {"author": "a", "text": "once"})
    _, port = under_test.cluster.address("writer-1", "public")
    async with TcpProxy(port) as proxy:
        first = HttpClient("127.0.0.1", proxy.port)
        proxy.lose_reply()
        with pytest.raises((OSError, EOFError)):
            await first.call(request, 10.0)
    assert proxy.lost_replies == 1
    second = HttpClient(*under_test.cluster.address("writer-2", "public"))
    reply = await second.call(request, 10.0)
    assert (reply.status, reply.json()["seq"]) == (200, 1)
    second.close()


async def test_t22_a_writer_stands_still_inside_a_commit(under_test: ClusterUnderTest) -> None:
    """It holds the file's lock, and its lease on the video is long over when it goes on."""
    async with row("T22", under_test) as it:
        crash = Crash(under_test, ["writer-1"], 6.0, True, point="writer.in_commit:pause@60")
        await it.strike(crash, hold_s=8.0)


async def test_t22_a_writer_stands_still_between_commits(under_test: ClusterUnderTest) -> None:
    async with row("T22", under_test) as it:
        await it.strike(Pause(under_test, ["writer-1"], 6.0, lasts=True), hold_s=15.0)
