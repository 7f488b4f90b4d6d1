"""Iterators and calls of both clients against a server in the test's own process, through a proxy
that can cut, hold and lose: how they end, who may end them, and what is left open then.
"""

from __future__ import annotations

import asyncio
import gc
import json
import secrets
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing
from pathlib import Path
from typing import Any

import httpx
import pytest

from livecomments_client import (
    AsyncClient,
    AsyncVideo,
    Client,
    Closed,
    Comment,
    Event,
    Gap,
    Posted,
    Problem,
    State,
    StateChanged,
    Unreachable,
)
from livecomments_client._core import watch
from tests.integration.single.conftest import Single
from tests.packages.python.people import comments, is_live, readers, reasons
from tests.support import TIMEOUT_FACTOR, eventually
from tests.tcp_proxy import Direction, TcpProxy
from wire.comment import NewComment

TO_CLIENT = frozenset({Direction.TO_CLIENT})
WITHIN_S = 20 * TIMEOUT_FACTOR


@pytest.fixture
async def single(tmp_path: Path) -> AsyncIterator[Single]:
    server = Single(tmp_path / "comments.db")
    await server.service.start()
    server.service.health.started = True  # as the runner does
    yield server
    await server.stop()


@pytest.fixture
async def proxy(single: Single) -> AsyncIterator[TcpProxy]:
    async with TcpProxy(single.service.public_port) as proxy:
        yield proxy


@pytest.fixture
async def client(proxy: TcpProxy) -> AsyncIterator[AsyncClient]:
    async with AsyncClient(f"http://{proxy.address}") as client:
        yield client


@pytest.fixture
def video_id() -> str:
    return secrets.token_hex(6)


async def post(client: AsyncClient, video_id: str, *texts: str) -> None:
    for text in texts:
        await client.video(video_id).post(text, author="ann")


async def store(single: Single, video_id: str, count: int) -> None:
    """So many comments, without the way there."""
    for start in range(0, count, 100):
        numbers = range(start, min(start + 100, count))
        new = [NewComment("ann", f"comment {number}") for number in numbers]
        await asyncio.gather(*(single.service._comments.post(video_id, one, None) for one in new))


async def collect(video: AsyncVideo, seen: list[Event]) -> None:
    async for event in video.events():
        seen.append(event)  # noqa: PERF401 - others look while it grows


async def nobody_watches(single: Single) -> None:
    await eventually(lambda: single.viewers == 0)


# The end of iterators, async


async def test_break_and_aclose_close_the_connection(
    single: Single, client: AsyncClient, video_id: str
) -> None:
    await post(client, video_id, "one")
    video = client.video(video_id)
    async with video.events() as events:
        async for event in events:
            if isinstance(event, Comment):
                break
        assert (single.viewers, video.state) == (1, State.LIVE)
    await nobody_watches(single)
    assert (video.state, video.reason) == (State.CLOSED, "client")
    async with aclosing(video.events()) as again:
        await anext(again)
    with pytest.raises(StopAsyncIteration):
        await anext(again)
    await nobody_watches(single)


async def test_a_loop_that_is_left_without_a_word_is_closed_when_it_is_collected(
    single: Single, client: AsyncClient, video_id: str
) -> None:
    await post(client, video_id, "one", "two")
    video = client.video(video_id)
    async for event in video.events():
        if isinstance(event, Comment):
            break
    gc.collect()
    await nobody_watches(single)
    # The next loop goes on behind what the last one has got.
    async for event in video.events():
        if isinstance(event, Comment):
            assert event.text == "two"
            break
    assert video.state is State.LIVE  # whenever the first one's end comes


async def test_a_cancelled_task_leaves_nothing_open(
    single: Single, client: AsyncClient, video_id: str
) -> None:
    seen: list[Event] = []
    task = asyncio.create_task(collect(client.video(video_id), seen))
    await eventually(lambda: single.viewers == 1 and len(seen) == 2)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await nobody_watches(single)


