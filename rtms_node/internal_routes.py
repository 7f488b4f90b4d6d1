"""The internal listener of a node: forwards from dispatchers."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from aiohttp import web

from service.http_server import new_application
from service.middleware import problems, read_body, require_role
from wire.internal import FORWARD, MAX_INTERNAL_BYTES, Batch, ForwardReply, decode_batches, encode
from wire.roles import Role

_check_caller = require_role(Role.DISPATCHER)


def internal_application(accept_message: Callable[[Sequence[Batch]], list[str]]) -> web.Application:
    """POST /internal/forward, for dispatchers only. `accept_message` returns the videos that are
    not served here.
    """

    async def forward(request: web.Request) -> web.Response:
        _check_caller(request)
        batches = decode_batches(await read_body(request, MAX_INTERNAL_BYTES))
        not_serving = accept_message(batches)
        return web.Response(
            body=encode(ForwardReply(tuple(not_serving))), content_type="application/json"
        )

    app = new_application(problems)
    app.router.add_post(FORWARD, forward)
    return app
