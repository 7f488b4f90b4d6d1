"""A real browser, driven over its DevTools protocol: a websocket, and a page that we serve."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import hashlib
import json
import os
import signal
import subprocess
from collections import defaultdict
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import aiohttp
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from cluster.servers.install import find_browser
from tests.support import TIMEOUT_FACTOR, eventually

_START_WITHIN_S = 60.0
_ANSWER_WITHIN_S = 30.0
_FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--disable-dev-shm-usage", "--remote-debugging-port=0", "--window-size=1000,900",
    "--disable-smooth-scrolling",  # what a key scrolls would go on while a test goes on
)  # fmt: skip
_WENT_ELSEWHERE = "Inspected target navigated"  # while it was asked
# Windows' code of a key, and what it types.
_KEYS = {
    "Tab": (9, ""), "Enter": (13, "\r"), "Escape": (27, ""), " ": (32, " "), "PageUp": (33, ""),
    "End": (35, ""), "Home": (36, ""), "ArrowUp": (38, ""), "ArrowRight": (39, ""),
    "ArrowDown": (40, ""), "ArrowLeft": (37, ""),
}  # fmt: skip


class Page:
    """One tab. `answers`: URL -> how it was answered, (protocol, status), each kind once.
    `troubles`: what a person would find in its console, after `note_troubles`.
    """

    def __init__(self, browser: Browser, target_id: str, session_id: str) -> None:
        self._browser, self._session_id = browser, session_id
        self.target_id = target_id
        self.answers: defaultdict[str, set[tuple[str, int]]] = defaultdict(set)
        self.troubles: list[str] = []
        self._loaded: set[str] = set()

    async def note_troubles(self) -> None:
        """From now on note what scripts throw, and what a policy refuses."""
        await self.call("Runtime.enable")
        await self.call("Log.enable")

    async def go_to(self, url: str) -> None:
        """Returns when the page and its scripts are there; until then another page answers."""
        await self.call("Page.setLifecycleEventsEnabled", enabled=True)
        loader_id = (await self.call("Page.navigate", url=url))["loaderId"]
        await eventually(lambda: loader_id in self._loaded, _ANSWER_WITHIN_S)

    async def go_by(self, expression: str) -> None:
        """Evaluate what makes the page load another one; returns when that is there, as `go_to`, of
        which there must have been one.
        """
        known = set(self._loaded)
        await self.evaluate(expression)
        await eventually(lambda: self._loaded > known, _ANSWER_WITHIN_S)

    async def evaluate(self, expression: str, **where: Any) -> Any:
        """The value of a JavaScript expression; AssertionError if it throws. where: another context
        than the page's own.
        """
        told = await self.call(
            "Runtime.evaluate",
            expression=expression,
            returnByValue=True,
            awaitPromise=True,
            **where,
        )
        assert "exceptionDetails" not in told, told
        return told["result"].get("value")

    async def until(self, expression: str, wanted: object = True, **where: Any) -> None:
        """Wait until an expression has this value, of this document or of one that takes its place
        meanwhile; the failure says which it has instead.
        """
        text = json.dumps(wanted, separators=(",", ":"), ensure_ascii=False)
        wait = f"""new Promise((done) => {{
            const end = performance.now() + {20_000 * TIMEOUT_FACTOR};
            const check = () => {{
                const now = JSON.stringify({expression});
                if (now === {json.dumps(text)}) done(null);
                else if (performance.now() > end) done(now ?? "undefined");
                else setTimeout(check, 10);
            }};
            check();
        }})"""
        try:
            found = await self.evaluate(wait, **where)
        except AssertionError as exc:
            if _WENT_ELSEWHERE not in str(exc):
                raise
            found = await self.evaluate(wait, **where)  # of the page that it went to
        assert found is None, f"{expression} is {found}, not {wanted!r}; {self.troubles}"

    async def press(self, key: str, *, shift: bool = False) -> None:
        """Strike a key: `Tab`, `Enter`, `End`, or one that types itself."""
        code, text = _KEYS.get(key, (ord(key[0].upper()), key))
        about = {"key": key, "windowsVirtualKeyCode": code, "modifiers": 8 if shift else 0}
        await self.call("Input.dispatchKeyEvent", type="keyDown", text=text, **about)
        await self.call("Input.dispatchKeyEvent", type="keyUp", **about)

    async def type(self, text: str) -> None:
        """Into what has the focus, as a keyboard of any language does."""
        await self.call("Input.insertText", text=text)

    async def look_like(self, width: int, height: int, *, dark: bool = False) -> None:
        """A window of this size in CSS pixels, in one of the two themes."""
        await self.call(
            "Emulation.setDeviceMetricsOverride",
            width=width, height=height, deviceScaleFactor=1, mobile=False,
        )  # fmt: skip
        theme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        await self.call("Emulation.setEmulatedMedia", features=[theme])

    async def screenshot(self, path: Path) -> None:
        """Write what it looks like as a PNG."""
        told = await self.call("Page.captureScreenshot", format="png")
        path.write_bytes(base64.b64decode(told["data"]))

    async def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        """One command to this tab."""
        return await self._browser.call(method, self._session_id, **parameters)

    def on_event(self, method: str, parameters: dict[str, Any]) -> None:
        """The browser tells of something in this tab."""
        if method == "Network.responseReceived":
            response = parameters["response"]
            self.answers[response["url"]].add((response["protocol"], response["status"]))
        elif method == "Page.lifecycleEvent" and parameters["name"] == "load":
            self._loaded.add(parameters["loaderId"])
        elif method == "Runtime.exceptionThrown":
            self.troubles.append(str(parameters["exceptionDetails"]))
        elif method == "Log.entryAdded":
            self.troubles.append(parameters["entry"]["text"])


class Browser:
    """`async with running_browser(...) as browser`."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._socket = socket
        self._last_id = 0
        self._waiting: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self._pages: dict[str, Page] = {}

    async def open(self, url: str, *, apart: bool = False) -> Page:
        """A new tab that shows `url`; what its network does is noted from the start. apart: with
        storage of its own, as if it were another person's.
        """
        context = (
            await self.call("Target.createBrowserContext", disposeOnDetach=True) if apart else {}
        )
        target = await self.call("Target.createTarget", url="about:blank", **context)
        page = await self._attach(target["targetId"])
        await page.go_to(url)
        return page

    async def adopt(self, url: str) -> Page:
        """The tab with this address that a page has opened."""
        async with asyncio.timeout(_ANSWER_WITHIN_S * TIMEOUT_FACTOR):
            while True:
                for target in (await self.call("Target.getTargets"))["targetInfos"]:
                    if target["url"] == url:
                        page = await self._attach(target["targetId"])
                        # It may be on its way there yet.
                        there = f"location.href === {json.dumps(url)}"
                        await page.until(f"{there} && document.readyState === 'complete'")
                        return page
                await asyncio.sleep(0.05)

    async def _attach(self, target_id: str) -> Page:
        attached = await self.call("Target.attachToTarget", targetId=target_id, flatten=True)
        page = Page(self, target_id, attached["sessionId"])
        self._pages[attached["sessionId"]] = page
        await page.call("Network.enable")
        await page.call("Page.enable")
        return page

    async def call(
        self, method: str, session_id: str | None = None, **parameters: Any
    ) -> dict[str, Any]:
        """One command; its result. AssertionError with the browser's own words if it refuses."""
        self._last_id += 1
        message = {"id": self._last_id, "method": method, "params": parameters}
        if session_id is not None:
            message["sessionId"] = session_id
        self._waiting[self._last_id] = answer = asyncio.get_running_loop().create_future()
        await self._socket.send_json(message)
        # `asyncio.wait_for` of Python 3.11 drops a cancellation that meets the answer.
        async with asyncio.timeout(_ANSWER_WITHIN_S * TIMEOUT_FACTOR):
            reply = await answer
        assert "error" not in reply, (method, reply)
        result: dict[str, Any] = reply["result"]
        return result

    async def listen(self) -> None:
        """Until the browser ends: answers to those who wait, events to their page."""
        async for raw in self._socket:
            message = raw.json()
            waiting = self._waiting.pop(message.get("id", 0), None)
            if waiting is not None and not waiting.done():
                waiting.set_result(message)
            page = self._pages.get(message.get("sessionId", ""))
            if page is not None and "method" in message:
                page.on_event(message["method"], message["params"])


