"""`/map` and `/map.json` on an ops listener, and the files of the page.

The page is read by people who may see everything here, on a private network; no other origin's
script may (there are no CORS headers), and no page may frame it. Its texts come from other
processes, so it runs nothing but its own script, and shows text as text.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path

from aiohttp import web
from prometheus_client import CollectorRegistry

from service.cluster_map.gathering import Gathering
from service.metrics import Exports

STATIC = Path(__file__).with_name("static")
_FILES = {
    "/map": ("map.html", "text/html"),
    "/map.js": ("map.js", "text/javascript"),
    "/map_tables.js": ("map_tables.js", "text/javascript"),
    "/map.css": ("map.css", "text/css"),
}
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
    "require-trusted-types-for 'script'; trusted-types 'none'"
)
HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": _POLICY,
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}


def add_map(app: web.Application, gathering: Gathering, registry: CollectorRegistry) -> None:
    """Add the routes; the gathering's owner stops it."""
    for path, (name, kind) in _FILES.items():
        app.router.add_get(path, _answer((STATIC / name).read_text("utf-8"), kind))

    async def document(_request: web.Request) -> web.Response:
        body = await gathering.fetch_map()
        return web.Response(body=body, content_type="application/json", headers=HEADERS)

    app.router.add_get("/map.json", document)
    exports = Exports(registry)
    exports.counter("map_gatherings", "Times that the map was made", lambda: gathering.gatherings)
    exports.counter(
        "map_shared_looks",
        "Looks at the map that were answered by another look's gathering",
        lambda: gathering.shared,
    )
    exports.gauge(
        "map_left_out", "Addresses over the map's bound, not asked", lambda: gathering.left_out
    )


def _answer(text: str, kind: str) -> Callable[[web.Request], Awaitable[web.Response]]:
    async def handler(_request: web.Request) -> web.Response:
        return web.Response(text=text, content_type=kind, charset="utf-8", headers=HEADERS)

    return handler
