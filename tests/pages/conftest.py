from __future__ import annotations

import shutil
import subprocess
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from cluster.servers.install import find_browser
from tests.browser import Browser, Page, connected, launched
from tests.pages.node_packages import ensure_packages
from tests.pages.site import Site
from tests.support import started

Chromium = tuple[Path, "subprocess.Popen[bytes]"]


@pytest.fixture(scope="session")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chromium]:
    """One for all tests, whose tabs are strangers to each other."""
    if find_browser() is None:
        pytest.skip("no Chromium (`livecomments install --tests` brings it)")
    folder = tmp_path_factory.mktemp("chromium") / "profile"
    with launched(folder) as process:
        yield folder, process


@pytest.fixture
async def browser(chromium: Chromium) -> AsyncIterator[Browser]:
    async with connected(*chromium) as browser:
        yield browser


@pytest.fixture(scope="session")
def packages() -> Path:
    """The folder of what comes from npm."""
    if shutil.which("npm") is None:
        pytest.skip("no npm (a part of Node 20 or newer)")
    return ensure_packages()


@pytest.fixture
async def page(browser: Browser) -> AsyncIterator[Page]:
    """An empty tab. Each test has a service at a port of its own, so tabs share no storage."""
    page = await browser.open("about:blank")
    yield page
    await browser.call("Target.closeTarget", targetId=page.target_id)


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    async with started(Site(tmp_path)) as site:
        yield site


@pytest.fixture(scope="session")
def axe(packages: Path) -> str:
    """The source of axe-core."""
    return (packages / "axe-core/axe.min.js").read_text()
