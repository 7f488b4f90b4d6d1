"""The ops listener: health, readiness, metrics, state and stage times, for HAProxy's checks,
Prometheus and people.

Plain HTTP on loopback or a private network. It tells more than the public may know, so the gateway
never forwards to it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
from aiohttp import web
from prometheus_client import CollectorRegistry

from service import metrics, stages
from service.config import ServiceConfig
from service.health import Health
from service.http_server import HttpServer, new_application
from service.middleware import problems


class OpsServer:
    """Serves /healthz, /readyz, /metrics and /state. `describe` gives the service's own figures for
    /state.
    """

    def __init__(
        self,
        config: ServiceConfig,
        health: Health,
        registry: CollectorRegistry,
        describe: Callable[[], dict[str, Any]],
    ) -> None:
        self._config, self._health, self._registry, self._describe = (
            config,
            health,
            registry,
            describe,
        )
        app = new_application(problems)
        app.router.add_get("/healthz", self._healthz)
        app.router.add_get("/readyz", self._readyz)
        app.router.add_get("/metrics", self._metrics)
        app.router.add_get("/state", self._state)
        app.router.add_get("/stages", self._stages)
        self._server = HttpServer(app, config.ops_host, config.ops_port)

    @property
    def port(self) -> int:
        """The port it listens on (known after `start`)."""
        return self._server.port

    async def start(self) -> None:
        """Bind. Raises OSError if the port is taken."""
        await self._server.start()

    async def stop(self) -> None:
        """Close. Idempotent."""
        await self._server.stop()

    async def _healthz(self, _request: web.Request) -> web.Response:
        return _json({"status": "alive"})

    async def _readyz(self, _request: web.Request) -> web.Response:
        """200 ready, 503 still starting, 404 draining (HAProxy's `disable-on-404` keeps open
        streams then).
        """
        if self._health.draining:
            return _json({"status": "draining"}, 404)
        if not self._health.ready:
            return _json({"status": "starting"}, 503)
        degraded = self._health.degraded
        return _json({"status": "degraded" if degraded else "ready", "degraded": degraded})

    async def _metrics(self, _request: web.Request) -> web.Response:
        return web.Response(
            body=metrics.render(self._registry), headers={"Content-Type": metrics.CONTENT_TYPE}
        )

    async def _stages(self, _request: web.Request) -> web.Response:
        """The timestamps kept since the last call (see service.stages)."""
        return _json(stages.take())

    async def _state(self, _request: web.Request) -> web.Response:
        health = self._health
        state = {
            "role": self._config.role,
            "id": self._config.id,
            "ready": health.ready,
            "draining": health.draining,
            "degraded": health.degraded,
        }
        return _json(state | self._describe())


def _json(value: object, status: int = 200) -> web.Response:
    return web.Response(
        body=msgspec.json.encode(value), status=status, content_type="application/json"
    )
