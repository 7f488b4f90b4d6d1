"""docs/embedding.md, as a newcomer follows it: the commands in a shell, the rest in a browser."""

from __future__ import annotations

import asyncio
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from cluster.issuer import DevelopmentIssuer, identity_variables, ticket_variables
from cluster.ports import free_ports
from tests.browser import Page
from tests.documents import Example, examples_of, run_examples
from tests.integration.single.single_process import SingleProcess
from tests.pages.host_page import inside
from tests.pages.looks import HINT, NAMES, STATE, TEXTS
from tests.support import eventually, started

DOCUMENT = "docs/embedding.md"
FOLDER = "my-page"


def moved(examples: list[Example], folder: Path) -> list[Example]:
    """The same, with the page's folder elsewhere than in the checkout."""
    return [Example(each.commands.replace(FOLDER, str(folder)), each.output) for each in examples]


@asynccontextmanager
async def served(folder: Path) -> AsyncIterator[str]:
    """As the document serves the page; its address."""
    (port,) = free_ports(1)
    where = ("--bind", "127.0.0.1", "--directory", str(folder), str(port))
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "http.server", *where, stderr=asyncio.subprocess.DEVNULL
    )
    try:
        await eventually(lambda: process.returncode is None and _answers(port))
        yield f"http://127.0.0.1:{port}/"
    finally:
        process.kill()
        await process.wait()


def _answers(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


async def test_a_newcomer_gets_from_nothing_to_a_moderated_comment(
    page: Page, tmp_path: Path
) -> None:
    page_folder = tmp_path / FOLDER
    examples = moved(examples_of(DOCUMENT), page_folder)
    make, token, write, *moderate = examples
    issuer = tmp_path / "dev" / "issuer"
    DevelopmentIssuer.load_or_create(issuer)
    variables = identity_variables(issuer, {}) | ticket_variables(issuer)
    async with started(SingleProcess(tmp_path, **variables)) as single, served(tmp_path) as url:
        await run_examples([make, token], tmp_path, single.public)
        await page.go_to(f"{url}{FOLDER}/")
        frame = await inside(page)
        await page.until(STATE, "live", **frame)
        await page.until(HINT, "You comment as Ann.", **frame)
        await page.evaluate("document.getElementById('text').value = 'Hello'", **frame)
        await page.evaluate("document.getElementById('composer').requestSubmit()", **frame)
        await page.until(TEXTS, ["Hello"], **frame)
        await run_examples([write], tmp_path, single.public)
        await page.until(NAMES, ["Ann", "bob"], **frame)
        await run_examples(moderate, tmp_path, single.public)
        await page.until(TEXTS, ["Hello"], **frame)
