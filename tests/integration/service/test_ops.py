from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import Any

import aiohttp
import pytest
from prometheus_client import Counter
from prometheus_client.parser import text_string_to_metric_families

from service.config import EnvReader, ServiceConfig
from service.health import Health
from service.metrics import new_registry
from service.ops import OpsServer
from wire.roles import Role


class Ops:
    def __init__(self, **environ: str) -> None:
        self.health, self.registry = Health(), new_registry()
        self.figures: dict[str, Any] = {"viewers": 3, "queues": {"q": 1}}
        self.videos = {"v1"}
        config = ServiceConfig.read(EnvReader({"SERVICE_ID": "n1"} | environ), Role.NODE)
        self.server = OpsServer(
            config, self.health, self.registry, lambda: self.figures, self.find_videos
        )

    def find_videos(self, video_ids: Sequence[str]) -> dict[str, Any]:
        return {"viewers": {video_id: 1 for video_id in video_ids if video_id in self.videos}}

    async def get(self, path: str) -> tuple[int, str, Any]:
        url = f"http://127.0.0.1:{self.server.port}{path}"
        async with aiohttp.ClientSession() as session, session.get(url) as response:
            is_json = "json" in response.content_type
            body = await response.json(content_type=None) if is_json else await response.text()
            return response.status, response.content_type, body


@pytest.fixture
async def ops() -> AsyncIterator[Ops]:
    ops = Ops()
    await ops.server.start()
    yield ops
    await ops.server.stop()
    await ops.server.stop()


async def test_alive_is_alive_whatever_else(ops: Ops) -> None:
    assert (await ops.get("/healthz"))[0] == 200
    ops.health.draining = True
    assert (await ops.get("/healthz"))[0] == 200


async def test_readiness_follows_the_life_of_the_process(ops: Ops) -> None:
    assert (await ops.get("/readyz"))[0] == 503
    ops.health.started = True
    assert (await ops.get("/readyz"))[0] == 200
    ops.health.draining = True
    assert (await ops.get("/readyz"))[0] == 404


async def test_a_dependency_that_is_away_is_told_and_still_ready(ops: Ops) -> None:
    ops.health.started = True
    ops.health.mark("zookeeper", "away")
    status, _, body = await ops.get("/readyz")
    assert (status, body) == (200, {"status": "degraded", "degraded": {"zookeeper": "away"}})


async def test_the_state_has_what_is_common_and_what_is_the_services(ops: Ops) -> None:
    ops.health.started = True
    state = (await ops.get("/state"))[2]
    assert state.pop("up_s") >= 0
    assert state == {
        "role": "node",
        "id": "n1",
        "ready": True,
        "draining": False,
        "degraded": {},
        "viewers": 3,
        "queues": {"q": 1},
    }


async def test_what_is_known_of_some_videos_is_told(ops: Ops) -> None:
    assert (await ops.get("/videos?ids=v1,v2"))[2] == {"viewers": {"v1": 1}}
    for query in ("", "?ids=", "?ids=a,,b", "?ids=<b>", f"?ids={','.join(['v'] * 21)}"):
        status, _, body = await ops.get(f"/videos{query}")
        assert (status, body["code"]) == (400, "bad_request"), query


async def test_metrics_can_be_read_by_prometheus(ops: Ops) -> None:
    Counter("livecomments_things", "Things", registry=ops.registry).inc(2)
    status, kind, text = await ops.get("/metrics")
    assert (status, kind) == (200, "text/plain")
    samples = {
        sample.name: sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }
    assert samples["livecomments_things_total"] == 2
    assert samples["process_resident_memory_bytes"] > 0


async def test_metrics_tell_whether_it_is_ready_and_what_it_does_without(ops: Ops) -> None:
    async def told() -> dict[str, float]:
        families = text_string_to_metric_families((await ops.get("/metrics"))[2])
        return {
            "".join([sample.name.removeprefix("livecomments_"), *sample.labels.values()]): value
            for family in families
            for sample in family.samples
            for value in [sample.value]
        }

    assert (await told())["ready"] == 0
    ops.health.started = True
    ops.health.mark("zookeeper", "away")
    figures = await told()
    assert (figures["ready"], figures["draining"], figures["degradedzookeeper"]) == (1, 0, 1)
    ops.health.draining = True
    ops.health.mark("zookeeper", None)
    figures = await told()
    assert (figures["ready"], figures["draining"]) == (0, 1)
    assert "degradedzookeeper" not in figures


async def test_two_services_in_one_process_share_no_metrics(ops: Ops) -> None:
    other = Ops()
    Counter("livecomments_mine", "Mine", registry=other.registry)
    assert "livecomments_mine" not in (await ops.get("/metrics"))[2]


async def test_what_does_not_exist_is_a_problem_document(ops: Ops) -> None:
    status, kind, body = await ops.get("/")
    assert (status, kind, body["code"]) == (404, "application/problem+json", "not_found")


async def test_a_fault_of_the_service_is_a_500_without_detail(ops: Ops) -> None:
    ops.figures = {"not json": object()}
    status, _, body = await ops.get("/state")
    assert (status, body["code"]) == (500, "internal")
    assert "detail" not in body
