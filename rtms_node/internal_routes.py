"""The internal listener of a node: forwards from dispatchers."""

from __future__ import annotations

import structlog
from aiohttp import web

from rtms_node.hub import Hub
from service.http_server import new_application
from service.logs import bind_request, clean_request_id
from service.middleware import problems, read_body, require_role
from wire.internal import FORWARD, MAX_INTERNAL_BYTES, ForwardReply, decode_batches, encode
from wire.roles import Role

log = structlog.get_logger()

_check_caller = require_role(Role.DISPATCHER)


def internal_application(hub: Hub) -> web.Application:
    """POST /internal/forward, for dispatchers only."""

    async def forward(request: web.Request) -> web.Response:
        _check_caller(request)
        batches = decode_batches(await read_body(request, MAX_INTERNAL_BYTES))
        not_serving = []
        for batch in batches:
            with bind_request(clean_request_id(batch.request_id)):
                log.debug("forwarded", video_id=batch.video_id, last_seq=batch.last_seq)
                if not hub.ingest(batch):
                    not_serving.append(batch.video_id)
        return web.Response(
            body=encode(ForwardReply(tuple(not_serving))), content_type="application/json"
        )

    app = new_application(problems)
    app.router.add_post(FORWARD, forward)
    return app
