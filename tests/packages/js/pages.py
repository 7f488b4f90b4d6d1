"""Our JavaScript client on pages of a browser: what they told, and what can be done to them."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import quote

from aiohttp import web

from tests.browser import Browser, Page
from tests.packages.js.node_client import PACKAGE
from tests.packages.js.told import Told

_PAGE = """<!doctype html><title>client</title><script type="module">
import { LiveComments, CommentList } from "/src/index.js";
const { url, video: id, options, client } = JSON.parse(decodeURIComponent(location.hash.slice(1)));
window.told = [];
const tell = (event, ...args) => told.push([event, args]);
const { token, ...clientOptions } = client;
if (token) clientOptions.getToken = () => token;
window.video = new LiveComments({ url, ...clientOptions }).video(id, options);
for (const name of ["state", "comment", "removed", "gap", "reset", "cursor", "viewers"])
  video.on(name, (...args) => tell(name, ...args));
video.on("problem", ({ code, status }) => tell("problem", { code, status }));
window.list = new CommentList(video, { limit: 100 });
list.on("change", ({ items }) =>
  tell("shown", items.map(({ comment, pending }) => [comment.seq, comment.text, pending])));
let posts = 0;
window.post = (text) => list.post({ text, author: "ann" }).then(
  (posted) => tell("posted", ++posts, posted), ({ code }) => tell("refused", ++posts, { code }));
video.open();
</script>"""


class ClientPages:
    """Serves the client and its examples as they are, and a page that uses it."""

    def __init__(self, port: int) -> None:
        self._origin = f"http://127.0.0.1:{port}"
        self._port = port
        app = web.Application()
        for folder in ("src", "examples"):
            app.router.add_static(f"/{folder}", PACKAGE / folder)
        app.router.add_get("/page", _answer)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)

    async def __aenter__(self) -> ClientPages:
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", self._port).start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._runner.cleanup()

    def url(self, gateway: str, video: str, **more: Mapping[str, Any]) -> str:
        """A page that shows a video. more: `options` of the video, and of the `client`, which
        may have a `token`.
        """
        described = {"url": gateway, "video": video, "options": {}, "client": {}} | more
        return f"{self._origin}/page#{quote(json.dumps(described))}"

    def example(self, gateway: str, video: str) -> str:
        """The page among the package's examples."""
        return f"{self._origin}/examples/page.html?url={quote(gateway, safe='')}&video={video}"


async def _answer(_request: web.Request) -> web.Response:
    return web.Response(text=_PAGE, content_type="text/html")


class Tab(Told):
    """One tab. While it is frozen or busy nothing is heard of it."""

    def __init__(self, page: Page) -> None:
        super().__init__()
        self.page = page
        self._quiet = asyncio.Lock()

    async def freeze(self) -> None:
        """As a browser does with a tab that nobody looks at."""
        await self._quiet.acquire()
        await self.page.call("Page.setWebLifecycleState", state="frozen")

    async def thaw(self) -> None:
        await self.page.call("Page.setWebLifecycleState", state="active")
        self._quiet.release()

    async def run(self, code: str) -> Any:
        """The value of an expression there."""
        async with self._quiet:
            return await self.page.evaluate(code)

    async def hang(self) -> None:
        """Its scripts do nothing any more, and no event of it says so."""
        await self._quiet.acquire()
        await self.page.call("Debugger.enable")
        await self.page.call("Debugger.pause")

    async def go_on(self) -> None:
        """After `hang`."""
        await self.page.call("Debugger.resume")
        await self.page.call("Debugger.disable")
        self._quiet.release()

    async def hide(self) -> None:
        """As far as its scripts can tell: a browser without a screen hides no tab."""
        await self._look(hidden=True)

    async def show(self) -> None:
        await self._look(hidden=False)

    async def _look(self, *, hidden: bool) -> None:
        value = "true" if hidden else "false"
        await self.run(
            f"Object.defineProperty(document, 'hidden', {{value: {value}, configurable: true}});"
            "document.dispatchEvent(new Event('visibilitychange', {bubbles: true})); 0"
        )

    async def close(self) -> None:
        """As somebody closes a tab."""
        await self._quiet.acquire()
        await self.page.call("Page.close")

    async def follow(self) -> None:
        """Take over what it tells, until cancelled."""
        while True:
            async with self._quiet:
                told = await self.page.evaluate("typeof told == 'object' ? told.splice(0) : []")
            self.events += [(name, args) for name, args in told]
            await asyncio.sleep(0.05)


@asynccontextmanager
async def opened(browser: Browser, *urls: str) -> AsyncIterator[list[Tab]]:
    """Tabs with these pages, followed."""
    tabs = [Tab(await browser.open(url)) for url in urls]
    following = [asyncio.create_task(tab.follow()) for tab in tabs]
    try:
        yield tabs
    finally:
        for task in following:
            task.cancel()
        await asyncio.gather(*following, return_exceptions=True)
        for tab in tabs:
            with contextlib.suppress(AssertionError, TimeoutError):  # it is closed, or stuck
                await browser.call("Target.closeTarget", targetId=tab.page.target_id)
