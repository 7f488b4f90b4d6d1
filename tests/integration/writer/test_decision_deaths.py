"""A writer that approves a held comment and dies, or comes too late, before it is posted: any
moderator completes it, at another writer, and it is posted once.
"""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from service.failpoints import Failpoint
from tests.integration.writer.test_removal_deaths import Writers
from tests.integration.writer.writer_process import WriterProcess
from tests.support import started

STORES = ("on_sqlite", "on_cassandra", "on_dynalite")
POINTS = [
    f"{point}:kill"
    for point in (
        Failpoint.WRITER_DECIDED,
        Failpoint.WRITER_BEFORE_COMMIT,
        Failpoint.WRITER_AFTER_COMMIT,
        Failpoint.WRITER_BEFORE_REPLY,
    )
]
FILTERS = {"terms": [{"term": "hmm", "action": "hold"}]}
COMMENT = {"text": "hmm, well"}
CASES = [(store, point) for store in STORES for point in POINTS]
# The steps in between: the call noted (SQLite), the decision, the comment, its number noted.
STEPS = {"on_sqlite": 4, "on_cassandra": 3, "on_dynalite": 3}
IN_STEPS = [
    (store, f"{Failpoint.WRITER_IN_COMMIT}:kill@{count}")
    for store, steps in STEPS.items()
    for count in range(1, steps + 1)
]


@pytest.fixture
async def writers(tmp_path: Path, variables: dict[str, str]) -> AsyncIterator[Writers]:
    async with started(Writers(tmp_path, variables)) as writers:
        yield writers


class Queue:
    """The calls about one held comment, of the author Ann and of moderators."""

    def __init__(self, writers: Writers) -> None:
        self._writers = writers
        self.held = ""

    async def post(self, at: WriterProcess) -> tuple[int, Any]:
        """Always with the same key."""
        posted = ("POST", "/comments", COMMENT)
        return await self._writers.ask(at, *posted, by="ann", role="viewer", key="k")

    async def decide(self, at: WriterProcess, decision: str, by: str) -> tuple[int, Any]:
        body = {"decision": decision}
        return await self._writers.ask(at, "POST", f"/held/{self.held}", body, by=by)

    async def listed(self, at: WriterProcess) -> list[str]:
        return [one["id"] for one in (await self._writers.call(at, "GET", "/held"))["held"]]

    async def texts(self, at: WriterProcess) -> list[str]:
        return [
            one["text"] for one in (await self._writers.call(at, "GET", "/comments"))["comments"]
        ]

    async def sanction(self, at: WriterProcess, method: str) -> None:
        _, me = await self._writers.ask(at, "GET", "/me", by="ann", role="viewer")
        await self._writers.call(at, method, f"/sanctions/{me['author_id']}")


async def held_back(writers: Writers, failpoint: str) -> Queue:
    """A comment is held; the first writer stands, with this failpoint, the second one too."""
    queue = Queue(writers)
    await writers.call(writers.first, "PUT", "/filters", FILTERS)
    status, answer = await queue.post(writers.first)
    assert status == 202
    queue.held = answer["held"]
    await writers.first.stop()
    writers.first.client = None
    await writers.first.start(FAILPOINT=failpoint)
    await writers.second.start()
    return queue


@pytest.mark.parametrize(("variables", "failpoint"), CASES, indirect=["variables"])
async def test_any_moderator_completes_it(writers: Writers, failpoint: str) -> None:
    queue, second = await held_back(writers, failpoint), writers.second
    with pytest.raises(aiohttp.ClientError):
        await queue.decide(writers.first, "approve", "mo")
    assert await queue.listed(second) == [queue.held]
    status, problem = await queue.decide(second, "deny", "rita")
    assert (status, problem["code"], problem["detail"]) == (409, "decided", "it was approved")
    assert await queue.texts(second) == [COMMENT["text"]]
    assert await queue.listed(second) == []
    status, told = await queue.decide(second, "approve", "mo")
    assert (status, told["state"], told["comment"]["text"]) == (200, "approved", COMMENT["text"])
    assert await queue.post(second) == (200, told["comment"])
    assert await queue.texts(second) == [COMMENT["text"]]


@pytest.mark.parametrize(("variables", "failpoint"), IN_STEPS, indirect=["variables"])
async def test_whoever_approves_next_finds_it_posted_once(writers: Writers, failpoint: str) -> None:
    """The decision may be lost or not, or whole already but for its answer."""
    queue, second = await held_back(writers, failpoint), writers.second
    with pytest.raises(aiohttp.ClientError):
        await queue.decide(writers.first, "approve", "mo")
    assert await queue.listed(second) == [queue.held] or await queue.texts(second)
    assert (await queue.decide(second, "approve", "rita"))[0] in (200, 409)
    statuses = [(await queue.decide(second, "approve", by))[0] for by in ("mo", "rita")]
    assert sorted(statuses) == [200, 409]
    assert await queue.texts(second) == [COMMENT["text"]]
    assert await queue.listed(second) == []
    assert (await queue.post(second))[0] == 200


@pytest.mark.parametrize("variables", STORES, indirect=True)
async def test_a_ban_between_the_decision_and_the_post(writers: Writers) -> None:
    """It waits, is not posted as long as the ban counts, and then by whoever looks."""
    queue = await held_back(writers, f"{Failpoint.WRITER_DECIDED}:pause")
    first, second = writers.first, writers.second
    approved = asyncio.create_task(queue.decide(first, "approve", "mo"))
    await first.paused()
    await queue.sanction(second, "PUT")
    assert first.process is not None
    first.process.send_signal(signal.SIGCONT)
    status, problem = await approved
    assert (status, problem["code"]) == (403, "banned")
    for by, decision in (("rita", "approve"), ("rita", "deny")):
        assert (await queue.decide(second, decision, by))[0] == 409
        assert await queue.listed(second) == [queue.held]
    assert (await queue.decide(second, "approve", "mo"))[1]["code"] == "banned"
    assert (await queue.post(second))[1]["code"] == "banned"
    assert await queue.texts(second) == []
    await queue.sanction(second, "DELETE")
    assert (await queue.decide(second, "approve", "rita"))[0] == 409
    assert await queue.texts(first) == [COMMENT["text"]]
    assert (await queue.decide(second, "approve", "mo"))[0] == 200
    assert await queue.listed(first) == []
