"""HAProxy's runtime socket: its figures, and its server slots."""

from __future__ import annotations

import asyncio
import csv
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from cluster.errors import ClusterError
from cluster.servers.haproxy_servers import Server

SOCKET = "haproxy.sock"
BACKENDS = {"node": ("streams",), "writer": ("writers",), "single": ("streams", "writers")}
_MAX_REPLY_BYTES = 1024 * 1024
_NO_ADDRESS_YET = "MAINT (resolution)"
# A machine that starts a whole cluster may leave HAProxy without a core for seconds.
_WITHIN_S = 20.0
_LOOK_WITHIN_S = 2.0
_RETRY_S = 0.05


_Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class Control(Protocol):
    """Where the socket is."""

    async def connect(self) -> _Streams:
        """Raises OSError if HAProxy is not there."""


@dataclass(frozen=True, slots=True)
class UnixControl:
    """In the gateway's folder. It is opened through the folder's descriptor, because a Unix
    socket's path may have 107 bytes at most and a test's folder is easily longer.
    """

    folder: Path

    async def connect(self) -> _Streams:
        """See Control."""
        descriptor = os.open(self.folder, os.O_PATH | os.O_DIRECTORY)
        try:
            return await asyncio.open_unix_connection(f"/proc/self/fd/{descriptor}/{SOCKET}")
        finally:
            os.close(descriptor)


@dataclass(frozen=True, slots=True)
class TcpControl:
    """At an address that only this machine and the gateway itself reach."""

    host: str
    port: int

    async def connect(self) -> _Streams:
        """See Control."""
        return await asyncio.open_connection(self.host, self.port)


async def ask(control: Control, command: str, within_s: float = _WITHIN_S) -> str:
    """The reply to one command. Raises OSError or TimeoutError if HAProxy is not there."""
    async with asyncio.timeout(within_s):
        reader, writer = await control.connect()
        try:
            writer.write(command.encode() + b"\n")
            return (await reader.read(_MAX_REPLY_BYTES)).decode(errors="replace").strip()
        finally:
            writer.close()


async def fetch_stats(control: Control, within_s: float = _LOOK_WITHIN_S) -> list[dict[str, str]]:
    """One row for each frontend, backend and server (`show stat`). Raises as `ask`."""
    reply = await ask(control, "show stat", within_s)
    return list(csv.DictReader(reply.removeprefix("# ").splitlines()))


async def fill_slots(control: Control, servers: Mapping[str, Server]) -> None:
    """Make every node and writer known, by its name; waits until HAProxy answers.

    Servers that it knows already with their address are left as they are, and so are those whose
    name it is about to look up. Raises ClusterError when there are no slots left.
    """
    known = {(row["pxname"], row["svname"]): row for row in await _stats_when_there(control)}
    for name, server, backend in _places(servers):
        row = known.get((backend, name))
        if row is None:
            raise ClusterError(
                f"the running gateway has no free slot for {name}; restart it "
                "(`livecomments stop haproxy`, then `make cluster-up`)"
            )
        if row["status"] == _NO_ADDRESS_YET:
            continue
        if row["status"].startswith("MAINT") or row["addr"] != f"{server.host}:{server.port}":
            await _fill(control, f"{backend}/{name}", server)


async def fetch_not_up(control: Control, names: Iterable[str]) -> list[str]:
    """The nodes and writers whose checks do not all succeed. Raises as `ask`."""
    rows = await fetch_stats(control, _WITHIN_S)
    status = {(row["pxname"], row["svname"]): row["status"] for row in rows}
    return [
        name
        for name in names
        if any(status.get((backend, name)) != "UP" for backend in _backends(name))
    ]


async def empty_slots(control: Control, names: Sequence[str]) -> None:
    """Send nothing new to these nodes and writers. Raises as `ask`."""
    for name in names:
        for backend in _backends(name):
            await _order(control, f"set server {backend}/{name} state maint")


async def replace_certificate(control: Control, name: str, pem: str) -> None:
    """Give a running HAProxy the certificate and key of this name anew: it reads the file only when
    it starts. Raises as `ask`, and ClusterError if it refuses.
    """
    # A payload ends at the first empty line, and PEM has none.
    for command in (f"set ssl cert {name} <<\n{pem.strip()}\n", f"commit ssl cert {name}"):
        reply = await ask(control, command)
        if "error" in reply.lower() or "can't" in reply.lower():
            raise ClusterError(f"haproxy refused its new certificate: {reply}")


def _backends(name: str) -> Sequence[str]:
    """None for a part that is not behind the gateway."""
    return BACKENDS.get(name.partition("-")[0], ())


def _places(servers: Mapping[str, Server]) -> Iterator[tuple[str, Server, str]]:
    for name, server in servers.items():
        for backend in _backends(name):
            yield name, server, backend


async def _fill(control: Control, slot: str, server: Server) -> None:
    await _order(control, f"set server {slot} addr {server.host} port {server.port}")
    await _order(control, f"set server {slot} check-port {server.check_port}")
    await _order(control, f"set server {slot} state ready")


async def _order(control: Control, command: str) -> None:
    reply = await ask(control, command)
    # It answers nothing, or tells what it changed; an error begins in one of these ways.
    if reply.startswith(("No such", "Require", "Unknown", "Invalid", "Permission")):
        raise ClusterError(f"haproxy refused `{command}`: {reply}")


async def _stats_when_there(control: Control) -> list[dict[str, str]]:
    while True:
        try:
            return await fetch_stats(control, _WITHIN_S)
        except (FileNotFoundError, ConnectionRefusedError):  # it is still starting
            await asyncio.sleep(_RETRY_S)
