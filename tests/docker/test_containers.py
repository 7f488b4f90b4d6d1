"""A cluster in containers: grown, cut, moved, forgotten."""

from __future__ import annotations

import asyncio
import dataclasses
import os
import ssl
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cluster.cluster import Cluster
from cluster.docker.compose_command import find_compose
from cluster.docker.containers import PROJECT, Containers
from cluster.docker.project import project_name
from cluster.errors import ClusterError
from cluster.progress import NoProgress
from cluster.runtime import Condition
from cluster.status import fetch_rows
from tests.chaos.judge import judge
from tests.chaos.load import Load
from tests.chaos.traffic import Shape
from tests.clusters import post_comment
from tests.docker.conftest import SMALL
from tests.support import eventually

SHAPE = Shape(viewers=24, videos=6, rate=20, churn_s=0, impatient=0)
SOME = 40  # comments


async def post(cluster: Cluster, text: str) -> int:
    return int((await post_comment(cluster, "v1", text))["seq"])


async def nobody_waits(cluster: Cluster) -> None:
    rows = await fetch_rows(cluster)
    assert all(row.ready for row in rows), rows


def containers(cluster: Cluster) -> Containers:
    return Containers(project_name(cluster.folder), None)


async def test_it_grows_and_shrinks_beside_what_runs(small: Cluster, tmp_path: Path) -> None:
    assert await post(small, "one") == 1
    untouched = {name: small.pid(name) for name in ("haproxy", "node-1", "node-2", "writer-1")}
    grown = Cluster.create(dataclasses.replace(SMALL, nodes=3, writers=2), tmp_path)
    await grown.up()
    assert {name: grown.pid(name) for name in untouched} == untouched, "no reload, no restart"
    await nobody_waits(grown)
    await grown.kill("node-3")
    await grown.start("node-3")
    await grown.up()
    shrunk = Cluster.create(SMALL, tmp_path)
    await shrunk.up()
    assert {name: shrunk.pid(name) for name in untouched} == untouched
    assert shrunk.runtime.condition("node-3") is Condition.STOPPED
    assert await post(shrunk, "two") == 2


async def test_viewers_stay_while_nodes_come_and_go(small: Cluster, tmp_path: Path) -> None:
    """2 nodes, 3, 2: whoever watches through a node that stays sees nothing of it."""
    async with Load.on(small, SHAPE) as load:
        await load.wait_for_posts(SOME)
        early = list(load.history.watches)
        grown = Cluster.create(dataclasses.replace(SMALL, nodes=3), tmp_path)
        await grown.up()
        await load.wait_for_posts(SOME)
        assert {len(watch.streams) for watch in early} == {1}
        late = [load.watch(video_id) for video_id in load.videos * 3]
        await eventually(lambda: all(watch.place is not None for watch in late))
        moving = [watch for watch in late if watch.streams[0].node == "node-3"]
        assert moving, "else the second half of this test shows nothing"
        await load.wait_for_posts(SOME)
        await Cluster.create(SMALL, tmp_path).up()
        await load.wait_for_posts(SOME)
        assert judge(await load.finish()).broken == []
        for watch in load.history.watches:
            assert (len(watch.streams) == 1) == (watch not in moving), watch.name


async def test_what_became_of_a_part_is_told_apart(small: Cluster) -> None:
    await small.kill("node-1")
    small.pause("node-2")
    await small.stop("dispatcher-1")
    small.partition("writer-1")
    found = {part.name: small.condition(part.name) for part in small.parts}
    assert found["node-1"] is Condition.DEAD
    assert found["node-2"] is Condition.PAUSED
    assert found["dispatcher-1"] is Condition.STOPPED
    assert found["writer-1"] is Condition.PARTITIONED
    assert "node-1" in small.runtime.names()
    assert "dispatcher-1" not in small.runtime.names()
    await small.up()
    await nobody_waits(small)
    assert await post(small, "whole again") == 1


async def test_a_part_that_is_cut_off_has_no_address_until_it_is_healed(small: Cluster) -> None:
    before = small.address("node-1", "ops")
    small.partition("node-1")
    with pytest.raises(ClusterError, match="no address"):
        small.address("node-1", "ops")
    small.heal("node-1")
    assert small.address("node-1", "ops") == before
    await small.wait_ready("node-1")