async def test_another_task_may_close_an_iterator(
    single: Single, client: AsyncClient, video_id: str
) -> None:
    video = client.video(video_id)
    seen: list[Event] = []
    task = asyncio.create_task(collect(video, seen))
    await eventually(lambda: video.state is State.LIVE)
    await video.aclose()
    await asyncio.wait_for(task, WITHIN_S)
    assert seen[-1] == StateChanged(State.CLOSED, State.LIVE, "client")
    await nobody_watches(single)


async def test_a_new_iterator_ends_the_one_before(
    single: Single, client: AsyncClient, video_id: str
) -> None:
    video = client.video(video_id)
    first: list[Event] = []
    task = asyncio.create_task(collect(video, first))
    await eventually(lambda: video.state is State.LIVE)
    async with video.events() as events:
        await post(client, video_id, "one")
        async for event in events:
            if isinstance(event, Comment):
                break
        await asyncio.wait_for(task, WITHIN_S)
    assert comments(first) == []


async def test_a_closed_client_ends_its_iterators_and_refuses_calls(
    proxy: TcpProxy, video_id: str
) -> None:
    client = AsyncClient(f"http://{proxy.address}")
    video = client.video(video_id)

    async def read() -> list[Event]:
        return [event async for event in video.events()]

    async def post_for_ever() -> None:
        await client.video(video_id).post("hi", author="ann", timeout=3_600)

    reading = asyncio.create_task(read())
    await eventually(lambda: video.state is State.LIVE)
    proxy.cut()
    posting = asyncio.create_task(post_for_ever())
    await eventually(lambda: video.state is State.RECOVERING)
    await client.aclose()
    assert isinstance((await asyncio.wait_for(reading, WITHIN_S))[-1], StateChanged)
    with pytest.raises(Closed) as caught:
        await asyncio.wait_for(posting, WITHIN_S)
    assert caught.value.key is not None
    with pytest.raises(Closed):
        await video.me()
    with pytest.raises(Closed):
        video.events()


async def test_a_post_can_be_cancelled_while_it_waits(proxy: TcpProxy, video_id: str) -> None:
    async with AsyncClient(f"http://{proxy.address}") as client:
        proxy.cut()
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(client.video(video_id).post("hi", author="ann"), 0.5)


# The end of iterators, sync


async def in_thread(work: Callable[[], Any]) -> Any:
    return await asyncio.wait_for(asyncio.to_thread(work), WITHIN_S)


async def test_a_sync_loop_that_is_left_is_closed(
    single: Single, proxy: TcpProxy, client: AsyncClient, video_id: str
) -> None:
    await post(client, video_id, "one", "two")

    def read() -> list[str]:
        texts = []
        with Client(f"http://{proxy.address}") as sync_client:
            video = sync_client.video(video_id)
            for _ in range(2):  # the second loop goes on behind the first one
                for event in video.events():
                    if isinstance(event, Comment):
                        texts.append(event.text)
                        break
                assert video.state is State.CLOSED
            assert video.cursor is not None
            assert video.cursor.endswith("-2")
        return texts

    assert await in_thread(read) == ["one", "two"]
    await nobody_watches(single)


@pytest.mark.parametrize("whom", ["events", "video", "client"])
async def test_another_thread_may_close_what_waits(
    single: Single, proxy: TcpProxy, video_id: str, whom: str
) -> None:
    sync_client = Client(f"http://{proxy.address}")
    video = sync_client.video(video_id)
    events = video.events()
    task = asyncio.create_task(in_thread(lambda: list(events)))
    await eventually(lambda: single.viewers == 1 and video.state is State.LIVE)
    proxy.blackhole(TO_CLIENT)  # no heartbeat wakes it either
    close = {"events": events.close, "video": video.close, "client": sync_client.close}
    close[whom]()
    seen = await asyncio.wait_for(task, 6.0 * TIMEOUT_FACTOR)  # before the silence does
    assert seen[-1] == StateChanged(State.CLOSED, State.LIVE, "client")
    assert video.state is State.CLOSED
    await nobody_watches(single)
    sync_client.close()


