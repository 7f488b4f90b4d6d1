"""Real ZooKeeper servers with the configuration that we write."""

from __future__ import annotations

import asyncio
import subprocess
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from cluster.ports import free_ports
from cluster.servers.zookeeper import ZooKeeperServer, ask, command, fetch_mode, write_config
from tests.support import TIMEOUT_FACTOR

Start = Callable[[int], list[ZooKeeperServer]]


@pytest.fixture
async def start(tmp_path: Path) -> AsyncIterator[Start]:
    running: list[subprocess.Popen[bytes]] = []

    def run(count: int) -> list[ZooKeeperServer]:
        ports = free_ports(3 * count)
        ensemble = [
            ZooKeeperServer(n + 1, tmp_path / str(n), *ports[3 * n : 3 * n + 3])
            for n in range(count)
        ]
        for server in ensemble:
            write_config(server, ensemble)
            with (tmp_path / f"{server.number}.log").open("wb") as log:
                running.append(
                    subprocess.Popen(command(server), cwd=server.folder, stdout=log, stderr=log)
                )
        return ensemble

    yield run
    for process in running:
        process.kill()
        process.wait()


async def modes(ensemble: list[ZooKeeperServer]) -> list[str]:
    """The mode of each server, once all of them serve."""
    async with asyncio.timeout(40 * TIMEOUT_FACTOR):
        while True:
            found = [await fetch_mode("127.0.0.1", server.client_port) for server in ensemble]
            if None not in found:
                return sorted(mode for mode in found if mode)
            await asyncio.sleep(0.05)


async def said(server: ZooKeeperServer, word: str) -> str:
    return await ask("127.0.0.1", server.client_port, word, 20 * TIMEOUT_FACTOR)


async def test_one_server_serves_alone(start: Start) -> None:
    (server,) = start(1)
    assert await modes([server]) == ["standalone"]
    assert await said(server, "ruok") == "imok"
    assert "not in the whitelist" in await said(server, "envi")


async def test_three_servers_elect_a_leader(start: Start) -> None:
    assert await modes(start(3)) == ["follower", "follower", "leader"]


async def test_nobody_there_is_no_mode() -> None:
    assert await fetch_mode("127.0.0.1", free_ports(1)[0]) is None
