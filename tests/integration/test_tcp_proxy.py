"""The proxy between parts: each bend does what it says, and nothing else."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator

import pytest

from tests.support import eventually
from tests.tcp_proxy import Bend, Direction, TcpProxy


class Echo:
    """Answers each line with the same line; notes what it has got."""

    def __init__(self) -> None:
        self.got: list[bytes] = []

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while line := await reader.readline():
                self.got.append(line)
                writer.write(line)
        except OSError:
            pass
        finally:
            writer.close()


@pytest.fixture
async def echo() -> AsyncIterator[tuple[Echo, TcpProxy]]:
    echo = Echo()
    server = await asyncio.start_server(echo.serve, "127.0.0.1", 0)
    async with TcpProxy(server.sockets[0].getsockname()[1]) as proxy:
        yield echo, proxy
    server.close()


_opened: list[asyncio.StreamWriter] = []


@pytest.fixture(autouse=True)
async def closed() -> AsyncIterator[None]:
    yield
    for writer in _opened:
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()
    _opened.clear()


async def connect(proxy: TcpProxy) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    connection = await asyncio.open_connection("127.0.0.1", proxy.port)
    _opened.append(connection[1])
    return connection


async def ask(
    connection: tuple[asyncio.StreamReader, asyncio.StreamWriter], line: bytes = b"x\n"
) -> bytes:
    connection[1].write(line)
    return await connection[0].readline()


async def test_what_passes_is_not_changed(echo: tuple[Echo, TcpProxy]) -> None:
    connection = await connect(echo[1])
    long = b"a" * 60_000 + b"\n"
    assert await ask(connection, long) == long
    assert (echo[1].turns, echo[1].connections) == (1, 1)


async def test_a_bent_link_delays_without_becoming_narrow(echo: tuple[Echo, TcpProxy]) -> None:
    connection = await connect(echo[1])
    echo[1].bend(Bend(latency_s=0.1))
    began = time.monotonic()
    for _ in range(20):
        connection[1].write(b"x\n")
        await asyncio.sleep(0.005)
    for _ in range(20):
        await connection[0].readline()
    assert 0.2 <= time.monotonic() - began < 1.9  # one after the other they would take 2 s


async def test_a_narrow_link_takes_its_time(echo: tuple[Echo, TcpProxy]) -> None:
    connection = await connect(echo[1])
    echo[1].bend(Bend(bytes_per_s=20_000, slice_bytes=1_000))
    began = time.monotonic()
    await ask(connection, b"a" * 4_999 + b"\n")
    assert time.monotonic() - began >= 0.4  # each way a quarter of a second


async def test_a_sliced_link_still_carries_everything(echo: tuple[Echo, TcpProxy]) -> None:
    connection = await connect(echo[1])
    echo[1].bend(Bend(slice_bytes=1))
    assert await ask(connection, b"byte by byte\n") == b"byte by byte\n"


@pytest.mark.parametrize("direction", list(Direction))
async def test_a_link_that_is_held_one_way_delivers_when_healed(
    echo: tuple[Echo, TcpProxy], direction: Direction
) -> None:
    connection = await connect(echo[1])
    await ask(connection)
    echo[1].blackhole(frozenset({direction}))
    asking = asyncio.create_task(ask(connection, b"held\n"))
    if direction is Direction.TO_CLIENT:
        await eventually(lambda: echo[0].got[-1] == b"held\n")
    done, _ = await asyncio.wait({asking}, timeout=0.1)
    assert not done
    assert (b"held\n" in echo[0].got) is (direction is Direction.TO_CLIENT)
    echo[1].heal()
    assert await asking == b"held\n"


async def test_exactly_the_reply_to_one_request_is_lost(echo: tuple[Echo, TcpProxy]) -> None:
    connection = await connect(echo[1])
    await ask(connection)
    echo[1].lose_reply(2)
    assert await ask(connection) == b"x\n"
    assert await ask(connection, b"lost\n") == b""  # the connection ends without it
    assert echo[0].got[-1] == b"lost\n"
    assert echo[1].lost_replies == 1
    again = await connect(echo[1])
    assert await ask(again) == b"x\n"


async def test_a_reply_is_broken_off_in_the_middle(echo: tuple[Echo, TcpProxy]) -> None:
    connection = await connect(echo[1])
    await ask(connection)
    echo[1].limit(3)
    connection[1].write(b"broken off\n")
    try:
        got = await connection[0].read()
    except ConnectionResetError:
        got = b""
    assert got in (b"bro", b"")  # a reset may overtake what was sent before it


async def test_cut_links_refuse_until_healed_and_reset_ones_do_not(
    echo: tuple[Echo, TcpProxy],
) -> None:
    connection = await connect(echo[1])
    echo[1].reset()
    with contextlib.suppress(ConnectionError):
        assert await ask(connection) == b""
    again = await connect(echo[1])
    assert await ask(again) == b"x\n"
    echo[1].cut()
    refused = await connect(echo[1])
    assert await refused[0].read() == b""
    echo[1].heal()
    healed = await connect(echo[1])
    assert await ask(healed) == b"x\n"
