"""Rules of videos in a whole cluster: on every topology every screen learns of them, and they hold
over all writers, whoever dies.
"""

from __future__ import annotations

import asyncio
import secrets
import time
from datetime import datetime
from itertools import cycle, pairwise
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from cluster.cluster import Cluster
from tests.chaos.history import Watch
from tests.e2e.author import Author
from tests.e2e.contract import servers, watching, writers
from tests.e2e.moderator import PATIENCE_S, RESTED_S, Moderator
from tests.e2e.replies import Replies, operators_see
from tests.support import eventually
from wire.topology import Topology

TOPOLOGIES = tuple(Topology)
STORES = ("sqlite", "cassandra", "dynamodb")
SMALL = True
pytestmark = pytest.mark.timeout(300)

AUTHORS, KEYS, SLOW_S = 8, 5, 2
REPLAYS = 5  # of each key: 200 retries in all, besides those while it is slowed
SHOWN_FOR_S = 15.0  # by a server, after an erasure is done
IN_FILES_FOR_S = 60.0
OTHERS = ("cassandra", "dynalite")


async def test_rulings_are_seen_by_everybody_and_told_to_whoever_comes_later(
    cluster: Cluster, moderator: Moderator, author: Author, video_id: str
) -> None:
    async with watching(cluster, video_id, "replay=0") as watch:
        status, comment = await author.post("look at this")
        assert status == 201
        entry = await moderator.call("PUT", "/pin", {"seq": 1})
        await moderator.call("PATCH", "/settings", {"slow_mode_s": 3600})
        await moderator.call("PUT", f"/sanctions/{await author.author_id()}", {})
        await eventually(lambda: watch.head == 4)
        kinds = [event.type for event in watch.events if event.id]
        assert kinds[-4:] == ["comment", "pinned", "settings", "sanctioned"]
        assert [event.data for event in watch.events if event.type == "pinned"] == [entry]
        assert (await author.post("again"))[1]["code"] == "banned"
    for at in servers(cluster):
        async with watching(cluster, video_id, "replay=0", at=at) as late:
            await eventually(lambda late=late: [e for e in late.events if e.type == "state"])
            (state,) = [event.data for event in late.events if event.type == "state"]
            assert (state["settings"]["slow_mode_s"], state["pinned"]) == (3600, comment)
    await moderator.remove(1)
    for at in servers(cluster):
        async with watching(cluster, video_id, "replay=0", at=at) as told:
            await eventually(lambda told=told: told.head == 5)  # the server knows of it
        async with watching(cluster, video_id, "replay=10", at=at) as late:
            await eventually(lambda late=late: late.head == 5)
            assert "look at this" not in str(late.events)


async def test_no_comment_is_above_the_ban_of_its_author(
    cluster: Cluster, moderator: Moderator, author: Author
) -> None:
    """Posts stream through all writers but one, the ban goes through that."""
    *others, one = writers(cluster)
    ended = asyncio.Event()

    async def stream(at: str) -> None:
        while not ended.is_set():
            status, _ = await author.until_told("words", secrets.token_hex(8), at=at)
            assert status in (200, 201, 403), status

    streams = [asyncio.create_task(stream(at)) for at in (others or [one]) for _ in range(3)]
    for _ in range(5):
        await author.post("before")
    await moderator.call("PUT", f"/sanctions/{await author.author_id()}", {}, at=one)
    await asyncio.gather(*(author.post("after", at=at) for at in writers(cluster)))
    ended.set()
    await asyncio.gather(*streams)
    log = await moderator.log()
    assert [entry["seq"] for entry in log] == list(range(1, len(log) + 1))
    (ban,) = [entry for entry in log if entry.get("type") == "sanctioned"]
    assert ban is log[-1]
    assert len(log) > 5


async def test_slow_mode_holds_over_all_writers_and_slows_no_retry(
    cluster: Cluster, session: aiohttp.ClientSession, moderator: Moderator, video_id: str
) -> None:
    """8 authors try 5 keys each until all are stored, over all writers, one of which is killed."""
    await moderator.call("PATCH", "/settings", {"slow_mode_s": SLOW_S})
    writing = [Slowed(Author(cluster, session, video_id)) for _ in range(AUTHORS)]
    killed = writers(cluster)[0]
    async with asyncio.TaskGroup() as tasks:
        for one in writing:
            for key in one.keys:
                tasks.create_task(one.until_stored(key, at=secrets.choice(writers(cluster))))
        async with asyncio.timeout(PATIENCE_S):
            while sum(len(one.stored) for one in writing) < AUTHORS * KEYS // 2:
                await asyncio.sleep(RESTED_S)
        await cluster.kill(killed)
        await cluster.start(killed)
    comments = [entry for entry in await moderator.log() if "type" not in entry]
    assert len(comments) == AUTHORS * KEYS
    for one in writing:
        one.check([entry for entry in comments if entry["author"] == one.author.name])
    for _, at in zip(range(REPLAYS), cycle(writers(cluster)), strict=False):
        await asyncio.gather(*(one.replay(key, at=at) for one in writing for key in one.keys))


