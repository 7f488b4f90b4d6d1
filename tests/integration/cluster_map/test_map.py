"""The map of a process: what it asks others, and what it makes of their answers."""

from __future__ import annotations

import asyncio
import json
import time
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from cluster.ports import free_ports
from service.cluster_map import gathering
from service.cluster_map.answer import MAX_ANSWER_BYTES
from service.cluster_map.asking import Resolver
from tests.integration.cluster_map.map_process import (
    HOSTILE,
    MapProcess,
    Speak,
    drips,
    hangs_up,
    never_ends,
    peer_that,
    says,
    says_nothing,
    talks_something_else,
)
from tests.support import TIMEOUT_FACTOR
from wire.roles import Role

GOOD = json.dumps({"role": "node", "id": "node-9", "ready": True}).encode()


def told(document: dict[str, Any]) -> dict[str, str]:
    """Who is how, and why."""
    return {
        member["id"] or member["address"]: ": ".join([member["state"], *member["why"]])
        for member in document["members"]
    }


async def shown_as(process: MapProcess, wanted: dict[str, str], but: str = "") -> dict[str, Any]:
    """The map when it says that: on a machine that is busy a good peer may once be late. Whether
    it shows `but` does not matter.
    """
    document: dict[str, Any] = {"members": []}
    shown = dict[str, str]()
    try:
        async with asyncio.timeout(20 * TIMEOUT_FACTOR):
            while shown != wanted:
                document = await process.fetch_map()
                shown = {who: how for who, how in told(document).items() if who != but}
                await asyncio.sleep(0.01)
    except TimeoutError:
        assert shown == wanted
    return document


async def figure(process: MapProcess, metric: str) -> float:
    _, body = await process.get("/metrics")
    samples = [
        sample
        for family in text_string_to_metric_families(body.decode())
        for sample in family.samples
    ]
    return next(sample.value for sample in samples if sample.name == f"livecomments_{metric}")


@pytest.mark.usefixtures("patient")
async def test_processes_ask_one_another_and_show_the_same() -> None:
    async with (
        MapProcess(Role.NODE, "node-1") as node,
        MapProcess(Role.DISPATCHER, "dispatcher-1") as router,
        MapProcess(Role.WRITER, "writer-1", [node.entry, router.address]) as writer,
    ):
        node.figures = {"viewers": 3, "videos": 1, "busiest": {"v1": 3}, "queues": {"heads": 2}}
        node.videos = {"viewers": {"v1": 3}}
        router.videos = {"routes": {"v1": ["node-1"]}}
        node.health.mark("zookeeper", "away")
        address = node.address
        wanted = {
            "writer-1": "ready",
            "dispatcher-1": "ready",
            "node-1": "degraded: zookeeper: away",
        }
        document = await shown_as(writer, wanted)
    shown = document["members"][2]
    assert (shown["viewers"], shown["queues"]) == (3, {"heads": 2})
    assert shown["address"] == address
    assert document["by"] == "writer-1"
    assert document["videos"] == [
        {
            "video_id": "v1",
            "viewers": 3,
            "nodes": {"node-1": 3},
            "routes": {"dispatcher-1": ["node-1"]},
        }
    ]


@pytest.mark.usefixtures("patient")
async def test_rates_come_with_the_second_gathering() -> None:
    async with (
        MapProcess(Role.NODE, "node-1") as node,
        MapProcess(Role.WRITER, "writer-1", [node.entry]) as writer,
    ):
        node.figures = {"totals": {"deliveries": 100}}
        began = time.monotonic()
        first = await writer.fetch_map()
        took_s = time.monotonic() - began
        assert first["totals"]["deliveries_per_s"] is None
        node.figures = {"totals": {"deliveries": 1100}}
        async with asyncio.timeout(20 * TIMEOUT_FACTOR):
            while (later := await writer.fetch_map())["made_at"] == first["made_at"]:
                await asyncio.sleep(0.05)
    least_s, most_s = gathering.EVERY_S - took_s, time.monotonic() - began
    # Gatherings begin so far apart; when in each of them the node has answered we do not know.
    assert 1000 / most_s * 0.99 < later["totals"]["deliveries_per_s"] < 1000 / least_s * 1.01


