"""docs/embedding.md, as a newcomer follows it: its commands in terminals, the rest in a browser."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from cluster.folder import HOME_VARIABLE
from cluster.ports import free_ports
from tests.browser import Browser, Page
from tests.documents import ROOT, Example, consoles_of, examples_of, run_examples
from tests.pages.host_page import inside
from tests.pages.looks import HINT, NAMES, STATE, TEXTS
from tests.pages.moderating import CHOSEN, ROWS, done, sign_in
from tests.support import TIMEOUT_FACTOR, eventually

DOCUMENT = "docs/embedding.md"
FOLDER = "my-page"
WITHIN_S = 300  # "in five minutes", of which most is reading


def moved(examples: list[Example], folder: Path) -> list[Example]:
    """The same, with the page's folder elsewhere than in the checkout."""
    return [Example(each.commands.replace(FOLDER, str(folder)), each.output) for each in examples]


@asynccontextmanager
async def terminal(command: str, home: Path, port: int, answers_at: int) -> AsyncIterator[None]:
    """A command in a terminal of its own, until Ctrl-C; from when it answers at a port."""
    log = home / f"{answers_at}.log"
    with log.open("wb") as file:
        process = await asyncio.create_subprocess_exec(
            *("bash", "-c", command),
            cwd=ROOT,
            env=os.environ | {HOME_VARIABLE: str(home), "HTTP_PORT": str(port)},
            stdout=file,
            stderr=file,
            start_new_session=True,
        )
    try:
        await eventually(lambda: _answers(answers_at) or _ended(process, log), 60)
        yield
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGINT)
        async with asyncio.timeout(30 * TIMEOUT_FACTOR):
            await process.wait()


def _answers(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _ended(process: asyncio.subprocess.Process, log: Path) -> bool:
    assert process.returncode is None, log.read_text()
    return False


async def test_a_newcomer_gets_from_nothing_to_a_moderated_comment(
    browser: Browser, page: Page, tmp_path: Path
) -> None:
    begun = time.monotonic()
    gateway, own = free_ports(2)
    folder = tmp_path / FOLDER
    make, token, write, *moderate = moved(examples_of(DOCUMENT), folder)
    dev, serve = consoles_of(DOCUMENT)
    serve = serve.replace(FOLDER, str(folder)).replace(" 8000", f" {own}")
    async with (
        terminal(dev, tmp_path, gateway, gateway),
        # The document makes the folder first, and serves it then.
        prepared([make, token], tmp_path, gateway),
        terminal(serve, tmp_path, gateway, own),
    ):
        await page.go_to(f"http://127.0.0.1:{own}/")
        frame = await inside(page)
        await page.until(STATE, "live", **frame)
        await page.until(HINT, "You comment as Ann.", **frame)
        await page.evaluate("document.getElementById('text').value = 'Hello'", **frame)
        await page.evaluate("document.getElementById('composer').requestSubmit()", **frame)
        await page.until(TEXTS, ["Hello"], **frame)
        await run_examples([write], tmp_path, gateway)
        await page.until(NAMES, ["Ann", "bob"], **frame)
        *_, printed = await run_examples(moderate, tmp_path, gateway)
        await page.until(TEXTS, ["Hello"], **frame)
        desk = await browser.open("about:blank", apart=True)  # a window beside the other
        await desk.go_to(f"http://127.0.0.1:{gateway}/moderate/launch-1")
        await sign_in(desk, printed.strip())
        await desk.until(f"{ROWS}[0]", "Hello")
        await desk.press("Home")
        await desk.until(CHOSEN, "Hello")
        await desk.press("d")
        await done(desk, "Removed: Ann, “Hello”")
        await page.until(TEXTS, [], **frame)
        seconds = time.monotonic() - begun
        print(f"from make dev to a moderated comment: {seconds:.1f} s, without reading and typing")
        assert seconds < WITHIN_S
        await browser.call("Target.closeTarget", targetId=desk.target_id)


@asynccontextmanager
async def prepared(examples: list[Example], home: Path, port: int) -> AsyncIterator[None]:
    """After these."""
    await run_examples(examples, home, port)
    yield
