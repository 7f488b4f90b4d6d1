"""The public call that tells how many watch a video. Thin, as `writer.public_routes`."""

from __future__ import annotations

import time

import msgspec
from aiohttp import web

from wire.errors import CountsUnknown
from writer.reading import Reading
from writer.request_parts import JSON_HEADERS, VIDEO
from writer.viewer_totals import ViewerTotals


def add_viewers_route(app: web.Application, reading: Reading, totals: ViewerTotals) -> None:
    """Serve it."""
    app.router.add_get(f"{VIDEO}/viewers", _ViewersRoute(reading, totals).get_viewers)


class _ViewersRoute:
    def __init__(self, reading: Reading, totals: ViewerTotals) -> None:
        self._reading, self._totals = reading, totals

    async def get_viewers(self, request: web.Request) -> web.Response:
        """GET .../viewers: 200, or 503 while it is not known."""
        await self._reading.check(request)
        video_id = request.match_info["video_id"]
        total = self._totals.find(video_id, time.monotonic())
        if total is None:
            raise CountsUnknown()
        body = {"video_id": video_id, "now": total.now, "peak": total.peak}
        return web.Response(body=msgspec.json.encode(body), headers=JSON_HEADERS)