async def test_who_died_is_shown_by_name_also_to_whom_it_never_answered() -> None:
    (port,) = free_ports(1)
    peers = [f"node/node-2=127.0.0.1:{port}", f"127.0.0.1:{free_ports(1)[0]}"]
    async with MapProcess(Role.WRITER, "writer-1", peers) as writer:
        wanted = {
            "writer-1": "ready",
            "node-2": "unreachable: no connection",
            peers[1]: "unreachable: no connection",
        }
        await shown_as(writer, wanted)


BAD: dict[str, tuple[Speak, str]] = {
    "huge": (
        says(b'{"x":"' + b"x" * MAX_ANSWER_BYTES + b'"}'),
        f"its answer is over {MAX_ANSWER_BYTES // 1024} KiB",
    ),
    "endless": (never_ends, f"its answer is over {MAX_ANSWER_BYTES // 1024} KiB"),
    "dripping": (drips, "no answer in time"),
    "silent": (says_nothing, "no answer in time"),
    "hanging up": (hangs_up, "its answer cannot be read"),
    "not HTTP": (talks_something_else, "its answer cannot be read"),
    "not JSON": (
        says(b"<!doctype html><script>alert(1)</script>"),
        "its answer is not what one of our processes says",
    ),
    "deep": (says(b"[" * 200_000), "its answer is not what one of our processes says"),
    "compressed": (
        says(b"\x1f\x8b\x08\x00", "200 OK", "Content-Encoding: gzip"),
        "its answer is not what one of our processes says",
    ),
    "somebody else": (says(b'{"status":"ok"}'), "its answer is not what one of our processes says"),
    "named in markup": (
        says(GOOD.replace(b"node-9", b"<b>")),
        "its id is none",
    ),
    "elsewhere": (
        says(b"", "302 Found", "Location: http://127.0.0.1:1/state"),
        "it answers with status 302",
    ),
    "failing": (
        says(b"Traceback (most recent call last)", "500 Oops"),
        "it answers with status 500",
    ),
}


@pytest.mark.parametrize("kind", BAD)
async def test_a_peer_that_answers_badly_is_shown_as_such_beside_the_others(kind: str) -> None:
    speak, words = BAD[kind]
    async with (
        peer_that(speak) as bad,
        peer_that(says(GOOD)) as good,
        MapProcess(Role.WRITER, "writer-1", [bad, good]) as writer,
    ):
        wanted = {"writer-1": "ready", "node-9": "ready", bad: f"unreachable: {words}"}
        await shown_as(writer, wanted)


async def test_many_silent_peers_are_waited_for_together() -> None:
    """A hundred of them: one after the other would take more than a minute."""
    async with peer_that(says_nothing) as silent:
        _, _, port = silent.partition(":")
        many = [silent, *(f"127.0.{n}.1:{port}" for n in range(1, 101))]
        async with MapProcess(Role.WRITER, "writer-1", many) as writer:
            document = await writer.fetch_map()
    states = [member["state"] for member in document["members"]]
    assert states == ["ready"] + ["unreachable"] * 101


async def test_hostile_texts_stay_texts() -> None:
    answer = {
        "role": "node",
        "id": "node-9",
        "ready": True,
        "degraded": {HOSTILE: HOSTILE * 10},
        "queues": {HOSTILE: 3},
        "busiest": {HOSTILE: 4},
    }
    async with (
        peer_that(says(json.dumps(answer).encode())) as bad,
        MapProcess(Role.WRITER, "writer-1", [bad]) as writer,
    ):
        wanted = f"degraded: {HOSTILE}: {(HOSTILE * 10)[:199]}\N{HORIZONTAL ELLIPSIS}"
        document = await shown_as(writer, {"writer-1": "ready", "node-9": wanted})
        reply, _ = await writer.get("/map.json")
    assert reply.content_type == "application/json"
    assert reply.headers["X-Content-Type-Options"] == "nosniff"
    assert document["members"][1]["queues"] == {HOSTILE: 3}
    assert document["videos"] == [], "no video has such a name"


