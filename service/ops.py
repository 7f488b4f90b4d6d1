"""The ops listener: health, readiness, metrics, state, stage times and the map of the cluster, for
HAProxy's checks, Prometheus and people.

Plain HTTP on loopback or a private network. It tells more than the public may know, so the gateway
never forwards to it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec
from aiohttp import web
from prometheus_client import CollectorRegistry

from service import metrics, stages
from service.cluster_map.answer import MAX_VIDEOS
from service.cluster_map.gathering import Gathering
from service.cluster_map.page import add_map
from service.config import ServiceConfig
from service.health import Health
from service.http_server import HttpServer, new_application
from service.middleware import problems
from wire.errors import BadRequest
from wire.ids import is_video_id

# What a process knows of videos whose ids are given: see service.cluster_map.answer.Videos.
FindVideos = Callable[[Sequence[str]], Mapping[str, Any]]


def knows_no_videos(_video_ids: Sequence[str]) -> Mapping[str, Any]:
    """Of a process that neither has viewers nor routes."""
    return {}


class OpsServer:
    """Serves /healthz, /readyz, /metrics, /state, /videos and /map. `describe` gives the service's
    own figures for /state, `find_videos` what it knows of some videos.
    """

    def __init__(
        self,
        config: ServiceConfig,
        health: Health,
        registry: CollectorRegistry,
        describe: Callable[[], dict[str, Any]],
        find_videos: FindVideos = knows_no_videos,
    ) -> None:
        self._config, self._health, self._registry = config, health, registry
        self._describe, self._find_videos = describe, find_videos
        self._built_at = time.monotonic()
        self._gathering = Gathering(config.ops_peers, self._current_state, find_videos)
        _export_health(registry, health)
        app = new_application(problems)
        app.router.add_get("/healthz", self._healthz)
        app.router.add_get("/readyz", self._readyz)
        app.router.add_get("/metrics", self._metrics)
        app.router.add_get("/state", self._state)
        app.router.add_get("/videos", self._videos)
        app.router.add_get("/stages", self._stages)
        add_map(app, self._gathering, registry)
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
        await self._gathering.stop()
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
        return _json(self._current_state())

    async def _videos(self, request: web.Request) -> web.Response:
        """?ids=a,b,c, at most MAX_VIDEOS of them."""
        ids = request.query.get("ids", "").split(",")
        if len(ids) > MAX_VIDEOS or not all(map(is_video_id, ids)):
            raise BadRequest(f"ids must be 1 to {MAX_VIDEOS} video ids with commas between")
        return _json(self._find_videos(ids))

    def _current_state(self) -> dict[str, Any]:
        health = self._health
        state = {
            "role": self._config.role,
            "id": self._config.id,
            "ready": health.ready,
            "draining": health.draining,
            "degraded": health.degraded,
            "up_s": round(time.monotonic() - self._built_at, 1),
        }
        return state | self._describe()


def _export_health(registry: CollectorRegistry, health: Health) -> None:
    exports = metrics.Exports(registry)
    exports.gauge("ready", "1 while new work may come", lambda: health.ready)
    exports.gauge("draining", "1 while the process hands over and ends", lambda: health.draining)
    exports.gauges(
        "degraded",
        "1 for each dependency that it does without now",
        "dependency",
        lambda: dict.fromkeys(health.degraded, 1),
    )


def _json(value: object, status: int = 200) -> web.Response:
    return web.Response(
        body=msgspec.json.encode(value), status=status, content_type="application/json"
    )
