"""The demonstration page in a real browser: type, see, and survive an end of the process."""

from __future__ import annotations

import json
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from cluster.servers.install import find_browser
from tests.browser import Page, running_browser
from tests.integration.single.single_process import SingleProcess
from tests.support import TIMEOUT_FACTOR, eventually, started

pytestmark = pytest.mark.skipif(
    find_browser() is None, reason="no Chromium (`livecomments install --tests` brings it)"
)
LINES = "[...document.querySelectorAll('#comments li')].map((item) => item.textContent)"
STATE = "document.getElementById('state').textContent"
HTML = "<img src=x onerror='window.broken = 1'> & <b>bold</b>"


@pytest.fixture
async def process(tmp_path: Path) -> AsyncIterator[SingleProcess]:
    async with started(SingleProcess(tmp_path, DEMO="on")) as process:
        yield process


async def shows(page: Page, expression: str, wanted: object) -> None:
    """Wait until the page has it; the failure says what it has instead."""
    wait = f"""new Promise((done) => {{
        const end = performance.now() + {20_000 * TIMEOUT_FACTOR};
        const look = () => {{
            const now = JSON.stringify({expression});
            if (now === {json.dumps(json.dumps(wanted, separators=(",", ":")))}) done(null);
            else if (performance.now() > end) done(now);
            else setTimeout(look, 10);
        }};
        look();
    }})"""
    assert await page.evaluate(wait) is None, await page.evaluate(expression)


async def say(page: Page, text: str) -> None:
    """Type into the form and send it."""
    await page.evaluate(
        f"document.getElementById('text').value = {json.dumps(text)};"
        "document.getElementById('post').requestSubmit()"
    )


async def test_what_is_typed_is_shown_as_text_and_the_page_lives_through_a_restart(
    process: SingleProcess, tmp_path: Path
) -> None:
    async with running_browser(tmp_path / "profile") as browser:
        page = await browser.open(f"http://127.0.0.1:{process.public}/demo")
        other = await browser.open(f"http://127.0.0.1:{process.public}/demo")
        for tab in (page, other):
            await shows(tab, STATE, "live from single-1")
        await say(page, HTML)
        for tab in (page, other):
            await shows(tab, LINES, [f"#1 ann: {HTML}"])
            assert await tab.evaluate("window.broken ?? 0") == 0
        await process.end(signal.SIGKILL)
        await shows(page, STATE, "reconnecting")
        await process.start()
        await shows(page, STATE, "live from single-1")
        await say(page, "still here")
        await shows(page, LINES, [f"#1 ann: {HTML}", "#2 ann: still here"])
        await say(other, " \u2003 ")
        await eventually(lambda: 422 in {status for _, status in answers(other)})


def answers(page: Page) -> set[tuple[str, int]]:
    return {answer for found in page.answers.values() for answer in found}
