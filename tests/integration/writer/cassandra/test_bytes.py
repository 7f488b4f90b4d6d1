"""That the words of what was erased leave Cassandra's files, by the commands of
docs/operations.md, run as they stand there for local processes: nodetool out of the jars.
"""

from __future__ import annotations

import asyncio
import os
import subprocess
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path

import pytest

from cluster.folder import home_folder, jars_folder
from cluster.ports import free_ports
from cluster.servers.cassandra import JAVA_VERSION
from cluster.servers.java import find_java
from tests.cassandra_server import CassandraServer
from tests.contracts.reaching import reached
from tests.keyspace import Keyspace
from tests.support import TIMEOUT_FACTOR, eventually
from wire.comment import NewComment
from wire.entry import RemovedBy
from writer.cassandra.store import CassandraStore
from writer.redaction import Removal
from writer.store import Item

pytestmark = pytest.mark.timeout(300)

AT = "2030-01-01T00:00:00.000Z"
NODETOOL = "org.apache.cassandra.tools.NodeTool"
SECRET = b"VERYSECRETWORD"
ANN = "u_0123456789abcdefghijkl"


class Server(CassandraServer):
    """One that can be told to compact."""

    def __init__(self, folder: Path) -> None:
        (self.jmx_port,) = free_ports(1)
        super().__init__(folder, f"-Dcassandra.jmx.local.port={self.jmx_port}")

    async def nodetool(self, *words: str) -> None:
        jars = jars_folder(home_folder(os.environ))
        java = find_java(JAVA_VERSION)
        assert java is not None
        opened = [
            *("--add-exports", "java.base/sun.nio.ch=ALL-UNNAMED"),
            *("--add-exports", "java.base/jdk.internal.ref=ALL-UNNAMED"),
        ]
        command = [java, *opened, f"-Duser.home={self.folder}", "-cp", f"{jars}/*", NODETOOL]
        done = await asyncio.to_thread(
            subprocess.run,
            [*command, "-p", str(self.jmx_port), *words],
            cwd=self.folder,
            capture_output=True,
            timeout=120 * TIMEOUT_FACTOR,
            check=False,
        )
        assert done.returncode == 0, (done.stdout + done.stderr).decode()

    def files_with(self, word: bytes) -> list[str]:
        found = list[str]()
        for one in self.folder.rglob("*"):
            with suppress(FileNotFoundError):  # it may just be removed
                if one.is_file() and word in one.read_bytes():
                    found.append(str(one.relative_to(self.folder)))
        return sorted(found)


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[Server]:
    server = Server(tmp_path / "cassandra")
    server.folder.mkdir()
    await server.start()
    yield server
    await server.clean()


async def test_bytes_of_what_was_erased_leave_the_files(server: Server) -> None:
    keyspace = Keyspace.new(server)
    async with reached(CassandraStore(keyspace.config)) as store:
        for number in range(3):
            said = NewComment("Ann", f"{SECRET.decode()} {number}", ANN)
            await store.append("v", [Item(said, f"key {number}", AT)])
            await store.append("v", [Item(NewComment("Bob", "hi"), None, AT)])
        await store.redact("v", Removal((1,), RemovedBy.MODERATOR), AT)
        await server.nodetool("flush", keyspace.name)
        seqs, *_ = await store.authored(ANN, "v", 0, 10)
        assert seqs == (1, 3, 5)
        await store.redact("v", Removal(seqs, RemovedBy.ERASURE), AT)
    found = server.files_with(SECRET)
    for what in ("data", "commitlog"):
        assert any(name.startswith(what) for name in found), "else this shows nothing"
    await server.nodetool("flush")
    await server.nodetool("compact", keyspace.name)
    await server.nodetool("compact", "system", "paxos")
    # What was compacted is removed a little later.
    await eventually(
        lambda: all(name.startswith("commitlog") for name in server.files_with(SECRET)), 60
    )
    await server.stop()
    await server.start()
    assert server.files_with(SECRET) == []
    async with reached(CassandraStore(keyspace.config)) as store:
        page = await store.recent("v", 20)
        assert page.head == 8
