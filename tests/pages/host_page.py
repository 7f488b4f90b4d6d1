"""A page of somebody else that has a page of ours in a frame, served from a port of its own."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from tests.browser import Page

_HTML = """<!doctype html><meta charset="utf-8"><title>watch</title>
<link rel="icon" href="data:,">
<script>{script}</script>
<iframe id="comments" src="{frame}" width="400" height="500"{sandbox}></iframe>"""
_SCRIPT = """
window.asked = 0;
window.token = {token};
addEventListener("message", (event) => {{
  if (event.data?.type !== "livecomments:ready") return;
  window.asked++;
  tell(window.token);
}});
function tell(token, origin = new URL("{frame}").origin) {{
  const {{ contentWindow: frame }} = document.getElementById("comments");
  frame.postMessage({{ type: "livecomments:token", token }}, origin);
}}
"""


class HostPage:
    """`start`, then `url`; a token "" is none. sandbox: what its frame may do, "" for all. late:
    its script, which tells the frame who is signed in, is left to the test.
    """

    def __init__(
        self, frame: str, token: str = "", sandbox: str = "", *, late: bool = False
    ) -> None:
        self.frame, self._token, self._sandbox, self._late = frame, token, sandbox, late

    async def start(self) -> None:
        app = web.Application()
        app.router.add_get("/", self._show)
        self._runner = web.AppRunner(app)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        self.port = self._runner.addresses[0][1]

    async def stop(self) -> None:
        await self._runner.cleanup()

    def url(self, host: str = "127.0.0.1") -> str:
        return f"http://{host}:{self.port}/"

    @property
    def script(self) -> str:
        token = f'"{self._token}"' if self._token else "null"
        return _SCRIPT.format(frame=self.frame, token=token)

    async def _show(self, _request: web.Request) -> web.Response:
        sandbox = f' sandbox="{self._sandbox}"' if self._sandbox else ""
        script = "" if self._late else self.script
        text = _HTML.format(frame=self.frame, script=script, sandbox=sandbox)
        return web.Response(text=text, content_type="text/html")


async def inside(page: Page) -> dict[str, Any]:
    """Where expressions are about the document in the frame: for `evaluate` and `until`."""
    tree = await page.call("Page.getFrameTree")
    (child,) = tree["frameTree"]["childFrames"]
    world = await page.call("Page.createIsolatedWorld", frameId=child["frame"]["id"])
    return {"contextId": world["executionContextId"]}
