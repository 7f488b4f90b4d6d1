"""HAProxy's runtime socket: its figures, and its server slots.

The socket lies in the gateway's folder. It is opened through the folder's descriptor, because a
Unix socket's path may have 107 bytes at most and a test's folder is easily longer.
"""

from __future__ import annotations

import asyncio
import csv
import os
from collections.abc import Sequence
from pathlib import Path

from cluster.errors import ClusterError
from cluster.haproxy import Gateway, Server

SOCKET = "haproxy.sock"
BACKENDS = {"node": "streams", "writer": "writers"}
_MAX_REPLY_BYTES = 1024 * 1024
_DEADLINE_S = 2.0
_RETRY_S = 0.05


async def ask(folder: Path, command: str) -> str:
    """The reply to one command. Raises OSError or TimeoutError if HAProxy is not there."""
    descriptor = os.open(folder, os.O_PATH | os.O_DIRECTORY)
    try:
        async with asyncio.timeout(_DEADLINE_S):
            reader, writer = await asyncio.open_unix_connection(
                f"/proc/self/fd/{descriptor}/{SOCKET}"
            )
            try:
                writer.write(command.encode() + b"\n")
                return (await reader.read(_MAX_REPLY_BYTES)).decode(errors="replace").strip()
            finally:
                writer.close()
    finally:
        os.close(descriptor)


async def fetch_stats(folder: Path) -> list[dict[str, str]]:
    """One row for each frontend, backend and server (`show stat`). Raises as `ask`."""
    reply = await ask(folder, "show stat")
    return list(csv.DictReader(reply.removeprefix("# ").splitlines()))


async def fill_slots(folder: Path, gateway: Gateway) -> None:
    """Make every node and writer of `gateway` known; waits until HAProxy answers.

    Servers that it knows already with their address are left as they are. Raises ClusterError when
    there are no slots left.
    """
    rows = await _stats_when_there(folder)
    known = {(row["pxname"], row["svname"]): row for row in rows}
    for prefix, servers in (("node", gateway.nodes), ("writer", gateway.writers)):
        for server in servers:
            name = f"{prefix}-{server.number}"
            row = known.get((BACKENDS[prefix], name))
            if row is None:
                raise ClusterError(
                    f"the running gateway has no place for {name}; start it again "
                    "(`livecomments stop haproxy`, then `make cluster-up`)"
                )
            if row["status"].startswith("MAINT") or row["addr"] != f"{server.host}:{server.port}":
                await _fill(folder, f"{BACKENDS[prefix]}/{name}", server)


async def find_not_up(folder: Path, gateway: Gateway) -> list[str]:
    """The nodes and writers of `gateway` whose checks do not all succeed. Raises as `ask`."""
    status = {(row["pxname"], row["svname"]): row["status"] for row in await fetch_stats(folder)}
    wanted = [("node", server.number) for server in gateway.nodes]
    wanted += [("writer", server.number) for server in gateway.writers]
    names = {f"{kind}-{number}": BACKENDS[kind] for kind, number in wanted}
    return [name for name, backend in names.items() if status.get((backend, name)) != "UP"]


async def empty_slots(folder: Path, names: Sequence[str]) -> None:
    """Send nothing new to these nodes and writers. Raises as `ask`."""
    for name in names:
        backend = BACKENDS.get(name.partition("-")[0])
        if backend is not None:
            await _order(folder, f"set server {backend}/{name} state maint")


async def _fill(folder: Path, slot: str, server: Server) -> None:
    await _order(folder, f"set server {slot} addr {server.host} port {server.port}")
    await _order(folder, f"set server {slot} check-port {server.check_port}")
    await _order(folder, f"set server {slot} state ready")


async def _order(folder: Path, command: str) -> None:
    reply = await ask(folder, command)
    # It answers nothing, or tells what it changed; an error begins in one of these ways.
    if reply.startswith(("No such", "Require", "Unknown", "Invalid", "Permission")):
        raise ClusterError(f"haproxy refused `{command}`: {reply}")


async def _stats_when_there(folder: Path) -> list[dict[str, str]]:
    while True:
        try:
            return await fetch_stats(folder)
        except (FileNotFoundError, ConnectionRefusedError):  # it is still starting
            await asyncio.sleep(_RETRY_S)
