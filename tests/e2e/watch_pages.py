"""The pages that the browser is given, and what they saw as a history for the judge.

A page has ten lines and no code to reconnect: what brings its streams back is the browser alone.
The pages come from an origin of their own, so that CORS is part of what is tested.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Awaitable, Callable, Mapping
from types import TracebackType
from urllib.parse import quote

from aiohttp import web

from tests.browser import Page
from tests.chaos.history import Event, Stream, Watch
from tests.support import eventually

CLOSED = 2
_WATCH = """<!doctype html><title>watch</title><script>
const seen = [], streams = {};
for (const [name, url] of Object.entries(JSON.parse(decodeURIComponent(location.hash.slice(1))))) {
  const stream = streams[name] = new EventSource(url);
  for (const type of ["hello", "comment", "gap", "reset", "bye", "open", "error"])
    stream.addEventListener(type, (event) =>
      seen.push([name, type, event.lastEventId ?? "", event.data ?? "", stream.readyState]));
}
</script>"""
# One connection for all tabs: what a site with many tabs over HTTP/1.1 has to do.
_SHARED = """<!doctype html><title>shared</title><script>
const seen = [], worker = new SharedWorker("/shared.js" + location.search);
worker.port.onmessage = (event) => seen.push(event.data);
</script>"""
_WORKER = """const ports = [], kept = [];
const stream = new EventSource(decodeURIComponent(location.search.slice(1)));
for (const type of ["hello", "comment"])
  stream.addEventListener(type, (event) => {
    kept.push([type, event.lastEventId]);
    for (const port of ports) port.postMessage(kept.at(-1));
  });
onconnect = ({ports: [port]}) => {
  ports.push(port);
  kept.forEach((one) => port.postMessage(one));
};
"""


class PageServer:
    """Serves `/watch`, `/shared` and `/shared.js`; `async with PageServer(port)`."""

    def __init__(self, port: int) -> None:
        self.origin = f"http://127.0.0.1:{port}"
        self._port = port
        app = web.Application()
        for path, text in (("/watch", _WATCH), ("/shared", _SHARED), ("/shared.js", _WORKER)):
            app.router.add_get(path, _answer(path, text))
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)

    async def __aenter__(self) -> PageServer:
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", self._port).start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None
    ) -> None:
        await self._runner.cleanup()

    def watch(self, streams: Mapping[str, str]) -> str:
        """A page with one EventSource for each name and URL."""
        return f"{self.origin}/watch#{quote(json.dumps(streams))}"

    def shared(self, stream: str) -> str:
        """A page that shares one EventSource with all others of this URL."""
        return f"{self.origin}/shared?{quote(stream, safe='')}"


def _answer(path: str, text: str) -> Callable[[web.Request], Awaitable[web.Response]]:
    kind = "text/javascript" if path.endswith(".js") else "text/html"

    async def handler(_request: web.Request) -> web.Response:
        return web.Response(text=text, content_type=kind)

    return handler


class Screen:
    """What the streams of one page show, taken over into a Watch for each name."""

    def __init__(self, page: Page, watches: Mapping[str, Watch]) -> None:
        self.page, self.watches = page, watches
        self.errors = 0
        self._task = asyncio.create_task(self._follow())

    async def close(self) -> None:
        """Stop looking."""
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)

    async def wait_all_open(self, timeout_s: float) -> None:
        """Until each watch has been told something."""
        await self._wait(lambda: all(watch.events for watch in self.watches.values()), timeout_s)

    async def wait_all_at(self, heads: Mapping[str, int], timeout_s: float) -> None:
        """Until each watch has come to its video's head."""
        await self._wait(
            lambda: all(watch.head >= heads[watch.video_id] for watch in self.watches.values()),
            timeout_s,
        )

    async def _wait(self, condition: Callable[[], bool], timeout_s: float) -> None:
        await eventually(lambda: self._task.done() or condition(), timeout_s)
        assert not self._task.done(), self._task

    async def _follow(self) -> None:
        while True:
            for name, type_, last_id, data, state in await self.page.evaluate("seen.splice(0)"):
                self._record(self.watches[name], type_, last_id, data, state)
            await asyncio.sleep(0.05)

    def _record(self, watch: Watch, type_: str, last_id: str, data: str, state: int) -> None:
        now = time.monotonic()
        if state == CLOSED:
            watch.fatal = f"readyState CLOSED at {type_}, after {watch.events[-1:]}"
        if type_ == "error":
            self.errors += 1
        elif type_ == "open":
            watch.streams.append(Stream(now, ""))
        else:
            watch.add(now, Event(type_, last_id, json.loads(data)))