@contextlib.asynccontextmanager
async def running_browser(
    folder: Path, certificate: Path | None = None, preferences: dict[str, Any] | None = None
) -> AsyncIterator[Browser]:
    """Chromium with an empty profile in `folder`. certificate: a server's, trusted as it is.
    preferences: as the file of a profile has them.
    """
    with launched(folder, certificate, preferences) as process:
        async with connected(folder, process) as browser:
            yield browser


@contextlib.contextmanager
def launched(
    folder: Path, certificate: Path | None = None, preferences: dict[str, Any] | None = None
) -> Iterator[subprocess.Popen[bytes]]:
    """The same, for several connections, one after the other."""
    command = [find_browser() or "chromium", *_FLAGS, f"--user-data-dir={folder}"]
    if certificate is not None:
        command.append(f"--ignore-certificate-errors-spki-list={_spki_digest(certificate)}")
    folder.mkdir(parents=True)
    if preferences is not None:
        (folder / "Default").mkdir()
        (folder / "Default" / "Preferences").write_text(json.dumps(preferences))
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [*command, "about:blank"], stdout=log, stderr=log, start_new_session=True
        )
    try:
        yield process
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)  # its own session: all its helpers too
        process.wait()


@contextlib.asynccontextmanager
async def connected(folder: Path, process: subprocess.Popen[bytes]) -> AsyncIterator[Browser]:
    """A connection to the browser that was launched in `folder`."""
    port, path = await _wait_for_address(folder, process)
    async with (
        aiohttp.ClientSession() as session,
        session.ws_connect(f"ws://127.0.0.1:{port}{path}", max_msg_size=0) as socket,
    ):
        browser = Browser(socket)
        listening = asyncio.create_task(browser.listen())
        try:
            yield browser
        finally:
            listening.cancel()
            await asyncio.gather(listening, return_exceptions=True)


async def _wait_for_address(folder: Path, process: subprocess.Popen[bytes]) -> tuple[str, str]:
    found = folder / "DevToolsActivePort"
    async with asyncio.timeout(_START_WITHIN_S * TIMEOUT_FACTOR):
        while not (found.exists() and len(found.read_text().split()) == 2):
            assert process.poll() is None, (folder / "log").read_text()
            await asyncio.sleep(0.05)
    port, path = found.read_text().split()
    return port, path


def _spki_digest(certificate: Path) -> str:
    key = x509.load_pem_x509_certificate(certificate.read_bytes()).public_key()
    spki = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return base64.b64encode(hashlib.sha256(spki).digest()).decode()
