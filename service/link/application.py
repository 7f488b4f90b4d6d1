"""An aiohttp application on which links are opened, and nothing else."""

from __future__ import annotations

from aiohttp import web

from service.http_server import new_application
from service.link.listener import LinkListener
from service.middleware import problems


def link_application(path: str, listener: LinkListener) -> web.Application:
    """GET `path` opens a link. All links end when the application shuts down."""

    async def leave(_app: web.Application) -> None:
        await listener.close()

    app = new_application(problems)
    app.router.add_get(path, listener.serve, allow_head=False)
    app.on_shutdown.append(leave)
    return app
