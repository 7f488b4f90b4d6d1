"""Tickets on the raw listener of streams: who gets in, who does not and why, and when it ends."""

from __future__ import annotations

import asyncio
import json
import os
import re
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from urllib.parse import unquote

import pytest

from identity import ticket_file
from identity.readers import Readers
from identity.ticket_file import TicketFile, load_ticket_keys
from rtms_node.limits import Limits
from service.edge import PublicEdge
from tests.chunk_parser import ChunkParser
from tests.integration.rtms_node.conftest import Served
from tests.raw_http import head
from tests.sse_parser import SseEvent, SseParser
from tests.support import eventually, started
from tests.tickets import KEY, OTHER_KEY, encoded, hostile, make_ticket

VIDEO = "v1"
HOSTILE = hostile(VIDEO)


def get(query: str, *lines: str, video: str = VIDEO, method: str = "GET") -> bytes:
    return head(method, f"/v1/videos/{video}/stream?{query}", *lines)


def readers(path: Path, *, required: bool = True, now: Callable[[], float] = time.time) -> Readers:
    return Readers(required=required, file=TicketFile(path, load_ticket_keys(path)), now=now)


@pytest.fixture
def keys(tmp_path: Path) -> Path:
    path = tmp_path / "tickets.key"
    path.write_bytes(KEY)
    return path


@pytest.fixture
async def closed(keys: Path) -> AsyncIterator[Served]:
    """A listener that wants tickets."""
    served = Served(Limits(heartbeat_s=0.2), PublicEdge(), readers(keys))
    async with started(served) as closed:
        yield closed


async def answer(served: Served, request: bytes) -> tuple[int, dict[str, object], bytes]:
    """Status, problem and head of a refusal: the connection ends with it."""
    reader, writer = await served.send(request)
    async with asyncio.timeout(20):
        reply = await reader.read()
    described, _, body = reply.partition(b"\r\n\r\n")
    writer.close()
    return int(described.split()[1]), json.loads(body or b"{}"), described


async def until(served: Served, request: bytes, mark: bytes) -> asyncio.StreamWriter:
    reader, writer = await served.send(request)
    async with asyncio.timeout(20):
        await reader.readuntil(mark)
    return writer


async def events(served: Served, request: bytes) -> list[SseEvent]:
    """All that a stream says until it ends."""
    reader, writer = await served.send(request)
    async with asyncio.timeout(20):
        reply = await reader.read()
    described, _, body = reply.partition(b"\r\n\r\n")
    assert described.startswith(b"HTTP/1.1 200 ")
    writer.close()
    return list(SseParser().feed(ChunkParser().feed(body)))


@pytest.mark.parametrize(("query", "status", "code"), HOSTILE.values(), ids=HOSTILE)
async def test_nobody_gets_in_with_anything_but_a_ticket(
    closed: Served, query: str, status: int, code: str
) -> None:
    found, problem, described = await answer(closed, get(query))
    assert (found, problem["code"]) == (status, code)
    assert b"Content-Type: application/problem+json" in described
    assert (b"WWW-Authenticate: Bearer" in described) == (status == 401)
    for sent in re.findall("ticket=([^&]{20,})", unquote(query)):
        assert sent not in json.dumps(problem)
    assert not closed.node.hub.viewers
    assert closed.listener.readers.refused == {code: 1}
    assert closed.listener.unread == 0


async def test_a_bit_flipped_anywhere_lets_nobody_in(closed: Served) -> None:
    good = make_ticket(VIDEO)
    for place in range(len(good)):
        other = chr(ord(good[place]) ^ 1)
        status, problem, _ = await answer(
            closed, get(f"ticket={encoded(good[:place] + other + good[place + 1 :])}")
        )
        assert (status, problem["code"]) == (401, "ticket_invalid"), place


