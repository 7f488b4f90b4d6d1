"""Rules of videos in a whole cluster: on every topology every screen learns of them, and they hold
over all writers, whoever dies.
"""

from __future__ import annotations

import asyncio
import secrets
from typing import Any

import aiohttp
import pytest

from cluster.cluster import Cluster
from cluster.issuer import DevelopmentIssuer
from tests.e2e.contract import servers, watching, writers
from tests.e2e.moderator import PATIENCE_S, RESTED_S, Moderator
from tests.support import eventually
from wire.topology import Topology

TOPOLOGIES = tuple(Topology)
STORES = ("sqlite", "cassandra", "dynamodb")
SMALL = True
pytestmark = pytest.mark.timeout(300)

RETRIES = 200
ERASED_WITHIN_S = 60.0


class Author:
    """Somebody with a token, who posts to one video."""

    def __init__(self, cluster: Cluster, session: aiohttp.ClientSession, video_id: str) -> None:
        issuer = DevelopmentIssuer.load(cluster.folder.issuer)
        name = f"ann-{secrets.token_hex(4)}"
        token = issuer.token({"sub": name, "name": name}, {}, 600)
        self._headers = {"Authorization": f"Bearer {token}"}
        self._cluster, self._session = cluster, session
        self._path = f"/v1/videos/{video_id}"

    async def post(self, text: str, key: str = "", *, at: str = "") -> tuple[int, dict[str, Any]]:
        base = self._cluster.url(at, "public") if at else self._cluster.http_url
        headers = self._headers | ({"Idempotency-Key": key} if key else {})
        if at:  # it may be killed and started before the next call
            headers["Connection"] = "close"
        url = f"{base}{self._path}/comments"
        async with self._session.post(url, json={"text": text}, headers=headers) as reply:
            return reply.status, await reply.json(content_type=None)

    async def author_id(self) -> str:
        url = f"{self._cluster.http_url}{self._path}/me"
        async with self._session.get(url, headers=self._headers) as reply:
            return str((await reply.json())["author_id"])

    async def erase(self) -> None:
        """Ask for it, and wait until it is done."""
        url, body = f"{self._cluster.http_url}/v1/erasures", {"author_id": await self.author_id()}
        async with self._session.post(url, json=body, headers=self._headers) as reply:
            assert reply.status == 202, await reply.text()
        async with asyncio.timeout(ERASED_WITHIN_S):
            while not await self._erased(f"{url}/{body['author_id']}"):
                await asyncio.sleep(RESTED_S)

    async def _erased(self, url: str) -> bool:
        async with self._session.get(url, headers=self._headers) as reply:
            return reply.status == 200 and bool((await reply.json())["done"])


@pytest.fixture
def video_id() -> str:
    return secrets.token_hex(6)


@pytest.fixture
def moderator(cluster: Cluster, session: aiohttp.ClientSession, video_id: str) -> Moderator:
    return Moderator(cluster, session, video_id)


@pytest.fixture
def author(cluster: Cluster, session: aiohttp.ClientSession, video_id: str) -> Author:
    return Author(cluster, session, video_id)


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
            status, _ = await author.post("words", at=at)
            assert status in (201, 403), status

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
    cluster: Cluster, moderator: Moderator, author: Author
) -> None:
    await moderator.call("PATCH", "/settings", {"slow_mode_s": 3600})
    keys = [secrets.token_hex(8) for _ in range(RETRIES // 4)]
    killed = writers(cluster)[0]

    async def until_told(key: str) -> tuple[int, dict[str, Any]]:
        async with asyncio.timeout(PATIENCE_S):
            while True:
                try:
                    status, body = await author.post(f"text {key}", key)
                except (aiohttp.ClientError, TimeoutError):
                    status, body = 0, {}
                if status in (200, 201, 429):
                    return status, body
                await asyncio.sleep(RESTED_S)

    tries = [asyncio.create_task(until_told(key)) for key in keys for _ in range(4)]
    await cluster.kill(killed)
    await cluster.start(killed)
    answers = await asyncio.gather(*tries)
    stored = {body["seq"] for status, body in answers if status != 429}
    assert len(stored) == 1
    log = await moderator.log()
    (comment,) = [entry for entry in log if "type" not in entry]
    key = str(comment["text"]).removeprefix("text ")
    assert (await until_told(key))[0] == 200
    assert {body["code"] for status, body in answers if status == 429} <= {"slow_mode"}


async def test_a_held_comment_survives_the_writers(
    cluster: Cluster, moderator: Moderator, author: Author
) -> None:
    terms = {"terms": [{"term": "hmm", "action": "hold"}]}
    await moderator.call("PUT", "/filters", terms)
    status, held = await author.post("hmm, perhaps", "a-key")
    assert status == 202
    for name in writers(cluster):
        await cluster.kill(name)
        await cluster.start(name)
    decided = await moderator.call("POST", f"/held/{held['held']}", {"decision": "approve"})
    assert decided["comment"]["text"] == "hmm, perhaps"
    again = await moderator.call("POST", f"/held/{held['held']}", {"decision": "approve"})
    assert again == decided
    assert (await author.post("hmm, perhaps", "a-key")) == (200, decided["comment"])


async def test_what_is_erased_is_nowhere(
    cluster: Cluster, moderator: Moderator, author: Author, video_id: str
) -> None:
    word = f"secret{secrets.token_hex(8)}"
    async with watching(cluster, video_id, "replay=0"):
        for number in range(3):
            assert (await author.post(f"{word} {number}"))[0] == 201
        await moderator.call("PUT", "/pin", {"seq": 1})
        await moderator.remove(2)
        await author.erase()
        for at in servers(cluster):
            async with watching(cluster, video_id, "replay=50", at=at) as late:
                await eventually(lambda late=late: late.head == 6)
                assert word not in str(late.events)
    assert word not in str(await moderator.log())
    for file in cluster.folder.path.rglob("*"):
        if file.is_file() and not any(store in str(file) for store in ("cassandra", "dynalite")):
            assert word.encode() not in file.read_bytes(), file
