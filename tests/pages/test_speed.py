"""What the design allows the pages to take, for two minutes; `measure.py` judges ten, and times on
a machine that does nothing else.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from cluster.servers.install import find_browser
from pages.documents import PAGES
from tests.pages.measure import everything, first, opened
from tests.pages.speed import BUSY, FIRST_MS, Posting, Verdict, judge, watch

MINUTES_S, EVERY_S, RATE = 120.0, 10.0, 50.0
needs_browser = pytest.mark.skipif(
    find_browser() is None, reason="no Chromium (`livecomments install --tests` brings it)"
)


@needs_browser
@pytest.mark.timeout(900)
@pytest.mark.parametrize("name", PAGES)
async def test_memory_and_nodes_do_not_grow_and_frames_stay_short(
    tmp_path: Path, name: str
) -> None:
    async with everything(tmp_path) as (browser, cluster):
        page = await opened(browser, cluster, name)
        posting = Posting(f"{cluster.http_url}/v1/videos/v1/comments", RATE)
        samples = await watch(page, posting, EVERY_S, round(MINUTES_S / EVERY_S))
        assert failed(judge(samples, posting, busy=BUSY)) == []


@needs_browser
async def test_the_first_comment_comes_soon_and_the_scripts_are_small(tmp_path: Path) -> None:
    async with everything(tmp_path) as (browser, cluster):
        verdicts = await first(browser, cluster)
        times = [each for each in verdicts if each.limit == FIRST_MS]
        assert failed([Verdict(each.name, each.value, each.limit * BUSY) for each in times]) == []
        assert failed([each for each in verdicts if each not in times]) == []


def failed(verdicts: list[Verdict]) -> list[str]:
    print(*verdicts, sep="\n")
    return [str(each) for each in verdicts if not each.good]
