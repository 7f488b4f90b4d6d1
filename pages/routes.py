"""The pages over HTTP. Thin: what was made at the start is found, and sent as it can be taken."""

from __future__ import annotations

from collections.abc import Mapping

from aiohttp import ETag, web

from pages.assets import load_assets
from pages.config import PagesConfig
from pages.documents import EMBED, HOME, MODERATE, PAGES, make_documents
from pages.policy import accepts_gzip, asset_headers
from pages.resource import Resource
from wire.errors import NotFound

_VIDEO = "{video_id:[A-Za-z0-9_-]{1,64}}"


def add_pages(app: web.Application, config: PagesConfig) -> None:
    """Serve the pages. Reads their files; raises OSError if they are not there."""
    pages = _Pages(config)
    app.router.add_get("/", pages.home)
    app.router.add_get("/favicon.ico", pages.icon)
    app.router.add_get(f"/embed/{_VIDEO}", pages.embed)
    app.router.add_get(f"/moderate/{_VIDEO}", pages.moderate)
    app.router.add_get("/assets/{path:.+}", pages.asset)


class _Pages:
    def __init__(self, config: PagesConfig) -> None:
        self._assets = load_assets(PAGES)
        self._documents = make_documents(config, self._assets)

    async def home(self, request: web.Request) -> web.Response:
        """GET /: what is here, for whoever opens the address by itself."""
        return self._page(request, HOME)

    async def icon(self, request: web.Request) -> web.Response:
        """GET /favicon.ico: browsers ask for it where no document names an icon, as beside JSON."""
        icon = self._assets.files["icon.svg"]
        return _reply(request, icon, asset_headers(for_good=False))

    async def embed(self, request: web.Request) -> web.Response:
        """GET /embed/{video_id}."""
        return self._page(request, EMBED)

    async def moderate(self, request: web.Request) -> web.Response:
        """GET /moderate/{video_id}."""
        return self._page(request, MODERATE)

    async def asset(self, request: web.Request) -> web.Response:
        """GET /assets/..."""
        found, for_good = self._assets.find(request.match_info["path"])
        if found is None:
            raise NotFound()
        return _reply(request, found, asset_headers(for_good=for_good))

    def _page(self, request: web.Request, name: str) -> web.Response:
        document = self._documents[name]
        return _reply(request, document.content, document.headers)


def _reply(request: web.Request, found: Resource, headers: Mapping[str, str]) -> web.Response:
    tag = ETag(found.etag, is_weak=True)
    said = {**headers, "Content-Type": found.media_type, "Vary": "Accept-Encoding"}
    if any(known.value in (tag.value, "*") for known in request.if_none_match or ()):
        response = web.Response(status=304, headers=said)
    elif found.gzipped is not None and accepts_gzip(request.headers.get("Accept-Encoding", "")):
        said["Content-Encoding"] = "gzip"
        response = web.Response(body=found.gzipped, headers=said)
    else:
        response = web.Response(body=found.body, headers=said)
    response.etag = tag
    return response
