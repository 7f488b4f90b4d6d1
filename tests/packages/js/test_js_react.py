"""The React hook among the examples, as somebody builds it: installed, bundled, in a browser."""

from __future__ import annotations

import asyncio
import json
import secrets
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from cluster.ports import free_ports
from cluster.servers.install import find_browser
from tests.browser import Page, running_browser
from tests.identity_variables import with_keys
from tests.integration.single.single_process import SingleProcess
from tests.packages.js.node_client import NO_NODE, NODE, PACKAGE
from tests.packages.js.site import ANN, VIDEO, Site
from tests.packages.js.test_js_package import QUIET, run
from tests.support import TIMEOUT_FACTOR, started

pytestmark = [
    pytest.mark.skipif(NODE is None, reason=NO_NODE),
    pytest.mark.skipif(find_browser() is None, reason="no Chromium"),
    pytest.mark.timeout(300 * TIMEOUT_FACTOR),
]
PACKAGES = ("react@19.2.0", "react-dom@19.2.0", "esbuild@0.25.10")
OTHER_VIDEO = "launch-2"
_APP = """
import { LiveComments } from "@livecomments/client";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { Comments, useComments } from "./react.jsx";

const { url, id } = JSON.parse(decodeURIComponent(location.hash.slice(1)));
const client = new LiveComments({ url });

function App({ videoId }) {
  const { post, state } = useComments(client, videoId);
  window.post = (text) => post({ author: "bob", text }).then(({ status }) => status);
  window.state = state;
  return <Comments client={client} videoId={videoId} />;
}

const root = createRoot(document.getElementById("root"));
window.show = (videoId) => root.render(<StrictMode><App videoId={videoId} /></StrictMode>);
window.leave = () => root.unmount();
show(id);
"""
_PAGE = """<!doctype html><link rel="icon" href="data:,">
<div id="root"></div><script src="app.js"></script>"""
_LINES = "[...document.querySelectorAll('li')].map((line) => line.textContent)"


def bundle(folder: Path) -> Path:
    """The script of a page that uses the hook, made in an empty project."""
    source = folder / "package"
    shutil.copytree(PACKAGE, source, ignore=shutil.ignore_patterns("node_modules", "*.tgz"))
    packed = json.loads(run(source, "npm", "pack", "--json", *QUIET))[0]["filename"]
    project = folder / "project"
    project.mkdir()
    (project / "package.json").write_text('{"private":true,"type":"module"}')
    run(project, "npm", "install", *QUIET, str(source / packed), *PACKAGES)
    shutil.copy(PACKAGE / "examples" / "react.jsx", project)
    (project / "app.jsx").write_text(_APP)
    flags = ("--bundle", "--jsx=automatic", "--outfile=app.js", "--define:process.env.NODE_ENV='d'")
    run(project, "npx", "esbuild", "app.jsx", *flags)
    return project / "app.js"


@asynccontextmanager
async def served(script: Path, port: int) -> AsyncIterator[str]:
    app = web.Application()

    async def page(_request: web.Request) -> web.Response:
        return web.Response(text=_PAGE, content_type="text/html")

    async def code(_request: web.Request) -> web.FileResponse:
        return web.FileResponse(script)

    app.add_routes([web.get("/", page), web.get("/app.js", code)])
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", port).start()
        yield f"http://127.0.0.1:{port}/"
    finally:
        await runner.cleanup()


async def streams(single: SingleProcess, wanted: int) -> None:
    """Wait until the process has so many, and see that it stays so."""
    async with asyncio.timeout(30 * TIMEOUT_FACTOR):
        same = 0
        while same < 10:
            reply = await single.ops_reply("/state")
            state: dict[str, Any] = json.loads(reply.body)
            same = same + 1 if state["viewers"] == wanted else 0
            await asyncio.sleep(0.05)


async def test_the_hook_in_strict_mode(tmp_path: Path) -> None:
    """Strict mode mounts everything twice: one stream is left, and no line is there twice."""
    script = await asyncio.to_thread(bundle, tmp_path)
    port = free_ports(1)[0]
    origin = {"CORS_ORIGINS": f"http://127.0.0.1:{port}"}
    async with (
        aiohttp.ClientSession() as session,
        started(SingleProcess(tmp_path, **with_keys(tmp_path, ANN), **origin)) as single,
        served(script, port) as url,
        running_browser(tmp_path / "profile") as browser,
    ):
        site = Site(single, session)
        await site.post(2)
        page = await browser.open("about:blank")
        await page.note_troubles()
        await page.go_to(f"{url}#{json.dumps({'url': site.url, 'id': VIDEO})}")
        await shown_and_changed(page, site, single)
        assert page.troubles == []


async def shown_and_changed(page: Page, site: Site, single: SingleProcess) -> None:
    first = ["Ann: text 0", "Ann: text 1"]
    await page.until(f"{_LINES}.sort()", first)
    await streams(single, 1)
    assert await page.evaluate("post('mine')") == "posted"
    await page.until(f"{_LINES}.sort()", [*first, "bob: mine"])
    await site.call("DELETE", "comments/1")
    await page.until(f"{_LINES}.length", 2)
    assert "bob: mine" in await page.evaluate(_LINES)
    word = secrets.token_hex(4)
    await page.evaluate(f"show('{OTHER_VIDEO}')")
    await page.until(_LINES, [])
    await page.until("state", "live")
    await streams(single, 1)
    assert await page.evaluate(f"post('{word}')") == "posted"
    await page.until(_LINES, [f"bob: {word}"])
    await page.evaluate(f"show('{VIDEO}')")
    await page.until(f"{_LINES}.length", 2)
    await page.evaluate("leave()")
    await page.until(f"{_LINES}.length", 0)
    await streams(single, 0)