async def test_however_many_look_there_is_one_gathering() -> None:
    async with (
        MapProcess(Role.NODE, "node-1") as node,
        MapProcess(Role.WRITER, "writer-1", [node.entry]) as writer,
    ):
        documents = await asyncio.gather(*(writer.fetch_map() for _ in range(50)))
        assert await figure(writer, "map_gatherings_total") < 50
        made = {document["made_at"] for document in documents}
        assert len(made) == await figure(writer, "map_gatherings_total")
        assert await figure(writer, "map_shared_looks_total") == 50 - len(made)


async def test_a_file_of_peers_is_read_again(tmp_path: Path) -> None:
    file = tmp_path / "ops-peers"
    async with (
        MapProcess(Role.NODE, "node-1") as first,
        MapProcess(Role.NODE, "node-2") as second,
        MapProcess(Role.WRITER, "writer-1", OPS_PEERS_FILE=str(file)) as writer,
    ):
        document = await writer.fetch_map()
        assert document["notes"] == ["OPS_PEERS_FILE cannot be read: No such file or directory"]
        for known in ([first], [first, second], [second]):
            file.write_text("".join(f"{one.entry}\n" for one in known))
            wanted = {"writer-1", *(one.name for one in known)}
            async with asyncio.timeout(20 * TIMEOUT_FACTOR):
                while set(told(document := await writer.fetch_map())) != wanted:
                    await asyncio.sleep(0.05)
        assert document["notes"] == []


async def test_names_are_looked_up_and_one_process_is_shown_once() -> None:
    async with MapProcess(Role.NODE, "node-1") as node:
        port = node.server.port
        peers = [f"localhost:{port}", node.address, "nobody.invalid:1"]
        async with MapProcess(Role.WRITER, "writer-1", peers) as writer:
            wanted = {
                "writer-1": "ready",
                "node-1": "ready",
                "nobody.invalid:1": "unreachable: its name stands for no address",
            }
            await shown_as(writer, wanted, but=f"[::1]:{port}")


async def test_of_a_name_that_is_still_looked_up_nothing_else_is_said(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ended, look_up = asyncio.Event(), Resolver._look_up

    async def look_up_slowly(self: Resolver, name: str) -> None:
        await ended.wait()
        await look_up(self, name)

    monkeypatch.setattr(Resolver, "_look_up", look_up_slowly)
    name = "nobody.invalid:1"
    async with MapProcess(Role.WRITER, "writer-1", [name]) as writer:
        for words in ("its name is still being looked up", "its name stands for no address"):
            await shown_as(writer, {"writer-1": "ready", name: f"unreachable: {words}"})
            ended.set()


@pytest.mark.usefixtures("patient")
async def test_what_others_say_of_this_process_does_not_count() -> None:
    liar = json.dumps({"role": "writer", "id": "writer-1", "ready": False, "viewers": 9}).encode()
    async with (
        peer_that(says(liar)) as bad,
        MapProcess(Role.WRITER, "writer-1", [bad]) as writer,
    ):
        (member,) = (await writer.fetch_map())["members"]
    assert (member["state"], member["viewers"], member["address"]) == ("ready", 0, "")


@pytest.mark.parametrize("path", ["/map", "/map.js", "/map_tables.js", "/map.css", "/map.json"])
async def test_no_other_origin_may_read_or_frame_it(path: str) -> None:
    async with MapProcess(Role.WRITER, "writer-1") as writer:
        reply, body = await writer.get(path, Origin="https://evil.example")
    assert reply.status == 200
    assert body
    assert [name for name in reply.headers if name.lower().startswith("access-control")] == []
    policy = reply.headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'; script-src 'self'; ")
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert reply.headers["X-Frame-Options"] == "DENY"
    assert reply.headers["Cache-Control"] == "no-store"


async def test_a_process_that_ends_waits_for_no_gathering(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(gathering, "ROUNDS_S", (10.0, 10.0, 10.0))  # it still goes on then
    async with peer_that(says_nothing) as silent:
        writer = MapProcess(Role.WRITER, "writer-1", [silent])
        await writer.server.start()
        looking = asyncio.create_task(writer.fetch_map())
        while not await figure(writer, "map_gatherings_total"):
            await asyncio.sleep(0.01)
        await writer.server.stop()
        with pytest.raises(Exception):  # noqa: B017, PT011 - a 5xx or a lost connection
            await looking
