"""The map in a real browser: hostile texts, narrow windows, the keyboard, what readers are told."""

from __future__ import annotations

import asyncio
import itertools
import json
import subprocess
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest

from cluster.servers.install import find_browser
from pages.documents import MAX_SCRIPT_BYTES
from service.cluster_map.page import STATIC
from tests.browser import Browser, Page, running_browser
from tests.integration.cluster_map.map_process import (
    HOSTILE,
    MapProcess,
    peer_that,
    says,
)
from tests.pages.node_packages import ensure_packages
from tests.pages.test_hostile import STRANGE
from tests.support import TIMEOUT_FACTOR, eventually
from wire.roles import Role

pytestmark = pytest.mark.skipif(
    find_browser() is None, reason="no Chromium (`livecomments install --tests` brings it)"
)
ROWS = "[...document.querySelectorAll('#members tbody tr')].map((row) => row.dataset.key)"
REFUSED = "Framing"
CHANGES = "document.getElementById('changes').textContent"
SIDEWAYS = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
TOO_WIDE = """[...document.querySelectorAll("th, td, dd")]
    .filter((cell) => getComputedStyle(cell.closest("thead") ?? cell).position !== "absolute")
    .filter((cell) => cell.scrollWidth > cell.clientWidth + 1)
    .map((cell) => cell.textContent)"""
BAD = {
    "role": "node",
    "id": "node-9",
    "ready": True,
    "degraded": {"store": HOSTILE, "x" * 190: "\u05d0" * 190},
    "queues": {HOSTILE: 3, "W" * 200: 4},
    "viewers": 2**53 - 1,
    "busiest": {"v" * 64: 2**53 - 1},
}


class Shown:
    """One node that a test changes, one hostile peer, and a page with the map of a writer."""

    def __init__(self, node: MapProcess, writer: MapProcess, browser: Browser, page: Page) -> None:
        self.node, self.writer, self.browser, self.page = node, writer, browser, page

    async def wait(self, expression: str) -> Any:
        """Until it is true in the page."""
        async with asyncio.timeout(30 * TIMEOUT_FACTOR):
            while not (value := await self.page.evaluate(expression)):
                await asyncio.sleep(0.05)
        return value

    async def press(self, key: str, text: str = "") -> None:
        for kind in ("keyDown", "keyUp"):
            await self.page.call(
                "Input.dispatchKeyEvent", type=kind, key=key, code=key, text=text,
                windowsVirtualKeyCode={"Tab": 9, "Enter": 13}[key],
            )  # fmt: skip


@pytest.fixture
async def shown(tmp_path: Path, patient: None) -> AsyncIterator[Shown]:
    async with AsyncExitStack() as stack:
        node = await stack.enter_async_context(MapProcess(Role.NODE, "node-1"))
        bad = await stack.enter_async_context(peer_that(says(json.dumps(BAD).encode())))
        writer = await stack.enter_async_context(
            MapProcess(Role.WRITER, "writer-1", [node.entry, bad])
        )
        browser = await stack.enter_async_context(running_browser(tmp_path / "profile"))
        page = await browser.open(f"http://{writer.address}/map")
        shown = Shown(node, writer, browser, page)
        await shown.wait(f"{ROWS}.includes('node-9')")
        yield shown


async def test_hostile_texts_run_nothing_and_are_shown_as_they_are(shown: Shown) -> None:
    text = await shown.wait("document.querySelector('tr[data-key=node-9]').textContent")
    assert HOSTILE in text
    assert await shown.page.evaluate("window.broken ?? 0") == 0
    assert await shown.page.evaluate("document.images.length + document.scripts.length") == 1
    with pytest.raises(AssertionError, match="TrustedHTML"):
        await shown.page.evaluate("document.body.innerHTML = '<b>x</b>'")


async def test_nothing_is_wider_than_the_window_or_its_cell(shown: Shown) -> None:
    for width in (320, 360, 768, 1056, 1060, 1100, 1440):
        await shown.page.call(
            "Emulation.setDeviceMetricsOverride",
            width=width, height=800, deviceScaleFactor=1, mobile=False,
        )  # fmt: skip
        assert await shown.page.evaluate(SIDEWAYS) == 0, width
        assert await shown.page.evaluate(TOO_WIDE) == [], width
        tables = await shown.page.evaluate(
            "getComputedStyle(document.querySelector('#members table')).display === 'table'"
        )
        assert tables == (width > 1056), width


async def test_a_cluster_is_called_one_and_a_single_process_is_not(shown: Shown) -> None:
    titles = "[document.title, document.querySelector('h1').textContent]"
    assert await shown.page.evaluate(titles) == ["Cluster map"] * 2
    async with MapProcess(Role.SINGLE, "single-1") as alone:
        await shown.page.go_to(f"http://{alone.address}/map")
        await shown.wait(f"{ROWS}.includes('single-1')")
        assert await shown.page.evaluate(titles) == ["Map of one process"] * 2


async def test_it_refreshes_itself_and_tells_readers_what_changed_only(shown: Shown) -> None:
    assert await shown.page.evaluate(CHANGES) == "", "not everything, when it opens"
    first = "document.querySelector('tr[data-key=node-1]')"
    await shown.page.evaluate(f"window.row = {first}")
    shown.node.health.mark("zookeeper", "away")
    await shown.wait(f"{CHANGES} === 'node-1 is degraded: zookeeper: away.'")
    shown.node.figures = {"viewers": 12345}
    await shown.wait(f"{first}.textContent.includes('12,345')")
    assert await shown.page.evaluate(f"window.row === {first}"), "the row is the same element"
    assert "12" not in await shown.page.evaluate(CHANGES)
    await shown.node.server.stop()
    await shown.wait(f"{CHANGES} === 'node-1 is unreachable: no connection.'")


