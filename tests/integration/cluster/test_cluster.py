"""A whole cluster of real processes: made, healed, changed, stopped, forgotten."""

from __future__ import annotations

import dataclasses
import os
import socket
import ssl
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest

from cluster.cluster import Cluster
from cluster.errors import CannotListen, PortTaken, SettingsConflict, StepFailed, UnknownPart
from cluster.local.launches import TLS_ROLES, Launches
from cluster.route import fetch_route
from cluster.runtime import Condition
from cluster.settings import Settings
from cluster.status import fetch_rows
from service.config import ConfigError
from tests.clusters import all_ready, post_comment
from wire.roles import Role

SMALL = Settings("small", nodes=2, dispatchers=1, writers=1)


@pytest.fixture
async def small(tmp_path: Path) -> AsyncIterator[Cluster]:
    """Made, not started."""
    cluster = Cluster.create(SMALL, tmp_path)
    yield cluster
    await cluster.clean()


async def post(cluster: Cluster, text: str) -> int:
    return int((await post_comment(cluster, "v1", text))["seq"])


async def on_the_map(cluster: Cluster, name: str) -> set[str]:
    """The processes that another one's map shows."""
    url = f"{cluster.url(name)}/map.json"
    async with aiohttp.ClientSession() as session, session.get(url) as reply:
        return {member["id"] for member in (await reply.json())["members"]}


async def test_it_heals_grows_shrinks_and_keeps_its_data(small: Cluster, tmp_path: Path) -> None:
    await small.up()
    await all_ready(small)
    assert await post(small, "one") == 1

    await small.kill("writer-1")
    small.pause("node-2")
    health = {row.name: row.health for row in await fetch_rows(small)}
    assert (health["writer-1"], health["node-2"]) == ("dead", "paused")
    untouched = small.pid("node-1"), small.pid("haproxy")
    await small.up()
    assert (small.pid("node-1"), small.pid("haproxy")) == untouched
    assert await post(small, "two") == 2

    grown = Cluster.create(dataclasses.replace(SMALL, nodes=3), tmp_path)
    await grown.up()
    assert grown.pid("haproxy") == untouched[1], "no reload"
    await all_ready(grown)
    assert "node-3" in await on_the_map(grown, "node-1"), "which ran before node-3 was known"
    route = await fetch_route(grown, "v1")
    assert (route.dispatcher, route.writer) == ("dispatcher-1", "writer-1")
    assert route.node in {"node-1", "node-2", "node-3"}

    shrunk = Cluster.create(dataclasses.replace(SMALL, environment={"node": {"X": "1"}}), tmp_path)
    node_3 = grown.pid("node-3")
    await shrunk.up()
    assert node_3 is not None
    assert not Path(f"/proc/{node_3}").exists()

    await shrunk.down()
    assert {shrunk.condition(part.name) for part in shrunk.parts} == {Condition.STOPPED}
    again = Cluster.open("small", tmp_path)
    await again.up()
    assert await post(again, "three") == 3


async def test_a_part_that_cannot_start_is_told_with_its_log(small: Cluster) -> None:
    small.set_environment("dispatcher", ZOOKEEPER_SESSION_S="never")
    with pytest.raises(StepFailed, match="dispatcher-1 is dead") as told:
        await small.up()
    assert "ZOOKEEPER_SESSION_S" in told.value.log_tail


