"""A part that ends while it is waited for, or while others wait that need it: told at once."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable
from pathlib import Path

import pytest

from cluster.cluster import Cluster
from cluster.errors import StepFailed
from cluster.local.runtime import LocalRuntime
from cluster.runtime import Launch
from cluster.servers import haproxy_socket
from cluster.servers.haproxy_socket import TcpControl
from cluster.settings import Settings
from cluster.waiting import READY_WITHIN_S, Waiting
from tests.support import TIMEOUT_FACTOR

SMALL = Settings("waiting", nodes=1, dispatchers=1, writers=1)
# Far less than what a part that lives may take.
AT_ONCE_S = READY_WITHIN_S / 3 * TIMEOUT_FACTOR


@pytest.fixture
async def small(tmp_path: Path) -> AsyncIterator[Cluster]:
    """Made, not started."""
    cluster = Cluster.create(SMALL, tmp_path)
    yield cluster
    await cluster.clean()


def launch(cluster: Cluster, name: str, script: str) -> None:
    """Another program in the place of a part."""
    assert isinstance(cluster.runtime, LocalRuntime)
    command = ["/bin/sh", "-c", script]
    cluster.runtime.launch(Launch(name, command, cluster.folder.path, os.environ))


async def told(waits: Awaitable[None]) -> StepFailed:
    with pytest.raises(StepFailed) as failed:
        async with asyncio.timeout(AT_ONCE_S):
            await waits
    return failed.value


async def test_a_gateway_that_ends_at_once_is_not_waited_for(
    small: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = tmp_path / "bin" / "haproxy"
    broken.parent.mkdir()
    broken.write_text("#!/bin/sh\necho it cannot start today\nexit 1\n")
    broken.chmod(0o755)
    monkeypatch.setenv("PATH", f"{broken.parent}:{os.environ['PATH']}")
    await small.start("haproxy", wait=False)
    gateway, waiting = small.part("haproxy"), Waiting(small.runtime)
    for waits in (waiting.fill_slots(gateway, {}), waiting.until_gateway_sees(gateway, [])):
        failed = await told(waits)
        assert "it cannot start today" in failed.log_tail


async def test_a_gateway_that_is_slow_to_answer_is_waited_for(
    small: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    awake = asyncio.Event()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readline()
        await awake.wait()
        writer.write(b"# pxname,svname,status\nstreams,node-1,UP\n")
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    control = TcpControl("127.0.0.1", server.sockets[0].getsockname()[1])
    monkeypatch.setattr(small.runtime, "control", lambda: control)
    for name in ("haproxy", "node-1"):
        launch(small, name, "exec sleep 1000")
    gateway, waiting = small.part("haproxy"), Waiting(small.runtime)
    waits = asyncio.gather(
        waiting.fill_slots(gateway, {}),
        waiting.until_gateway_sees(gateway, [small.part("node-1")]),
        haproxy_socket.replace_certificate(control, "gateway.pem", "a certificate"),
    )
    with pytest.raises(TimeoutError):
        await haproxy_socket.fetch_stats(control)  # whoever only looks waits for less
    awake.set()
    await waits
    server.close()


async def test_what_others_need_is_watched_while_they_start(small: Cluster) -> None:
    launch(small, "zookeeper-1", "echo the disk is gone; read -r _ < fifo")
    launch(small, "node-1", "exec sleep 1000")
    waiting = Waiting(small.runtime)
    node, zookeeper = small.part("node-1"), small.part("zookeeper-1")
    failed = await told(waiting.until_all_ready([node], [zookeeper]))
    assert str(failed) == "zookeeper-1 is dead"
    assert "the disk is gone" in failed.log_tail


async def test_a_writer_that_ends_before_it_has_its_store_is_told(small: Cluster) -> None:
    launch(small, "writer-1", "exec sleep 1000")
    waits = asyncio.create_task(
        told(Waiting(small.runtime).until_posts_accepted([small.part("writer-1")]))
    )
    await asyncio.sleep(0)
    await small.kill("writer-1")
    assert str(await waits) == "writer-1 is dead"


async def test_a_node_that_ends_before_the_gateway_sees_it_is_told(small: Cluster) -> None:
    await small.start("haproxy", wait=False)
    launch(small, "node-1", "exit 3")
    gateway, waiting = small.part("haproxy"), Waiting(small.runtime)
    await waiting.fill_slots(gateway, {})
    failed = await told(waiting.until_gateway_sees(gateway, [small.part("node-1")]))
    assert str(failed) == "node-1 is dead"
