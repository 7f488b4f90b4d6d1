"""ZooKeeper servers on this machine: their configuration, the command that runs one, and
how one is asked for its state.

One server or an ensemble of three, all on loopback. Ticks of half a second, so that sessions may be
as short as a second and a process that vanished is missed after its 6 s. A server runs in its own
folder and is told names in there only: it reads its configuration as Latin-1, with backslashes of
its own, so that a path might name another place.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from cluster.servers.java import find_any_java

TICK_MS = 500
ROOM_MIB = 1  # without so much on its disk it is not started again
HEAP_MIB = 192  # some 200,000 registrations
MAIN_CLASS = "org.apache.zookeeper.server.quorum.QuorumPeerMain"
_JAVA_FOLDER = Path("/usr/share/java")
_JARS = ("zookeeper.jar", "slf4j-simple.jar")
_LOG_HEADER_BYTES = 16
_MAX_REPLY_BYTES = 64 * 1024

_CONFIG = """\
tickTime={tick_ms}
minSessionTimeout={min_session_ms}
maxSessionTimeout=60000
initLimit=20
syncLimit=6
dataDir=./data
clientPort={client_port}
clientPortAddress=127.0.0.1
maxClientCnxns=1000
4lw.commands.whitelist=srvr,ruok,mntr
admin.enableServer=false
autopurge.snapRetainCount=3
autopurge.purgeInterval=1
preAllocSize=4096
"""


@dataclass(frozen=True, slots=True)
class ZooKeeperServer:
    """One server: its number in the ensemble (from 1), its folder, its ports.

    The quorum and election ports are used in an ensemble only.
    """

    number: int
    folder: Path
    client_port: int
    quorum_port: int = 0
    election_port: int = 0

    @property
    def config(self) -> Path:
        """Where `write_config` puts its zoo.cfg."""
        return self.folder / "zoo.cfg"

    @property
    def address(self) -> str:
        """For clients."""
        return f"127.0.0.1:{self.client_port}"


def connect_string(ensemble: Sequence[ZooKeeperServer]) -> str:
    """What clients are given: every server, separated by commas."""
    return ",".join(server.address for server in ensemble)


def write_config(server: ZooKeeperServer, ensemble: Sequence[ZooKeeperServer] = ()) -> None:
    """Write zoo.cfg and, for a member of an ensemble, its number. What is stored stays."""
    data = server.folder / "data"
    data.mkdir(parents=True, exist_ok=True)
    text = _CONFIG.format(
        tick_ms=TICK_MS,
        min_session_ms=2 * TICK_MS,
        client_port=server.client_port,
    )
    if len(ensemble) > 1:
        (data / "myid").write_text(f"{server.number}\n")
        for other in ensemble:
            text += f"server.{other.number}=127.0.0.1:{other.quorum_port}:{other.election_port}\n"
    server.config.write_text(text)


def remove_empty_logs(folder: Path) -> None:
    """Remove the transaction logs that a server in `folder` began on a full disk, or just before a
    crash: a log without even a header holds nothing, and the server would not start with it.

    Done before every start of a process, also when nobody is there to run a command. What else may
    keep a server from starting is met by `Cluster.up`, which discards its data.
    """
    for log in (folder / "data" / "version-2").glob("log.*"):
        if log.stat().st_size < _LOG_HEADER_BYTES:
            log.unlink()


def find_class_path() -> str | None:
    """ZooKeeper and the logger it writes to, as Debian installs them, or None if one is missing."""
    jars = [_JAVA_FOLDER / name for name in _JARS]
    return ":".join(map(str, jars)) if all(jar.exists() for jar in jars) else None


def command(server: ZooKeeperServer) -> list[str]:
    """Runs the server in the foreground; its folder must be the working directory. Raises
    FileNotFoundError without Java or ZooKeeper.
    """
    java, class_path = find_any_java(), find_class_path()
    if java is None or class_path is None:
        raise FileNotFoundError("Java or ZooKeeper is not installed")
    return [
        java,
        f"-Xmx{HEAP_MIB}m",
        "-Xms32m",
        "-XX:+UseSerialGC",
        "-XX:TieredStopAtLevel=1",  # it starts in half the time, and never needs more
        "-XX:+ExitOnOutOfMemoryError",
        "-XX:-UsePerfData",
        "-Djava.awt.headless=true",
        "-Djava.net.preferIPv4Stack=true",
        "-Dzookeeper.jmx.log4j.disable=true",
        "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
        # Without a quorum it would trace each client that tries, tens of kilobytes a second.
        "-Dorg.slf4j.simpleLogger.log.org.apache.zookeeper.server.NIOServerCnxn=error",
        "-Dorg.slf4j.simpleLogger.showDateTime=true",
        "-Dorg.slf4j.simpleLogger.dateTimeFormat=yyyy-MM-dd'T'HH:mm:ss.SSS",
        "-cp",
        class_path,
        MAIN_CLASS,
        f"./{server.config.name}",
    ]


async def ask(host: str, port: int, word: str, timeout_s: float = 1.0) -> str:
    """The reply of the server there to a four-letter word; "" if there is none in time."""
    try:
        async with asyncio.timeout(timeout_s):
            reader, writer = await asyncio.open_connection(host, port)
            try:
                writer.write(word.encode())
                return (await reader.read(_MAX_REPLY_BYTES)).decode(errors="replace")
            finally:
                writer.close()
    except (OSError, TimeoutError):
        return ""


async def fetch_mode(host: str, port: int) -> str | None:
    """`standalone`, `leader` or `follower` if the server serves clients, else None."""
    for line in (await ask(host, port, "srvr")).splitlines():
        name, _, value = line.partition(": ")
        if name == "Mode":
            return value.strip()
    return None
