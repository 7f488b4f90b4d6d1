"""A DNS server with a few names, whose addresses a test changes: what HAProxy asks (RFC 1035, and
RFC 2782 for SRV records).
"""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import cast

_A, _SRV = 1, 33
_NO_SUCH_NAME = 3


@dataclass
class DnsServer:
    """addresses: IPv4 by name; services: (name, port) of each server, by name of the service."""

    addresses: dict[str, list[str]] = field(default_factory=dict)
    services: dict[str, list[tuple[str, int]]] = field(default_factory=dict)
    port: int = 0
    host: str = "127.0.0.1"
    asked: set[str] = field(default_factory=set)

    @asynccontextmanager
    async def run(self) -> AsyncIterator[DnsServer]:
        loop = asyncio.get_running_loop()
        transport, _ = await loop.create_datagram_endpoint(
            lambda: _Protocol(self), local_addr=(self.host, self.port)
        )
        self.port = transport.get_extra_info("sockname")[1]
        try:
            yield self
        finally:
            transport.close()

    def answer(self, query: bytes) -> bytes:
        """To a query with one question."""
        name, end = _read_name(query, 12)
        kind = struct.unpack_from("!H", query, end)[0]
        self.asked.add(name)
        records = self._records(name, kind)
        known = name in self.addresses or name in self.services
        flags = 0x8580 | (0 if known else _NO_SUCH_NAME)
        head = query[:2] + struct.pack("!HHHHH", flags, 1, len(records), 0, 0)
        body = b"".join(
            b"\xc0\x0c" + struct.pack("!HHIH", kind, 1, 1, len(data)) + data for data in records
        )
        return head + query[12 : end + 4] + body

    def _records(self, name: str, kind: int) -> list[bytes]:
        if kind == _A:
            return [socket.inet_aton(address) for address in self.addresses.get(name, ())]
        if kind == _SRV:
            return [
                struct.pack("!HHH", 0, 1, port) + _write_name(target)
                for target, port in self.services.get(name, ())
            ]
        return []


class _Protocol(asyncio.DatagramProtocol):
    def __init__(self, server: DnsServer) -> None:
        self._server = server
        self._transport: asyncio.DatagramTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.DatagramTransport", transport)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        assert self._transport is not None
        self._transport.sendto(self._server.answer(data), addr)


def _read_name(message: bytes, at: int) -> tuple[str, int]:
    """A name without compression, and where it ends."""
    labels = []
    while length := message[at]:
        labels.append(message[at + 1 : at + 1 + length].decode().lower())
        at += 1 + length
    return ".".join(labels), at + 1


def _write_name(name: str) -> bytes:
    return b"".join(bytes([len(label)]) + label.encode() for label in name.split(".")) + b"\0"
