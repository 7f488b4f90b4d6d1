"""What the gateway answers by itself in a cluster."""

from __future__ import annotations

from aiohttp import web

from service.health import Health
from wire.errors import Draining

_PLAIN = {"Content-Type": "application/json", "Cache-Control": "no-store"}


def add_health_routes(app: web.Application, health: Health) -> None:
    """Add /healthz and /readyz without detail."""
    routes = _HealthRoutes(health)
    app.router.add_get("/healthz", routes.healthz)
    app.router.add_get("/readyz", routes.readyz)


class _HealthRoutes:
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
