"""The public calls about the filters of a video. Thin, as `writer.public_routes`."""

from __future__ import annotations

from aiohttp import web

from screening.terms import MAX_FILTERS_BYTES, MAX_TRIED
from wire.json_text import parse_object, read_text
from writer.moderator_calls import Desk, ModeratorCalls, if_match, json_body, json_response
from writer.request_parts import JSON_HEADERS, VIDEO
from writer.rules import NewFilters

_NO_FILTERS = b'{"terms":[]}'


def add_filters_routes(app: web.Application, desk: Desk) -> None:
    """Serve the calls about filters. They count as posts of their address."""
    routes = _FiltersRoutes(desk)
    app.router.add_get(f"{VIDEO}/filters", routes.get_filters)
    app.router.add_put(f"{VIDEO}/filters", routes.put_filters)
    app.router.add_post(f"{VIDEO}/filters/test", routes.try_filters)


class _FiltersRoutes(ModeratorCalls):
    async def get_filters(self, request: web.Request) -> web.Response:
        """GET .../filters: with an ETag."""
        await self.require(request)
        version, body = await self._comments.filters(request.match_info["video_id"])
        return _filters(version, body or _NO_FILTERS)

    async def put_filters(self, request: web.Request) -> web.Response:
        """PUT .../filters: all of them; If-Match: only if nobody has changed them meanwhile."""
        caller = await self.require(request)
        known = self._moderation.filters
        filters = await known.compile(await json_body(request, MAX_FILTERS_BYTES))
        body = filters.encode()
        ruled = await self.rule(request, caller, NewFilters(body, if_match(request)))
        known.learn(request.match_info["video_id"], ruled.rules.filters, filters)
        return _filters(ruled.rules.filters, body)

    async def try_filters(self, request: web.Request) -> web.Response:
        """POST .../filters/test {text}: what would become of it, and by which terms."""
        await self.require(request)
        said = parse_object(await json_body(request), ("text",))
        text = read_text(said, "text", MAX_TRIED)
        _, filters = await self._moderation.filters.fetch(request.match_info["video_id"])
        action = filters.screen("", text)
        found = {"action": action and action.value, "terms": filters.find(text)}
        return json_response(found)


def _filters(version: int, body: bytes) -> web.Response:
    return web.Response(body=body, headers=JSON_HEADERS | {"ETag": f'"{version}"'})
