"""T05, T46: viewers whose packets are dropped: no FIN, no reset, not even an acknowledgement.

This needs to drop packets, so it runs where iptables may (root), and says so where it may not.
"""

from __future__ import annotations

import asyncio
import secrets
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator

import aiohttp
import pytest

from cluster.parts import Kind
from rtms_node.limits import Limits
from tests.chaos.cluster_under_test import ClusterUnderTest
from tests.chaos.healing import note, state_of
from tests.support import TIMEOUT_FACTOR

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(300)]

_UNACKNOWLEDGED_S = 20.0
_HEARTBEAT_S = Limits().heartbeat_s
# Only what is sent can stay unacknowledged; and the gateway closes its other side with the write
# that finds the viewer's side closed.
_GONE_WITHIN_S = {
    Kind.NODE: _UNACKNOWLEDGED_S + _HEARTBEAT_S,
    Kind.HAPROXY: _UNACKNOWLEDGED_S + 2 * _HEARTBEAT_S,
}


def _rules(act: str, ports: list[int]) -> bool:
    """Add (-I) or remove (-D) what drops all packets of these local ports; whether that worked."""
    done = [
        subprocess.run(
            ["iptables", "-w", act, chain, "-p", "tcp", "-s", "127.0.0.1", "-d", "127.0.0.1",
             "--dport", str(port), "-j", "DROP"],
            check=False, capture_output=True,
        ).returncode
        for port in ports
        for chain in ("INPUT",)
    ]  # fmt: skip
    return not any(done)


@pytest.fixture
def viewers() -> Iterator[list[socket.socket]]:
    """Whatever is put into it is closed after the test."""
    sockets: list[socket.socket] = []
    yield sockets
    for one in sockets:
        one.close()


@pytest.fixture
def drop() -> Iterator[list[int]]:
    """Ports that are put into this list by `vanish` are free again after the test."""
    if shutil.which("iptables") is None:
        pytest.skip("because iptables is not here")
    ports: list[int] = []
    yield ports
    _rules("-D", ports)


def vanish(viewers: list[socket.socket], drop: list[int]) -> None:
    ports = [viewer.getsockname()[1] for viewer in viewers]
    if not _rules("-I", ports):
        _rules("-D", ports)
        pytest.skip("because packets may not be dropped here")
    drop += ports


@pytest.mark.parametrize(("part", "use"), [("node-1", "public"), ("haproxy", "http")])
async def test_t05_t46_vanished_viewers_are_reaped_and_the_video_deregistered(
    under_test: ClusterUnderTest, viewers: list[socket.socket], drop: list[int], part: str, use: str
) -> None:
    """Twenty viewers of a video that nobody else watches, at a node and through the gateway."""
    video_id = secrets.token_hex(6)
    await until(under_test, viewers=0, registered=0, within_s=30.0)  # those of the row before
    within_s = _GONE_WITHIN_S[under_test.cluster.part(part).kind]
    for _ in range(20):
        viewer = socket.create_connection(under_test.cluster.address(part, use))
        viewer.sendall(f"GET /v1/videos/{video_id}/stream HTTP/1.1\r\nHost: h\r\n\r\n".encode())
        viewers.append(viewer)
    await until(under_test, viewers=20, within_s=10.0)
    vanish(viewers, drop)
    began = time.monotonic()
    url = f"{under_test.cluster.http_url}/v1/videos/{video_id}/comments"
    body = {"author": "a", "text": "x"}
    async with aiohttp.ClientSession() as session, session.post(url, json=body) as reply:
        assert reply.status == 201
    await until(under_test, viewers=0, within_s=within_s)
    note(f"T46 reaped at {part}: X {within_s} s", time.monotonic() - began)
    await until(under_test, registered=0, within_s=10.0)


async def until(under_test: ClusterUnderTest, *, within_s: float, **wanted: int) -> None:
    """Until these figures of all nodes together are so."""
    async with asyncio.timeout(within_s * TIMEOUT_FACTOR):
        while True:
            states = [
                await state_of(under_test.cluster, name) for name in under_test.names(Kind.NODE)
            ]
            if all(sum(one.get(name, 0) for one in states) == n for name, n in wanted.items()):
                return
            await asyncio.sleep(0.1)