async def test_another_thread_may_close_what_waits_to_come_back(
    proxy: TcpProxy, video_id: str
) -> None:
    proxy.cut()
    sync_client = Client(f"http://{proxy.address}")
    video = sync_client.video(video_id)
    reading = asyncio.create_task(in_thread(lambda: list(video.events())))
    posting = asyncio.create_task(
        in_thread(lambda: sync_client.video(video_id).post("hi", author="ann", timeout=3_600))
    )
    await eventually(lambda: video.reason == "ended")
    sync_client.close()
    assert (await reading)[-1].state is State.CLOSED
    with pytest.raises(Closed):
        await posting


async def test_a_loop_may_close_its_own_client(proxy: TcpProxy, video_id: str) -> None:
    def read() -> list[str]:
        states = []
        with Client(f"http://{proxy.address}") as sync_client:
            for event in sync_client.video(video_id).events():
                assert isinstance(event, StateChanged)
                states.append(str(event.state))
                if event.state is State.LIVE:
                    sync_client.close()
        return states

    assert await in_thread(read) == ["connecting", "live", "closed"]


# Connections that break, stop and lie, for both kinds at once


async def test_a_stream_that_is_cut_in_the_middle_of_an_event_is_whole(
    single: Single, proxy: TcpProxy, video_id: str
) -> None:
    cuts = (5, 80, 180, 300)  # of the 450 bytes or so for both readers
    async with readers(f"http://{proxy.address}", video_id) as both:
        for limit in cuts:
            proxy.limit(limit)
            await store(single, video_id, 1)
            await eventually(lambda: proxy.connections < 2)
            proxy.heal()
            await eventually(lambda: all(is_live(reader) for reader in both))
        await eventually(
            lambda: all(len(comments(reader.events)) == len(cuts) for reader in both), WITHIN_S
        )
        for reader in both:
            assert [one.seq for one in comments(reader.events)] == [1, 2, 3, 4]
            assert not [event for event in reader.events if isinstance(event, Gap)]


async def test_a_connection_that_says_nothing_is_left(
    proxy: TcpProxy, client: AsyncClient, video_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watch, "SILENCE_S", 1.0)  # heartbeats come every 3 s
    async with readers(f"http://{proxy.address}", video_id) as both:
        proxy.blackhole(TO_CLIENT)
        await eventually(lambda: not any(is_live(reader) for reader in both))
        assert {reasons(reader.events)[0] for reader in both} == {"silent"}
        proxy.heal()
        await post(client, video_id, "one")
        await eventually(lambda: all(comments(reader.events) for reader in both))


async def test_a_post_whose_reply_is_lost_is_stored_once(
    proxy: TcpProxy, client: AsyncClient, video_id: str
) -> None:
    url = f"http://{proxy.address}"
    proxy.lose_reply()
    posted = await client.video(video_id).post("from a task", author="ann")
    assert isinstance(posted, Posted)
    assert posted.replayed

    def post_from_a_thread() -> object:
        with Client(url) as sync_client:
            return sync_client.video(video_id).post("from a thread", author="ann")

    proxy.lose_reply()
    again = await in_thread(post_from_a_thread)
    assert isinstance(again, Posted)
    assert again.replayed
    assert proxy.lost_replies == 2
    page = await client.video(video_id).history()
    assert [comment.text for comment in page.items] == ["from a task", "from a thread"]


async def test_who_is_not_there_is_unreachable(proxy: TcpProxy, video_id: str) -> None:
    url = f"http://{proxy.address}"
    proxy.cut()
    async with AsyncClient(url) as client:
        with pytest.raises(Unreachable) as caught:
            await client.video(video_id).post("hi", author="ann", timeout=0.3)
    assert isinstance(caught.value.__cause__, httpx.TransportError)

    def post_from_a_thread() -> None:
        with Client(url) as sync_client:
            sync_client.video(video_id).post("hi", author="ann", timeout=0.3)

    with pytest.raises(Unreachable):
        await in_thread(post_from_a_thread)