async def test_a_gateway_port_of_somebody_else_is_told(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(PortTaken, match=f"port {port} .*HTTP_PORT="):
            Cluster.create(dataclasses.replace(SMALL, http_port=port), tmp_path)
    cluster = Cluster.create(dataclasses.replace(SMALL, http_port=port), tmp_path)
    with (
        socket.create_server(("127.0.0.1", port)),  # it came later
        pytest.raises(PortTaken, match=f"port {port} .*HTTP_PORT="),
    ):
        await cluster.start("haproxy")
    await cluster.clean()


@pytest.mark.parametrize("topology", ["single", "dispatcher"])
def test_a_gateway_for_everybody_needs_tokens_or_a_word(tmp_path: Path, topology: str) -> None:
    """Told before anything is saved or started; the processes would refuse it too."""
    settings = Settings("bound", topology=topology, bind="0.0.0.0")
    with pytest.raises(ConfigError, match=r"could not start: .*published on 0\.0\.0\.0: set"):
        Cluster.create(settings, tmp_path)
    assert not (tmp_path / "bound").exists()
    for variables in ({"AUTH": "jwt"}, {"ALLOW_ANONYMOUS": "yes"}):
        told = dataclasses.replace(settings, environment={"all": variables})
        assert Cluster.create(told, tmp_path).settings.bind == "0.0.0.0"


@pytest.mark.parametrize("bind", ["127.0.0.2", "::1", "::"])
async def test_the_gateway_is_reached_wherever_it_listens(tmp_path: Path, bind: str) -> None:
    allowed = {"all": {"ALLOW_ANONYMOUS": "yes"}} if bind == "::" else {}
    settings = Settings("bound", topology="single", bind=bind, environment=allowed)
    try:
        cluster = Cluster.create(settings, tmp_path)
    except CannotListen as exc:  # a machine without IPv6 says so
        assert ":" in bind and f"{bind}; change BIND=" in str(exc)  # noqa: PT017, PT018
        return
    try:
        await cluster.up()
        assert await post(cluster, "one") == 1
        trusting = ssl.create_default_context(cafile=str(cluster.ca_file))
        async with (
            aiohttp.ClientSession() as session,
            session.get(f"{cluster.https_url}/readyz", ssl=trusting) as reply,
        ):
            assert reply.status == 200
        await all_ready(cluster)
    finally:
        await cluster.clean()


@pytest.mark.parametrize("name", ["jürgen", "a b#c%20$HOME'd\"e=f:g\\u0041\\"])
async def test_its_home_may_have_any_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """Whatever the person's locale is; what is kept is kept there and nowhere else."""
    monkeypatch.setenv("LC_ALL", "C")
    cluster = Cluster.create(SMALL, tmp_path / name)
    try:
        await cluster.up()
        assert await post(cluster, "one") == 1
        assert (cluster.folder.data / "zookeeper-1" / "data" / "version-2").is_dir()
        assert [path.name for path in tmp_path.iterdir()] == [name]
    finally:
        await cluster.clean()


def test_a_home_whose_name_is_not_utf_8_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="not UTF-8; set LIVECOMMENTS_HOME"):
        Cluster.create(SMALL, tmp_path / os.fsdecode(b"j\xfcrgen"))


async def test_what_cannot_change_while_it_runs_is_refused(small: Cluster, tmp_path: Path) -> None:
    await small.start("zookeeper-1")
    with pytest.raises(SettingsConflict, match="PLACEMENT=hash"):
        Cluster.create(dataclasses.replace(SMALL, placement="round_robin"), tmp_path)
    await small.down()
    Cluster.create(dataclasses.replace(SMALL, placement="round_robin"), tmp_path)


async def test_ports_that_others_took_while_nothing_ran_are_chosen_again(small: Cluster) -> None:
    before = small.part("zookeeper-1").ports["client"]
    with socket.create_server(("127.0.0.1", before)):
        small.choose_ports_again_if_nothing_runs()
    assert small.part("zookeeper-1").ports["client"] != before


def test_a_name_that_is_no_part_is_an_error(small: Cluster) -> None:
    with pytest.raises(UnknownPart):
        small.pause("node-7")


def test_parts_get_their_settings_certificates_and_nothing_else(
    small: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_SECRET", "s")
    part = small.part("writer-1")
    launches = Launches(small.folder, small.settings, small.parts, os.environ)
    environment = launches.launch(part).environment
    assert TLS_ROLES[part.kind] is Role.WRITER
    assert environment["SERVICE_ID"] == "writer-1"
    assert environment["SQLITE_PATH"].startswith(os.fspath(small.folder.path))
    assert "AWS_SECRET" not in environment


def test_the_number_of_cassandras_stays(tmp_path: Path) -> None:
    one = dataclasses.replace(SMALL, store="cassandra")
    Cluster.create(one, tmp_path)
    with pytest.raises(SettingsConflict, match=r"CASSANDRAS=1.*cluster-clean"):
        Cluster.create(dataclasses.replace(one, cassandras=3), tmp_path)


async def test_an_ensemble_of_zookeepers_lives_on_without_one_of_them(tmp_path: Path) -> None:
    cluster = Cluster.create(dataclasses.replace(SMALL, zookeepers=3), tmp_path)
    try:
        await cluster.up()
        modes = {row.health for row in await all_ready(cluster) if row.role == "zookeeper"}
        assert modes == {"leader", "follower"}
        await cluster.kill("zookeeper-2")
        await cluster.kill("node-1")
        await cluster.start("node-1")  # is ready only with a session of its own
        assert await post(cluster, "one") == 1
        await cluster.up()
        await all_ready(cluster)
    finally:
        await cluster.clean()
