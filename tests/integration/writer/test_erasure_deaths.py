"""A writer that dies between two steps of an erasure or a purge of more comments than one removal
takes: another writer completes it.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from service.failpoints import Failpoint
from tests.integration.writer.test_removal_deaths import V, Writers
from tests.integration.writer.writer_process import WriterProcess
from tests.support import TIMEOUT_FACTOR, eventually, started
from wire.entry import MAX_TARGETS

pytestmark = pytest.mark.timeout(240)

POSTS = MAX_TARGETS + 60
OTHERS = "what somebody else said"
DONE_WITHIN_S = 60 * TIMEOUT_FACTOR
ANN = {"sub": "ann", "name": "Ann"}
MODERATOR = {"v": ["moderator"]}


def around(first: int) -> list[str]:
    """Before the first removal, which is that commit; between the two, and before the second."""
    before, after = Failpoint.WRITER_BEFORE_COMMIT, Failpoint.WRITER_AFTER_COMMIT
    return [f"{before}:kill@{first}", f"{after}:kill@{first}", f"{before}:kill@{first + 1}"]


IN_STEPS = [f"{Failpoint.WRITER_REDACTED}:kill@{count}" for count in (1, 2)]
STEPPING = [(store, point) for store in ("on_cassandra", "on_dynalite") for point in IN_STEPS]
ERASURES = [("on_sqlite", point) for point in around(1)] + STEPPING
PURGES = [("on_sqlite", point) for point in around(2)] + STEPPING  # the ban comes first


class Site(Writers):
    """Two writers, and whoever calls them."""

    async def say(
        self,
        writer: WriterProcess,
        method: str,
        path: str,
        body: Any = None,
        *,
        who: dict[str, str] = ANN,
        roles: dict[str, list[str]] | None = None,
    ) -> tuple[int, Any]:
        token = self._issuer.token(who, roles or {}, 600)
        assert writer.client is not None
        url = f"http://127.0.0.1:{writer.public}{path}"
        headers = {"Authorization": f"Bearer {token}"}
        async with writer.client.request(method, url, json=body, headers=headers) as reply:
            return reply.status, await reply.json(content_type=None)

    async def fill(self) -> str:
        """Ann's comments, and one of somebody else; her author id."""
        assert (await self.first.post(OTHERS, "k"))[0] == 201
        for first in range(0, POSTS, 50):
            posts = range(first, min(first + 50, POSTS))
            told = await asyncio.gather(
                *(
                    self.say(self.first, "POST", f"{V}/comments", {"text": f"SECRET {number}"})
                    for number in posts
                )
            )
            assert {status for status, _ in told} == {201}
        return str((await self.say(self.first, "GET", f"{V}/me"))[1]["author_id"])

    async def restart(self, failpoint: str) -> None:
        await self.first.stop()
        self.first.client = None
        await self.first.start(FAILPOINT=failpoint)

    async def dead(self) -> None:
        process = self.first.process
        assert process is not None
        await eventually(lambda: process.returncode is not None, 120)


@pytest.fixture
async def site(tmp_path: Path, variables: dict[str, str]) -> AsyncIterator[Site]:
    async with started(Site(tmp_path, variables)) as site:
        yield site


async def all_gone(site: Site, by: str) -> None:
    """Each comment is removed by one entry, and the text of none is left."""
    epoch = (await site.second.get(f"{V}/entries?limit=1"))["head"].partition("-")[0]
    found, after = list[dict[str, Any]](), f"{epoch}-0"
    while page := await site.second.get(f"{V}/entries?limit=200&after={after}"):
        found += page["entries"]
        after = page["last"]
        if not page["more"]:
            break
    assert "SECRET" not in str(found)
    targets = Counter(seq for entry in found for seq in entry.get("targets", ()))
    assert targets == Counter(range(2, POSTS + 2))
    assert {entry["by"] for entry in found if entry.get("type") == "removed"} == {by}
    assert found[0]["text"] == OTHERS


@pytest.mark.parametrize(("variables", "failpoint"), ERASURES, indirect=["variables"])
async def test_another_writer_completes_an_erasure(site: Site, failpoint: str) -> None:
    author_id = await site.fill()
    await site.restart(failpoint)
    body = {"author_id": author_id}
    status, _ = await site.say(site.first, "POST", "/v1/erasures", body)
    assert status == 202
    await site.dead()
    await site.second.start()
    path = f"/v1/erasures/{author_id}"
    async with asyncio.timeout(DONE_WITHIN_S):
        while not (await site.say(site.second, "GET", path))[1]["done"]:
            await asyncio.sleep(0.1)
    await all_gone(site, "erasure")


@pytest.mark.parametrize(("variables", "failpoint"), PURGES, indirect=["variables"])
async def test_the_same_call_at_another_writer_completes_a_purge(
    site: Site, failpoint: str
) -> None:
    author_id = await site.fill()
    await site.restart(failpoint)

    async def purge(writer: WriterProcess) -> int:
        path, who = f"{V}/sanctions/{author_id}", {"sub": "mo", "name": "Mo"}
        said = await site.say(writer, "PUT", path, {"purge": True}, who=who, roles=MODERATOR)
        return said[0]

    async def until_done(writer: WriterProcess) -> int:
        """The same call again, as long as the store is too slow for it."""
        async with asyncio.timeout(DONE_WITHIN_S):
            while (status := await purge(writer)) == 503:
                await asyncio.sleep(0.1)
        return status

    with pytest.raises(aiohttp.ClientError):
        await until_done(site.first)
    await site.dead()
    await site.second.start()
    assert await until_done(site.second) == 200
    await all_gone(site, "moderator")
