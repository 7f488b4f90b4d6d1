"""A writer that dies in the middle of a removal: the same call at another one completes it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from cluster.ca import DevelopmentCa
from cluster.issuer import DevelopmentIssuer, identity_variables
from service.failpoints import Failpoint
from tests.integration.writer.writer_process import WriterProcess
from tests.support import started

V = "/v1/videos/v"
# Nobody is there: what is stored is what counts here.
ALONE = {"TOPOLOGY": "broadcast", "REDIS_URL": "redis://127.0.0.1:9"}
EVERYWHERE = [
    f"{point}:kill@1"
    for point in (
        Failpoint.WRITER_BEFORE_COMMIT,
        Failpoint.WRITER_IN_COMMIT,
        Failpoint.WRITER_AFTER_COMMIT,
        Failpoint.WRITER_BEFORE_REPLY,
    )
]
# Its other steps, in stores that do it in steps: text kept, packs rewritten, notice numbered, its
# number kept.
IN_STEPS = [
    f"{Failpoint.WRITER_REDACTED}:kill@1",
    *(f"{Failpoint.WRITER_IN_COMMIT}:kill@{count}" for count in (2, 3, 4)),
]


class Writers:
    """Two, one after the other, on one store."""

    def __init__(self, folder: Path, store: dict[str, str]) -> None:
        self._issuer = DevelopmentIssuer.load_or_create(folder / "issuer")
        variables = store | ALONE | identity_variables(folder / "issuer", {})
        ca = DevelopmentCa.new()
        self.first, self.second = (
            WriterProcess(ca, folder, name, "127.0.0.1:9", variables) for name in ("w1", "w2")
        )

    async def start(self) -> None:
        await self.first.start()

    async def stop(self) -> None:
        await self.first.stop()
        await self.second.stop()

    async def call(self, writer: WriterProcess, method: str, path: str, body: Any = None) -> Any:
        status, document = await self.ask(writer, method, path, body)
        assert status == 200, document
        return document

    async def ask(
        self,
        writer: WriterProcess,
        method: str,
        path: str,
        body: Any = None,
        *,
        by: str = "mo",
        role: str = "moderator",
        key: str = "",
    ) -> tuple[int, Any]:
        """Status and document."""
        token = self._issuer.token({"sub": by, "name": by.title()}, {"v": [role]}, 600)
        assert writer.client is not None
        url = f"http://127.0.0.1:{writer.public}{V}{path}"
        headers = {"Authorization": f"Bearer {token}"} | ({"Idempotency-Key": key} if key else {})
        async with writer.client.request(method, url, json=body, headers=headers) as reply:
            return reply.status, await reply.json(content_type=None)


@pytest.fixture
async def writers(tmp_path: Path, variables: dict[str, str]) -> AsyncIterator[Writers]:
    async with started(Writers(tmp_path, variables)) as writers:
        yield writers


CASES = [("on_sqlite", point) for point in EVERYWHERE]
CASES += [
    (store, point) for store in ("on_cassandra", "on_dynalite") for point in EVERYWHERE + IN_STEPS
]


@pytest.mark.parametrize("method", ["remove", "restore"])
@pytest.mark.parametrize(("variables", "failpoint"), CASES, indirect=["variables"])
async def test_the_same_call_again_makes_it_whole(
    writers: Writers, failpoint: str, method: str
) -> None:
    first, second = writers.first, writers.second
    for number in range(3):
        assert (await first.post(f"text {number}", f"k{number}"))[0] == 201
    removal = ("POST", "/removals", {"seqs": [1, 3]})
    calls = {"remove": removal, "restore": ("POST", "/comments/1/restore", None)}
    if method == "restore":
        await writers.call(first, *removal)
    await first.stop()
    first.client = None
    await first.start(FAILPOINT=failpoint)
    with pytest.raises(aiohttp.ClientError):
        await writers.call(first, *calls[method])
    await second.start()
    await writers.call(second, *calls[method])
    await writers.call(second, *calls[method])
    page = await second.get(f"{V}/entries")
    said = [entry.get("targets") or entry["comment"]["seq"] for entry in page["entries"][3:]]
    assert said == ([[1, 3]] if method == "remove" else [[1, 3], 1])
    kinds = [entry.get("type", "comment") for entry in page["entries"][:3]]
    gone = {"remove": [1, 3], "restore": [3]}[method]
    assert [seq for seq, kind in enumerate(kinds, 1) if kind == "tombstone"] == gone
