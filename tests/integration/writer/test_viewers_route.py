"""How many watch, as the public API tells it."""

from __future__ import annotations

import time
from pathlib import Path

from tests.integration.writer.public_api import PublicApi
from tests.support import started
from wire.counts import CountsReport
from writer.viewer_totals import TotalsLimits, ViewerTotals

PATH = "/v1/videos/v/viewers"
REPORT = CountsReport("000000000000001-00000000", 1, 0, {"v": 3}, {"v": 9})


def totals_of(settle_s: float) -> ViewerTotals:
    totals = ViewerTotals("t", TotalsLimits(settle_s=settle_s))
    totals.begin(time.monotonic())
    totals.take("node-1", REPORT, time.monotonic())
    return totals


async def test_how_many_watch_and_the_most_there_were(tmp_path: Path) -> None:
    async with started(PublicApi(tmp_path / "f", viewers=totals_of(0.0))) as api:
        async with api.client.get(PATH) as reply:
            assert (reply.status, reply.content_type) == (200, "application/json")
            assert await reply.json() == {"video_id": "v", "now": 3, "peak": 9}
        async with api.client.get("/v1/videos/other/viewers") as reply:
            assert await reply.json() == {"video_id": "other", "now": 0, "peak": 0}
        async with api.client.head(PATH) as reply:
            assert reply.status == 200
        async with api.client.post(PATH) as reply:
            assert (reply.status, reply.headers["Allow"]) == (405, "GET, HEAD")


async def test_while_it_is_not_known_nothing_is_guessed(tmp_path: Path) -> None:
    async with (
        started(PublicApi(tmp_path / "f", viewers=totals_of(60.0))) as api,
        api.client.get(PATH) as reply,
    ):
        assert (reply.status, reply.headers["Retry-After"]) == (503, "1")
        assert (await reply.json())["code"] == "counts_unknown"


async def test_a_site_that_does_not_count_has_no_such_call(tmp_path: Path) -> None:
    async with started(PublicApi(tmp_path / "f")) as api, api.client.get(PATH) as reply:
        assert reply.status == 404