async def test_problems_have_types_and_codes(client: AsyncClient, video_id: str) -> None:
    video = client.video(video_id)
    with pytest.raises(Problem) as caught:
        await video.post("x" * 501, author="ann")
    assert (caught.value.status, caught.value.code) == (422, "invalid_field")
    assert caught.value.field == "text"
    with pytest.raises(Problem) as caught:
        await video.moderation.remove(1)
    assert (caught.value.status, caught.value.code) == (401, "token_missing")
    with pytest.raises(Problem) as caught:
        await video.comment(1)
    assert caught.value.code == "not_found"


async def test_a_cursor_goes_on_in_another_process(client: AsyncClient, video_id: str) -> None:
    await post(client, video_id, "one", "two", "three")
    page = await client.video(video_id).history()
    video = client.video(video_id, cursor=page.items[1].id)
    async with video.events() as events:
        async for event in events:
            if isinstance(event, Comment):
                assert event.text == "three"
                break
    for wrong in ("", "x", f"{page.head}\n", "abc-1"):
        with pytest.raises(ValueError, match="event id"):
            client.video(video_id, cursor=wrong)


async def test_a_reader_who_was_away_for_long_gets_what_the_stream_leaves_out(
    single: Single, client: AsyncClient, proxy: TcpProxy, video_id: str
) -> None:
    """More than a stream sends at once: the rest is a gap, which the store fills."""
    await store(single, video_id, 1_150)
    page = await client.video(video_id).history(limit=1)
    beginning = page.head.partition("-")[0] + "-0"
    async with readers(f"http://{proxy.address}", video_id, cursor=beginning) as both:
        await eventually(lambda: all(len(comments(reader.events)) == 1_150 for reader in both), 60)
        for reader in both:
            got = comments(reader.events)
            assert [comment.seq for comment in got] == list(range(1, 1_151))
            (gap,) = [event for event in reader.events if isinstance(event, Gap)]
            assert (gap.first, gap.reason, gap.filled) == (1, "limit", True)
            assert {comment.source for comment in got[: gap.last]} == {"history"}
            assert {comment.source for comment in got[gap.last :]} == {"stream"}


async def test_history_comes_before_the_stream_and_nothing_lies_between(
    single: Single, client: AsyncClient, proxy: TcpProxy, video_id: str
) -> None:
    await store(single, video_id, 250)
    async with readers(f"http://{proxy.address}", video_id, history=230) as both:
        await post(client, video_id, "the newest")
        await eventually(lambda: all(len(comments(reader.events)) == 231 for reader in both))
        for reader in both:
            got = comments(reader.events)
            assert [comment.seq for comment in got] == list(range(21, 252))
            assert [comment.source for comment in got[-2:]] == ["history", "stream"]


async def test_an_application_may_bring_its_own_httpx(
    single: Single, proxy: TcpProxy, video_id: str
) -> None:
    """It is not closed with the client; what it does to requests counts."""
    sent: list[httpx.Request] = []

    async def note(request: httpx.Request) -> None:
        sent.append(request)

    async with httpx.AsyncClient(event_hooks={"request": [note]}) as http:
        async with AsyncClient(f"http://{proxy.address}/", http=http) as client:
            await post(client, video_id, "one")
        assert json.loads(sent[0].content) == {"text": "one", "author": "ann"}
        assert sent[0].headers["user-agent"].startswith("livecomments-client/")
        assert not http.is_closed


@pytest.mark.parametrize("url", ["", "comments.example", "ftp://x", "http://", "https://x?y=1"])
def test_what_is_no_address_is_refused(url: str) -> None:
    with pytest.raises((ValueError, httpx.InvalidURL)):
        Client(url)


async def test_threads_share_a_client(proxy: TcpProxy, video_id: str) -> None:
    told: list[object] = []

    def post_ten() -> None:
        for number in range(10):
            text = f"{threading.get_ident()} {number}"
            told.append(shared.video(video_id).post(text, author="ann"))

    with Client(f"http://{proxy.address}") as shared:
        await asyncio.gather(*(in_thread(post_ten) for _ in range(4)))
        page = await in_thread(lambda: shared.video(video_id).history(limit=200))
    assert len(told) == len(page.items) == 40