@pytest.mark.parametrize("spelt", ["{}", "a=b&ticket={}&replay=0", "encoded", "name"])
async def test_a_ticket_opens_a_stream_however_it_is_spelt(closed: Served, spelt: str) -> None:
    good = make_ticket(VIDEO)
    query = {
        "{}": f"ticket={good}",
        "encoded": f"ticket={encoded(good)}",
        "name": f"%74%69cket={good}",
    }.get(spelt, spelt.format(good))
    writer = await until(closed, get(query), b"event: hello")
    assert len(closed.node.hub.ends) == 1
    writer.close()
    await eventually(lambda: not closed.node.hub.viewers and not len(closed.node.hub.ends))


async def test_a_ticket_that_is_over_gets_a_bye_as_an_event_source_gives_up_for_ever(
    closed: Served,
) -> None:
    cursor = f"{closed.store.epoch}-0"
    over = make_ticket(VIDEO, -1)
    (bye,) = await events(closed, get(f"ticket={over}", f"Last-Event-ID: {cursor}"))
    assert (bye.type, json.loads(bye.data)) == ("bye", {"reason": "expired"})
    assert bye.last_event_id == cursor
    assert closed.node.stats.byes == {"expired": 1}
    assert not closed.listener.readers.refused


async def test_who_comes_with_an_old_ticket_is_told_to_take_its_time(closed: Served) -> None:
    reader, writer = await closed.send(get(f"ticket={make_ticket(VIDEO, -1)}"))
    async with asyncio.timeout(20):
        retry = re.search(rb"retry: (\d+)\n", await reader.read())
    assert retry is not None
    assert 5_000 <= int(retry[1]) <= 15_000
    writer.close()


async def test_a_stream_ends_with_its_ticket(keys: Path) -> None:
    """Of two seconds at most: the first and the last tenth are what is left. However late it is
    read, so much is left then.
    """
    now, ticket = time.time(), make_ticket(VIDEO, 2)
    limits = Limits(heartbeat_s=0.2)
    async with started(Served(limits, PublicEdge(), readers(keys, now=lambda: now))) as closed:
        found = await events(closed, get(f"ticket={ticket}"))
    assert [event.type for event in found] == ["hello", "bye"]
    assert json.loads(found[-1].data) == {"reason": "expired"}


async def test_head_tells_what_get_would_and_options_needs_no_ticket(closed: Served) -> None:
    good, over = make_ticket(VIDEO), make_ticket(VIDEO, -1)
    asked = [
        (f"ticket={good}", "HEAD", 200), (f"ticket={over}", "HEAD", 200), ("", "HEAD", 401),
        (f"ticket={make_ticket('w')}", "HEAD", 403), ("", "OPTIONS", 204), ("", "POST", 405),
    ]  # fmt: skip
    for query, method, status in asked:
        assert (await answer(closed, get(query, method=method)))[0] == status


async def test_where_reading_is_open_a_ticket_that_is_sent_is_checked(keys: Path) -> None:
    edge = PublicEdge()
    async with started(Served(Limits(), edge, readers(keys, required=False))) as served:
        await until(served, get(""), b"event: hello")
        await until(served, get(f"ticket={make_ticket(VIDEO)}"), b"event: hello")
        assert (await answer(served, get("ticket=x")))[0] == 401
        assert (await answer(served, get(f"ticket={make_ticket('w')}")))[0] == 403


async def test_a_listener_without_keys_takes_no_ticket(served: Served) -> None:
    status, problem, _ = await answer(served, get(f"ticket={make_ticket(VIDEO)}"))
    assert (status, problem["code"]) == (401, "ticket_invalid")


async def test_the_old_key_counts_until_it_is_taken_out(
    closed: Served, keys: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ticket_file, "LOOK_EVERY_S", 0.0)
    old, new = make_ticket(VIDEO), make_ticket(VIDEO, key=OTHER_KEY)

    def replace(*found: bytes) -> None:
        aside = keys.with_suffix(".new")
        aside.write_bytes(b"\n".join(found))
        os.replace(aside, keys)

    assert (await answer(closed, get(f"ticket={new}")))[0] == 401
    replace(OTHER_KEY, KEY)
    for ticket in (old, new):
        await until(closed, get(f"ticket={ticket}"), b"event: hello")
    replace(OTHER_KEY)
    await until(closed, get(f"ticket={new}"), b"event: hello")
    assert (await answer(closed, get(f"ticket={old}")))[0] == 401
