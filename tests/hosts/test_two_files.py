"""Writers on two hosts, each with a SQLite file of its own: what one cluster must not have."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from cluster.ca import DevelopmentCa
from tests.hosts.layout import Layout, Process
from tests.hosts.network import Network, why_no_network
from tests.hosts.servers import CLIENT_PORT, zookeepers
from tests.hosts.units import ROOT
from tests.support import TIMEOUT_FACTOR, eventually
from wire.roles import Role

_WHY_NOT = why_no_network()
_PROCESSES = (Process("writer", 1, "w1"), Process("writer", 2, "w2"))
LAYOUT = Layout(("zk",), (), (), _PROCESSES)

pytestmark = pytest.mark.skipif(_WHY_NOT is not None, reason=str(_WHY_NOT))


class Writer:
    """On a host of its own, with a file of its own."""

    def __init__(self, process: Process, network: Network, folder: Path) -> None:
        self.host, self.log = process.host, folder / f"{process.name}.log"
        self._network = network
        self._environment = {
            "SERVICE_ID": process.name,
            "BIND_HOST": network.addresses[process.host],
            "ALLOW_ANONYMOUS": "yes",
            "LOG_FORMAT": "json",
            "SQLITE_PATH": str(folder / f"{process.name}.sqlite3"),
            "TLS_DIR": str(folder / process.name),
            "ZOOKEEPER": f"{network.addresses['zk']}:{CLIENT_PORT}",
        }

    def start(self, stack: ExitStack) -> None:
        command = self._network.command(self.host, sys.executable, "-m", "writer")
        with self.log.open("wb") as log:
            self.process = stack.enter_context(
                _killed(command, cwd=ROOT, env=os.environ | self._environment, stderr=log)
            )

    def said(self, event: str) -> bool:
        return f'"event": "{event}"' in self.log.read_text()

    async def status(self) -> int:
        waiting = asyncio.to_thread(self.process.wait)
        return await asyncio.wait_for(waiting, 60 * TIMEOUT_FACTOR)


@contextmanager
def _killed(command: list[str], **options: object) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, **options)  # type: ignore[call-overload]
    try:
        yield process
    finally:
        process.kill()
        process.wait()


async def test_the_host_that_came_later_is_refused_also_after_a_cut(tmp_path: Path) -> None:
    ca = DevelopmentCa.new()
    network = Network(f"lc{os.getpid()}", LAYOUT.addresses)
    for process in _PROCESSES:
        ca.issue(Role.WRITER, process.name).write(tmp_path / process.name)
    with network.run(), ExitStack() as stack:
        (server,) = zookeepers(LAYOUT, network.addresses, tmp_path)
        with (tmp_path / "zookeeper.log").open("wb") as log:
            command = network.command("zk", *server.command)
            stack.enter_context(_killed(command, cwd=server.folder, stdout=log, stderr=log))
        first, later = (Writer(process, network, tmp_path) for process in _PROCESSES)
        first.start(stack)
        await eventually(lambda: first.said("started"), 60)

        later.start(stack)
        assert await later.status() == 2
        assert f"writer writer-1 on {network.addresses['w1']} was here first" in (
            later.log.read_text()
        )

        network.cut("w1")
        await eventually(lambda: first.said("zookeeper_away"), 60)
        later.start(stack)  # for as long as the session of the first lasts it waits
        await eventually(lambda: later.said("started"), 60)
        network.heal("w1")
        assert await later.status() == 2
        assert first.process.poll() is None