async def test_it_says_when_its_own_process_is_gone(shown: Shown) -> None:
    await shown.writer.server.stop()
    await shown.wait("document.body.classList.contains('lost')")
    words = await shown.page.evaluate("document.getElementById('freshness').textContent")
    assert "does not answer. What is shown is from " in words
    assert "does not answer" in await shown.page.evaluate(CHANGES)
    assert "node-1" in await shown.page.evaluate(ROWS), "the last known map stays"


async def test_the_keyboard_pauses_and_resumes(shown: Shown) -> None:
    await shown.press("Tab")
    assert await shown.page.evaluate("document.activeElement.id") == "pause"
    await shown.press("Enter", "\r")
    assert await shown.page.evaluate("document.activeElement.textContent") == "Resume updates"
    await shown.press("Enter", "\r")
    shown.node.figures = {"viewers": 777}
    await shown.wait("document.querySelector('tr[data-key=node-1]').textContent.includes('777')")


async def test_narrow_tables_are_still_tables_to_readers(shown: Shown) -> None:
    await shown.page.call(
        "Emulation.setDeviceMetricsOverride",
        width=360, height=800, deviceScaleFactor=1, mobile=False,
    )  # fmt: skip
    tree = await shown.page.call("Accessibility.getFullAXTree")
    roles = [node.get("role", {}).get("value") for node in tree["nodes"]]
    tables = await shown.page.evaluate("document.querySelectorAll('table').length")
    rows = await shown.page.evaluate("document.querySelectorAll('tbody tr').length")
    assert roles.count("table") == tables == 3
    assert roles.count("rowheader") == rows == 4
    assert roles.count("row") == rows + tables
    headings = await shown.page.evaluate("document.querySelectorAll('thead th').length")
    assert roles.count("columnheader") == headings
    names = [node["name"]["value"] for node in tree["nodes"]
             if node.get("role", {}).get("value") == "table"]  # fmt: skip
    assert names == ["Writers", "Nodes", "Busiest videos"]


async def test_axe_finds_nothing(shown: Shown) -> None:
    """Light and dark, as tables and narrow; with a member of each state, hostile texts included."""
    source = (ensure_packages() / "axe-core/axe.min.js").read_text()
    shown.node.health.draining = True
    await shown.wait("document.querySelector('tr[data-key=node-1]').dataset.state === 'draining'")
    await shown.page.evaluate(f"{source};0")
    for scheme, width in itertools.product(("light", "dark"), (360, 1440)):
        await shown.page.call(
            "Emulation.setEmulatedMedia",
            features=[{"name": "prefers-color-scheme", "value": scheme}],
        )
        await shown.page.call(
            "Emulation.setDeviceMetricsOverride",
            width=width, height=800, deviceScaleFactor=1, mobile=False,
        )  # fmt: skip
        found = "axe.run().then((told) => told.violations.map((one) => one.id))"
        assert await shown.page.evaluate(found) == [], (scheme, width)


def test_the_scripts_are_typed() -> None:
    """`tsc --strict` over the JSDoc types."""
    compiler = ensure_packages() / "typescript/bin/tsc"
    done = subprocess.run(
        [
            "node", str(compiler), "--checkJs", "--allowJs", "--strict", "--noEmit",
            "--noUncheckedIndexedAccess", "--target", "es2022", "--module", "es2022",
            "--moduleResolution", "bundler", "--lib", "es2022,dom,dom.iterable",
            str(STATIC / "map.js"),
        ],
        capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout


async def test_no_page_frames_it(shown: Shown) -> None:
    html = f"<!doctype html><iframe src='http://{shown.writer.address}/map'></iframe>".encode()
    async with peer_that(says(html, "200 OK", "Content-Type: text/html")) as other:
        for host in ("localhost", "127.0.0.1"):  # of another site, and of another origin
            page = await shown.browser.open("about:blank")
            await page.note_troubles()
            await page.go_to(f"http://{other.replace('127.0.0.1', host)}/")
            await eventually(lambda page=page: any(REFUSED in each for each in page.troubles))
            tree = await page.call("Page.getFrameTree")
            (frame,) = tree["frameTree"].get("childFrames", [{"frame": {"url": "elsewhere"}}])
            assert not frame["frame"]["url"].startswith("http"), "there is an error in its place"


async def test_what_an_address_says_besides_is_nothing_to_the_page(shown: Shown) -> None:
    await shown.page.note_troubles()
    for more in STRANGE:
        await shown.page.go_to("about:blank")  # else another fragment alone loads nothing
        await shown.page.go_to(f"http://{shown.writer.address}/map{more}")
        await shown.wait(f"{ROWS}.includes('node-1')")
        assert await shown.page.evaluate("window.hit ?? 0") == 0
    assert shown.page.troubles == []


def test_its_scripts_are_small() -> None:
    """In one file they are served as they are, so on the line too."""
    size = sum(len(path.read_bytes()) for path in STATIC.glob("*.js"))
    assert size < MAX_SCRIPT_BYTES
