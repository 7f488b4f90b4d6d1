"""A descriptor that uvloop has closed is not closed again by the socket that it came from."""

from __future__ import annotations

import asyncio
import gc
import os
import socket
import ssl
import struct

import aiohttp
import pytest

from service.client_socket import ClientSocket, new_client_socket
from tests.support import eventually

RESET_AT_CLOSE = struct.pack("ii", 1, 0)


def reset_by_peer() -> ClientSocket:
    """One that is connected, as far as it knows."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        address = listener.getsockname()
        client = new_client_socket((socket.AF_INET, socket.SOCK_STREAM, 0, "", address))
        client.connect(address)
        peer, _ = listener.accept()
    peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_AT_CLOSE)
    peer.close()
    return client


async def test_the_number_of_what_died_in_its_handshake_stays_its_next_owners() -> None:
    """Else it is closed under whatever has it by then."""
    loop, other = asyncio.get_running_loop(), os.open(os.devnull, os.O_RDONLY)
    client = reset_by_peer()
    number = client.fileno()
    context = ssl.create_default_context()
    with pytest.raises(ConnectionError):
        await loop.create_connection(
            asyncio.Protocol, sock=client, ssl=context, server_hostname="localhost"
        )
    await eventually(lambda: not os.path.exists(f"/proc/self/fd/{number}"))
    os.dup2(other, number)  # whatever is opened next may have it
    del client
    gc.collect()
    assert os.fstat(number) == os.fstat(other)
    os.close(number)
    os.close(other)


async def test_a_connector_closes_what_it_connected() -> None:
    """A socket that nobody adopted is closed as ever, and so is one that served."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
        writer.close()

    def numbers() -> set[str]:
        return set(os.listdir("/proc/self/fd"))

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    before = numbers()
    connector = aiohttp.TCPConnector(socket_factory=new_client_socket)
    async with server, aiohttp.ClientSession(connector=connector) as session:
        async with session.get(f"http://127.0.0.1:{port}/") as reply:
            assert await reply.text() == "ok"
        server.close()
        with pytest.raises(aiohttp.ClientConnectionError):
            await session.get(f"http://127.0.0.1:{port}/")
    await eventually(lambda: len(numbers()) <= len(before))
