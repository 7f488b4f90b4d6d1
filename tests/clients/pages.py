"""Serves the pages of the clients in a browser, from an origin of their own."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from aiohttp import web


@asynccontextmanager
async def serving_pages(folder: Path, port: int) -> AsyncIterator[str]:
    """Their origin. Modules import each other without `.js`, as bundlers let them."""

    async def answer(request: web.Request) -> web.FileResponse:
        found = folder / request.match_info["path"]
        return web.FileResponse(found if found.is_file() else found.with_name(found.name + ".js"))

    app = web.Application()
    app.router.add_get("/{path:.*}", answer)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", port).start()
        yield f"http://127.0.0.1:{port}"
    finally:
        await runner.cleanup()
