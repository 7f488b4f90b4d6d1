"""What the gateway answers by itself in a cluster, and the demonstration page."""

from __future__ import annotations

from pathlib import Path

from aiohttp import web

from service.health import Health
from wire.errors import Draining

_DEMO = Path(__file__).with_name("demo.html")
_PLAIN = {"Content-Type": "application/json", "Cache-Control": "no-store"}
_DEMO_HEADERS = {
    "Content-Type": "text/html; charset=utf-8",
    "Cache-Control": "no-cache",
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; "
        "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
}


def add_pages(app: web.Application, health: Health, *, demo: bool) -> None:
    """Add /healthz and /readyz without detail, and /demo if it is wanted."""
    pages = _Pages(health)
    app.router.add_get("/healthz", pages.healthz)
    app.router.add_get("/readyz", pages.readyz)
    if demo:
        app.router.add_get("/demo", pages.demo)


class _Pages:
    def __init__(self, health: Health) -> None:
        self._health = health

    async def healthz(self, _request: web.Request) -> web.Response:
        """GET /healthz."""
        return web.Response(body=b'{"status":"alive"}', headers=_PLAIN)

    async def readyz(self, _request: web.Request) -> web.Response:
        """GET /readyz: 200 or 503; why is told on the ops port only."""
        if not self._health.ready:
            raise Draining("not ready")
        return web.Response(body=b'{"status":"ready"}', headers=_PLAIN)

    async def demo(self, _request: web.Request) -> web.Response:
        """GET /demo."""
        return web.Response(text=_DEMO.read_text("utf-8"), headers=_DEMO_HEADERS)
