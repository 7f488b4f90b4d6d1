"""The internal listener of a dispatcher: what writers have committed."""

from __future__ import annotations

from aiohttp import web

from dispatcher.router import Router
from service.http_server import new_application
from service.middleware import problems, read_body, require_role
from wire.internal import DISPATCH, MAX_INTERNAL_BYTES, decode_batches
from wire.roles import Role

_check_caller = require_role(Role.WRITER)


def internal_application(router: Router) -> web.Application:
    """POST /internal/dispatch, for writers only; 200 with an empty object once it is taken."""

    async def dispatch(request: web.Request) -> web.Response:
        _check_caller(request)
        await router.route(decode_batches(await read_body(request, MAX_INTERNAL_BYTES)))
        return web.Response(body=b"{}", content_type="application/json")

    app = new_application(problems)
    app.router.add_post(DISPATCH, dispatch)
    return app