async def test_the_gateway_follows_parts_that_swapped_their_addresses(small: Cluster) -> None:
    addresses = [small.address(name, "public") for name in ("node-1", "node-2")]
    await small.stop("node-1")
    await small.stop("node-2")
    await small.start("node-2")
    await small.start("node-1")
    swapped = [small.address(name, "public") for name in ("node-2", "node-1")]
    assert swapped == addresses, "else this test shows nothing"
    await small.up()  # until the gateway sees all
    await nobody_waits(small)


async def test_a_container_that_is_gone_since_it_was_listed_is_none(
    small: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As while compose makes it anew, when its pid is asked for."""
    monkeypatch.setattr("cluster.docker.containers.LISTED_S", 60.0)
    await small.stop("node-1")
    known = containers(small)
    listed = known.find("node-1")
    assert listed is not None
    known.client.api.remove_container(listed.id, v=True)
    assert known.inspect("node-1") == {}
    assert known.find("node-1") is None
    monkeypatch.undo()
    await small.up()
    await nobody_waits(small)


async def test_a_variable_counts_from_the_next_start(small: Cluster) -> None:
    small.set_environment("node-1", LOG_LEVEL="debug")
    untouched = small.pid("node-2")
    await small.stop("node-1")
    await small.start("node-1")
    assert "LOG_LEVEL=debug" in containers(small).inspect("node-1")["Config"]["Env"]
    assert small.pid("node-2") == untouched


async def test_only_this_life_of_a_part_is_printed_if_asked(small: Cluster) -> None:
    name = "dispatcher-1"
    await small.stop(name)
    await small.start(name)
    whole = small.runtime.log_tail(name, 1000)
    this_life = small.runtime.log_tail(name, 1000, this_life=True)
    assert whole.count('"started"') == 2
    assert this_life.count('"started"') == 1
    lines = small.runtime.follow_logs([name], lines=1)
    assert next(lines) == (name, whole.splitlines()[-1])


async def test_a_part_that_does_not_listen_is_forced_and_counts_as_stopped(small: Cluster) -> None:
    small.set_environment("node-1", DRAIN_NOTICE_S="60")
    await small.stop("node-1")
    await small.start("node-1")
    assert not await small.drain("node-1", patience_s=1)
    assert small.condition("node-1") is Condition.STOPPED


async def test_our_programs_have_few_rights(small: Cluster) -> None:
    for name in ("writer-1", "dispatcher-1", "node-1", "haproxy"):
        run = in_container(small, name)
        assert run("id -u") == (0, "10001")
        assert run("touch /etc/x || touch /app/x || touch /opt/x")[0] != 0
        assert run("grep CapEff /proc/1/status")[1].split()[1].strip("0") == ""
    assert in_container(small, "node-1")("ls /ca /gateway")[1].count("ca.key") == 0


async def test_no_container_but_the_gateway_reaches_its_runtime_socket(small: Cluster) -> None:
    control = small.runtime.control()
    reader, writer = await control.connect()
    writer.write(b"show version\n")
    assert await reader.read(100)
    writer.close()
    address = f"/dev/tcp/{control.host}/{control.port}"  # type: ignore[attr-defined]
    assert in_container(small, "node-1")(f"timeout 2 bash -c '<{address}'")[0] != 0
    assert in_container(small, "node-1")("timeout 2 bash -c '</dev/tcp/haproxy/9999'")[0] != 0


async def test_a_part_sees_no_key_but_its_own(small: Cluster, tmp_path: Path) -> None:
    grown = Cluster.create(dataclasses.replace(SMALL, nodes=4), tmp_path)
    await grown.up()
    for name in ("writer-1", "dispatcher-1", "node-1", "node-4"):
        found = in_container(grown, name)("find / -name '*.key' -o -name key.pem 2>/dev/null")[1]
        assert found.splitlines() == [f"/tls/{name}/key.pem"]


async def test_certificates_lie_where_those_of_processes_do(small: Cluster) -> None:
    context = ssl.create_default_context(cafile=small.ca_file)
    host, port = small.address("haproxy", "https")
    _, writer = await asyncio.open_connection(host, port, ssl=context, server_hostname="localhost")
    shown = writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
    writer.close()
    kept = (small.folder.gateway / "cert.pem").read_text()
    assert ssl.PEM_cert_to_DER_cert(kept) == shown


async def test_variables_reach_a_container_by_part_and_by_role(small: Cluster) -> None:
    small.set_environment("node", FRAME_BUDGET_MIB="64")
    small.set_environment("node-2", FRAME_BUDGET_MIB="128")
    for name, mib in (("node-1", 400), ("node-2", 480)):
        await small.stop(name)
        await small.start(name)
        assert containers(small).inspect(name)["HostConfig"]["Memory"] == mib * 1024 * 1024


def in_container(cluster: Cluster, name: str) -> Callable[[str], tuple[int, str]]:
    known = containers(cluster)
    container = known.find(name)
    assert container is not None

    def run(script: str) -> tuple[int, str]:
        api = known.client.api
        made = api.exec_create(container.id, ["sh", "-c", script])
        said = api.exec_start(made).decode().strip()
        return api.exec_inspect(made)["ExitCode"], said

    return run


async def test_two_clusters_of_one_name_never_meet(small: Cluster, tmp_path: Path) -> None:
    other = Cluster.create(SMALL, tmp_path / "elsewhere")
    await other.runtime.remove()
    assert {other.condition(part.name) for part in other.parts} == {Condition.STOPPED}
    await nobody_waits(small)


@pytest.mark.parametrize("compose", ["docker compose", "docker-compose"])
async def test_either_compose_makes_a_cluster_and_the_other_goes_on_with_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, compose: str
) -> None:
    known = ["docker compose", "docker-compose"]
    if not all(find_compose(dict(os.environ) | {"COMPOSE": one}) for one in known):
        pytest.skip("there is one compose only")
    monkeypatch.setenv("COMPOSE", compose)
    cluster = Cluster.create(SMALL, tmp_path)
    try:
        await cluster.up()
        assert await post(cluster, "one") == 1
        known.remove(compose)
        monkeypatch.setenv("COMPOSE", known[0])
        grown = Cluster.create(dataclasses.replace(SMALL, nodes=3), tmp_path)
        await grown.up()
        await grown.stop("node-1")
        await grown.start("node-1")
        await nobody_waits(grown)
        assert await post(grown, "two") == 2
    finally:
        await cluster.clean()


@pytest.mark.parametrize("replaced", [False, True])
async def test_a_cluster_whose_network_was_removed_gets_one_again(
    small: Cluster, replaced: bool
) -> None:
    """`docker network prune` does that to a cluster that is down. One of that name whose addresses
    the engine chose has to go too.
    """
    await post(small, "one")
    name, api = f"{containers(small).project}_inside", containers(small).client.api
    await small.down()
    api.remove_network(name)
    if replaced:
        api.create_network(name)
    await small.up()
    assert await post(small, "two") == 2


async def test_nothing_is_left_of_a_cluster_that_is_forgotten(tmp_path: Path) -> None:
    cluster = Cluster.create(SMALL, tmp_path)
    await cluster.start("zookeeper-1")
    await cluster.runtime.prepare(cluster.plan(), NoProgress())
    assert left(cluster) != ([], [], [])
    await cluster.clean()
    assert left(cluster) == ([], [], [])
    assert not cluster.folder.path.exists()


def left(cluster: Cluster) -> tuple[list[Any], list[Any], list[Any]]:
    known = containers(cluster)
    label = {"label": f"{PROJECT}={known.project}"}
    return (
        known.client.api.containers(all=True, filters=label),
        known.client.api.networks(filters=label),
        known.client.api.volumes(filters=label)["Volumes"] or [],
    )


async def test_a_part_that_died_by_itself_is_dead_and_told(small: Cluster) -> None:
    small.set_environment("node-1", ZOOKEEPER_SESSION_S="never")
    await small.stop("node-1")
    with pytest.raises(ClusterError, match="node-1 is dead") as told:
        await small.start("node-1")
    assert "ZOOKEEPER_SESSION_S" in str(getattr(told.value, "log_tail", ""))
    assert small.condition("node-1") is Condition.DEAD
