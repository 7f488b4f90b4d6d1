"""Cassandra servers on this machine: their configuration, the command that runs one, and
whether one answers.

One server or a ring of three, all on loopback: each has an address of its own, and all share one
port for clients and one among themselves. JMX is off: without a password it is everybody's.
"""

from __future__ import annotations

import asyncio
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from cluster.servers import cassandra_config, cassandra_jars
from cluster.servers.java import find_java

JAVA_VERSION = 17  # 5.0 runs on 11 and 17 only
HEAP_MIB = 512
MIN_HEAP_MIB = 200  # with less it does not start
ROOM_MIB = 64  # without so much on its disk it is not started again: four segments of its log
MAIN_CLASS = "org.apache.cassandra.service.CassandraDaemon"
_HEAP = re.compile(r"(\d{1,6})([mMgG])", re.ASCII)
_AGENT = "jamm-*.jar"
# Protocol version 4, stream 0, OPTIONS, no body; answered before anything else is said.
_OPTIONS = bytes((4, 0, 0, 0, 5, 0, 0, 0, 0))
_SUPPORTED = 6
_REPLY_HEAD_BYTES = 9


@dataclass(frozen=True, slots=True)
class CassandraServer:
    """One server: its number in the ring (from 1), its folder, its address and ports.

    `options` are further ones for the JVM.
    """

    number: int
    folder: Path
    host: str
    cql_port: int
    storage_port: int
    heap_mib: int = HEAP_MIB
    options: tuple[str, ...] = ()


def read_heap_mib(text: str) -> int:
    """`512M` or `2G` in MiB; "" is the default. Raises ValueError."""
    if not text:
        return HEAP_MIB
    found = _HEAP.fullmatch(text)
    heap_mib = int(found[1]) * (1024 if found[2] in "gG" else 1) if found else 0
    if heap_mib < MIN_HEAP_MIB:
        raise ValueError(f"must be at least {MIN_HEAP_MIB}M, such as 512M or 2G: {text}")
    return heap_mib


def write_config(server: CassandraServer, ring: Sequence[CassandraServer] = ()) -> None:
    """Write its configuration; `ring` is all servers of several. What is stored stays."""
    yaml = cassandra_config.render(
        hosts=[other.host for other in ring or (server,)],
        number=server.number,
        cql_port=server.cql_port,
        storage_port=server.storage_port,
        folder=server.folder,
    )
    cassandra_config.write(server.folder, yaml)


def command(server: CassandraServer, jars: Path) -> list[str]:
    """Runs the server in the foreground; its folder must be the working directory. Raises
    FileNotFoundError without Java 17, or if the jars are not exactly what they should be.
    """
    java = find_java(JAVA_VERSION)
    if java is None:
        raise FileNotFoundError(f"Java {JAVA_VERSION} is not installed")
    if not cassandra_jars.are_there(jars):
        raise FileNotFoundError(
            f"Cassandra's jars in {jars} are missing or damaged; "
            "`STORE=cassandra livecomments install` fetches them"
        )
    agent = next(jars.glob(_AGENT)).name
    # From here: Java would end a path at a `:` (of the class path) or a `=` (of the agent).
    jars = Path(os.path.relpath(jars.resolve(), server.folder.resolve()))
    return [
        java,
        *cassandra_config.jvm_options(server.folder, server.heap_mib, jars / agent),
        *server.options,
        "-cp",
        f"{jars}/*",
        MAIN_CLASS,
    ]


async def answers(host: str, cql_port: int, timeout_s: float = 1.0) -> bool:
    """Whether the server serves clients, which it does last of all when it starts."""
    try:
        async with asyncio.timeout(timeout_s):
            reader, writer = await asyncio.open_connection(host, cql_port)
            try:
                writer.write(_OPTIONS)
                head = await reader.readexactly(_REPLY_HEAD_BYTES)
                return head[4] == _SUPPORTED
            finally:
                writer.close()
    except (OSError, TimeoutError, asyncio.IncompleteReadError):
        return False
