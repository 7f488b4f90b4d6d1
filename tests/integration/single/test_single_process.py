"""The process itself: started, asked to stop, killed, and started again on the same file."""

from __future__ import annotations

import asyncio
import itertools
import json
import signal
import time
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path

import pytest

from tests.integration.single.client import Connection
from tests.integration.single.single_process import SingleProcess
from tests.raw_http import head
from tests.support import TIMEOUT_FACTOR, eventually, started

STREAM = "/v1/videos/v/stream"


@pytest.fixture
async def single(tmp_path: Path) -> AsyncIterator[SingleProcess]:
    async with started(SingleProcess(tmp_path)) as single:
        yield single


async def watch(single: SingleProcess, cursor: str = "", video: str = "v") -> Connection:
    """A stream whose hello has come."""
    connection = await single.connect()
    lines = [f"Last-Event-ID: {cursor}"] if cursor else []
    assert (await connection.watch(f"/v1/videos/{video}/stream", *lines)).status == 200
    assert (await connection.event()).type == "hello"
    return connection


async def post(single: SingleProcess, count: int) -> list[str]:
    """The ids of new comments."""
    connection = await single.connect()
    ids = [(await connection.post(f"text {number}")).json()["id"] for number in range(count)]
    connection.close()
    return ids


async def test_its_state_names_no_zookeeper(single: SingleProcess) -> None:
    viewer = await watch(single)
    state = (await single.ops_reply("/state")).json()
    assert (state["role"], state["id"]) == ("single", "single-1")
    assert (state["ready"], state["draining"], state["degraded"]) == (True, False, {})
    assert (state["zookeeper"], state["viewers"], state["videos"]) == ("none", 1, 1)
    assert {"commit", "store_writes", "store_reads", "heads"} <= state["queues"].keys()
    metrics = (await single.ops_reply("/metrics")).body.decode()
    assert "\nlivecomments_viewers 1.0\n" in metrics
    assert 'livecomments_queue_depth{queue="commit"} 0.0\n' in metrics
    viewer.close()


@pytest.mark.parametrize("signum", [signal.SIGTERM, signal.SIGKILL])
async def test_a_viewer_resumes_after_a_restart(single: SingleProcess, signum: int) -> None:
    viewer = await watch(single)
    ids = await post(single, 5)
    assert await viewer.seqs(3) == [1, 2, 3]
    cursor = ids[2]
    await single.end(signum)
    viewer.close()
    await single.start()
    ids += await post(single, 5)
    viewer = await watch(single, cursor)
    assert await viewer.seqs(7) == list(range(4, 11))
    assert viewer.parser.last_event_id == ids[-1]
    viewer.close()


async def test_a_quiet_viewer_resumes_after_a_restart(single: SingleProcess) -> None:
    """Its cursor is the id of hello: before the first comment."""
    viewer = await watch(single)
    cursor = viewer.parser.last_event_id
    assert cursor.endswith("-0")
    await single.end(signal.SIGKILL)
    viewer.close()
    await single.start()
    await post(single, 1)
    viewer = await watch(single, cursor)
    assert await viewer.seqs(1) == [1]
    viewer.close()


async def test_viewers_are_sent_away_when_it_stops(single: SingleProcess) -> None:
    viewers = [await watch(single, video=f"v{number % 7}") for number in range(50)]
    begun = time.monotonic()
    assert await single.end(signal.SIGTERM) == 0
    assert time.monotonic() - begun < 15 * TIMEOUT_FACTOR
    for viewer in viewers:
        (bye,) = await viewer.rest()
        assert (bye.type, json.loads(bye.data)) == ("bye", {"reason": "drain"})
        assert 100 <= (viewer.parser.retry_ms or 0) <= 500
        viewer.close()
    assert '"level": "error"' not in single.log.read_text()


async def test_what_was_posted_is_answered_when_it_stops(single: SingleProcess) -> None:
    await single.end(signal.SIGTERM)
    await single.start(DRAIN_WINDOW_S="3")  # in which each client is told that it is the end
    acked: list[int] = []

    async def client(name: int) -> None:
        connection = await single.connect()
        for number in itertools.count():
            reply = await connection.post("x", f"Idempotency-Key: {name}-{number}")
            assert reply.status == 201
            acked.append(reply.json()["seq"])
            if reply.headers.get("connection") == "close":
                connection.close()
                return

    clients = [asyncio.create_task(client(name)) for name in range(8)]
    viewers = [await watch(single) for _ in range(10)]  # so that the drain takes its time
    await eventually(lambda: len(acked) > 100)
    assert await single.end(signal.SIGTERM) == 0
    await asyncio.gather(*clients)
    assert sorted(acked) == list(range(1, len(acked) + 1))
    for viewer in viewers:
        viewer.close()
    await single.start()
    connection = await single.connect()
    page = (await connection.ask(head("GET", "/v1/videos/v/comments?limit=1"))).json()
    assert page["head"].endswith(f"-{len(acked)}")
    connection.close()


