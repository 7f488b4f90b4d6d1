"""A Redis server on this machine, for Pub/Sub only: its configuration, the command that runs it,
and whether it answers.

Invariants: nothing is ever stored here, so nothing is ever saved; losing it costs no comment (the
nodes' anti-entropy check delivers). Every bound is set on purpose: see the comments in the
configuration.
"""

from __future__ import annotations

import asyncio
import shutil
from dataclasses import dataclass
from pathlib import Path

LOOPBACK = "127.0.0.1"

_CONFIG = """\
bind {bind}
port {port}
protected-mode {protected}
dir {folder}
daemonize no
databases 1

# Pub/Sub keeps no data: no snapshots, no log, and no room for keys that somebody sets by mistake.
save ""
appendonly no
maxmemory 64mb
maxmemory-policy noeviction

# A node that does not read (it is stopped, or too slow) is cut off at 16 MiB at once, or at 4 MiB
# when that lasts for 5 s; all clients together may take 256 MiB, and the largest goes first. A node
# that was cut comes back and reads from the writers what it missed.
client-output-buffer-limit pubsub 16mb 4mb 5
maxmemory-clients 256mb

# The largest message that a process of ours makes has 4 MiB; nobody can publish a larger one.
proto-max-bulk-len 4mb

# A peer that vanished without a word is missed soon (ours ask every second anyway).
tcp-keepalive 10
timeout 0
maxclients 1000
"""


@dataclass(frozen=True, slots=True)
class RedisServer:
    """One server: its folder (for its configuration, and for nothing else) and its port."""

    folder: Path
    port: int

    @property
    def config(self) -> Path:
        """Where `write_config` puts its redis.conf."""
        return self.folder / "redis.conf"

    @property
    def url(self) -> str:
        """For our processes."""
        return f"redis://127.0.0.1:{self.port}"


def render(*, port: int, folder: Path, bind: str = LOOPBACK) -> str:
    """The text of redis.conf. On another address than loopback it takes everybody who gets there:
    that must be a network of the cluster's own. `folder` must have no spaces and no quotes in it.
    """
    protected = "yes" if bind == LOOPBACK else "no"
    return _CONFIG.format(bind=bind, port=port, protected=protected, folder=folder)


def write_config(server: RedisServer) -> None:
    """Write redis.conf."""
    server.folder.mkdir(parents=True, exist_ok=True)
    server.config.write_text(render(port=server.port, folder=Path()))


def find_redis() -> str | None:
    """The redis-server command, or None."""
    return shutil.which("redis-server") or shutil.which("redis-server", path="/usr/local/bin")


def command(server: RedisServer) -> list[str]:
    """Runs the server in the foreground; its folder must be the working directory. Raises
    FileNotFoundError without Redis.
    """
    redis = find_redis()
    if redis is None:
        raise FileNotFoundError("Redis is not installed")
    return [redis, server.config.name]


async def answers(host: str, port: int, timeout_s: float = 1.0) -> bool:
    """Whether the server there serves clients."""
    try:
        async with asyncio.timeout(timeout_s):
            reader, writer = await asyncio.open_connection(host, port)
            try:
                writer.write(b"PING\r\n")
                return await reader.readline() == b"+PONG\r\n"
            finally:
                writer.close()
    except (OSError, TimeoutError):
        return False