class Slowed:
    """An author in slow mode. stored: by key the comment, and the wall clock after its reply."""

    def __init__(self, author: Author) -> None:
        self.author = author
        self.keys = [secrets.token_hex(8) for _ in range(KEYS)]
        self.stored: dict[str, tuple[dict[str, Any], float]] = {}

    async def until_stored(self, key: str, *, at: str) -> None:
        async with asyncio.timeout(PATIENCE_S):
            while key not in self.stored:
                status, document = await self.author.until_told(f"text {key}", key, at=at)
                if status in (200, 201):
                    self.stored[key] = document, time.time()
                    return
                assert (status, document["code"]) == (429, "slow_mode")
                await asyncio.sleep((2 + secrets.randbelow(7)) * RESTED_S)

    def check(self, comments: list[dict[str, Any]]) -> None:
        """In the order of their numbers: one for each key, in which the next one was decided at
        least SLOW_S after the one before. What is known of that: `created_at` is taken before a
        comment is decided, and its reply comes after that.
        """
        told = sorted(self.stored.values(), key=lambda one: int(one[0]["seq"]))
        assert [comment for comment, _ in told] == comments
        assert {comment["text"] for comment in comments} == {f"text {key}" for key in self.keys}
        for (before, _), (_, answered_s) in pairwise(told):
            created_s = datetime.fromisoformat(before["created_at"]).timestamp()
            assert answered_s - created_s >= SLOW_S - 0.001  # times are cut to milliseconds

    async def replay(self, key: str, *, at: str) -> None:
        """A retry is the same comment, whenever it comes."""
        told = await self.author.until_told(f"text {key}", key, at=at)
        assert told == (200, self.stored[key][0])


async def test_what_is_erased_is_nowhere(
    cluster: Cluster,
    session: aiohttp.ClientSession,
    moderator: Moderator,
    author: Author,
    video_id: str,
) -> None:
    """Comments, pinned, removed, restored, held and approved ones, on two videos: whoever watches
    is told, and no process and no file has the words.
    """
    word, second = f"secret{secrets.token_hex(8)}", secrets.token_hex(6)
    there = Author(cluster, session, second, author.name)
    async with watching(cluster, video_id) as watch, watching(cluster, second) as other:
        await write_and_be_seen(word, author, watch)
        held_id = await moderate_everywhere(word, moderator, author, there)
        await eventually(lambda: watch.head == 10 and other.head == 1)
        await author.erase()
        for moderated, seen, head in (
            (moderator, watch, 11),
            (Moderator(cluster, session, second), other, 2),
        ):
            replies = Replies(cluster, session, seen.video_id, moderated)
            await check_it_is_gone(cluster, replies, seen, head, word)
    assert (await moderator.ask("POST", f"/held/{held_id}", {"decision": "approve"}))[0] == 404
    assert (await author.post(f"{word} 2", "key-2"))[1]["code"] == "removed"
    assert word not in await operators_see(cluster)
    await gone_from_files(cluster, word.encode())


async def write_and_be_seen(word: str, author: Author, watch: Watch) -> None:
    """3 comments that this viewer has: what is removed before it is shown comes as a tombstone."""
    for number in range(1, 4):
        assert (await author.post(f"{word} {number}", f"key-{number}"))[0] == 201
    await eventually(lambda: watch.head == 3)


async def moderate_everywhere(
    word: str, moderator: Moderator, author: Author, there: Author
) -> str:
    """7 more entries on one video and one on the other. What is still held."""
    await moderator.call("PUT", "/pin", {"seq": 1})
    await moderator.remove(2)
    await moderator.remove(3)
    await moderator.restore(3)
    await moderator.remove(3)
    await moderator.call("PUT", "/filters", {"terms": [{"term": "hmm", "action": "hold"}]})
    held = [await author.post(f"hmm, {word} {number}", f"held-{number}") for number in range(2)]
    assert [status for status, _ in held] == [202, 202]
    approved, waits = [document["held"] for _, document in held]
    await moderator.call("POST", f"/held/{approved}", {"decision": "approve"})
    assert (await there.post(f"{word} elsewhere"))[0] == 201
    return str(waits)


async def check_it_is_gone(
    cluster: Cluster, replies: Replies, watch: Watch, head: int, word: str
) -> None:
    """From writers now, from servers SHOWN_FOR_S later, and who watched all the time was told."""
    epoch = str(watch.events[0].data["epoch"])
    for at in writers(cluster):
        assert word not in await replies.whole(at, epoch, head), at
    await eventually(lambda: watch.head == head)
    entries = [event for event in watch.events if event.id and event.type not in ("hello",)]
    assert [int(event.id.rpartition("-")[2]) for event in entries] == list(range(1, head + 1))
    notice = entries[-1]
    assert (notice.type, notice.data["by"]) == ("removed", "erasure")
    shown = {
        event.data["seq"]
        for event in entries
        if event.type == "comment" and word in event.data["text"]
    }
    removed = {seq for event in entries for seq in event.data.get("targets", ())}
    assert shown == removed
    for at in servers(cluster):
        async with asyncio.timeout(SHOWN_FOR_S):
            while word in str((await replies.stream(at, epoch, head)).events):
                pass


async def gone_from_files(cluster: Cluster, word: bytes) -> None:
    """Of stores, logs and everything else, but for stores that others write in their own time."""
    async with asyncio.timeout(IN_FILES_FOR_S):
        while found := [file for file in files_of(cluster) if word in file.read_bytes()]:
            await asyncio.sleep(RESTED_S)
    assert not found


def files_of(cluster: Cluster) -> list[Path]:
    found = [file for file in cluster.folder.path.rglob("*") if file.is_file()]
    return [file for file in found if not any(store in str(file) for store in OTHERS)]