async def test_what_was_promised_survives_a_kill(single: SingleProcess) -> None:
    """Clients send a key again until it is answered; a viewer resumes. All see the same."""
    acked: dict[str, int] = {}
    seen: list[int] = []
    stopping = asyncio.Event()

    async def ack(key: str) -> None:
        while key not in acked:
            with suppress(OSError, EOFError):
                async with await single.connect() as connection:
                    reply = await connection.post(key, f"Idempotency-Key: {key}")
                    acked[key] = reply.json()["seq"]

    async def client(name: int) -> None:
        for number in itertools.count():
            await ack(f"{name}-{number}")
            if stopping.is_set():
                return

    async def view(cursor: str) -> None:
        while True:
            with suppress(OSError, EOFError):
                async with await single.connect() as viewer:
                    await viewer.watch(STREAM, f"Last-Event-ID: {cursor}")
                    assert (await viewer.event()).type == "hello"
                    while True:
                        seen.extend(await viewer.seqs(1))
                        cursor = viewer.parser.last_event_id

    async with await watch(single) as first:
        viewing = asyncio.create_task(view(first.parser.last_event_id))
    clients = [asyncio.create_task(client(name)) for name in range(4)]
    for _ in range(3):
        wanted = len(acked) + 50
        await eventually(lambda wanted=wanted: len(acked) >= wanted)
        await single.end(signal.SIGKILL)
        await single.start()
    stopping.set()
    await asyncio.gather(*clients)
    await eventually(lambda: len(seen) >= len(acked) or viewing.done())
    viewing.cancel()
    await asyncio.gather(viewing, return_exceptions=True)
    assert sorted(acked.values()) == list(range(1, len(acked) + 1))
    assert seen == list(range(1, len(acked) + 1))


async def test_a_successor_takes_the_port_while_it_drains(
    tmp_path: Path, single: SingleProcess
) -> None:
    await single.end(signal.SIGTERM)
    await single.start(DRAIN_WINDOW_S="60")
    old, viewers = single.process, [await watch(single) for _ in range(200)]
    assert old is not None
    old.send_signal(signal.SIGTERM)
    rests = {asyncio.create_task(viewer.rest()): viewer for viewer in viewers}
    gone, _ = await asyncio.wait(rests, return_when=asyncio.FIRST_COMPLETED)
    first = rests[gone.pop()]
    successor = SingleProcess(tmp_path)
    successor.public = single.public
    await successor.start(PUBLIC_PORT=str(single.public))
    await post(successor, 1)
    resumed = await watch(successor, first.parser.last_event_id)
    assert await resumed.seqs(1) == [1]
    assert old.returncode is None
    old.send_signal(signal.SIGTERM)  # a second time: what is left of the window is skipped
    assert await asyncio.wait_for(old.wait(), 20 * TIMEOUT_FACTOR) == 0
    for events in await asyncio.gather(*rests):
        assert events[-1].type == "bye"
    for connection in (*viewers, resumed):
        connection.close()
    await successor.stop()


async def test_it_ends_when_its_file_was_replaced(tmp_path: Path, single: SingleProcess) -> None:
    await post(single, 1)
    for path in tmp_path.glob("comments.db*"):
        path.unlink()
    assert single.process is not None
    assert await asyncio.wait_for(single.process.wait(), 20 * TIMEOUT_FACTOR) == 1
    assert "the store" in single.log.read_text()


async def test_a_viewer_of_a_replaced_store_is_reset(tmp_path: Path, single: SingleProcess) -> None:
    cursor = (await post(single, 3))[-1]
    await single.end(signal.SIGTERM)
    for path in tmp_path.glob("comments.db*"):
        path.unlink()
    await single.start()
    viewer = await watch(single, cursor)
    reset = await viewer.event()
    assert (reset.type, json.loads(reset.data)) == ("reset", {"reason": "epoch"})
    await post(single, 1)
    assert await viewer.seqs(1) == [1]
    viewer.close()


async def test_it_does_not_start_on_a_bad_configuration(tmp_path: Path) -> None:
    single = SingleProcess(tmp_path)
    process = await single.spawn(MAX_VIDEOS="none", TOPOLOGY="gateway")
    assert await asyncio.wait_for(process.wait(), 20 * TIMEOUT_FACTOR) == 2
    assert "MAX_VIDEOS" in single.log.read_text()
    assert "TOPOLOGY" in single.log.read_text()


async def test_it_does_not_start_on_a_port_that_is_taken(single: SingleProcess) -> None:
    second = await single.spawn(OPS_PORT="0")
    assert await asyncio.wait_for(second.wait(), 20 * TIMEOUT_FACTOR) == 1
    assert (await single.ops_reply("/readyz")).status == 200
