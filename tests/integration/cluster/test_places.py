"""A cluster whose folder is moved, copied or damaged, with real processes."""

from __future__ import annotations

import asyncio
import datetime as dt
import re
import shutil
import ssl
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest

from cluster.ca import DevelopmentCa
from cluster.cluster import Cluster
from cluster.errors import SettingsConflict, StateLost
from cluster.local.launches import TLS_ROLES
from cluster.local.processes import is_alive, mark_of
from cluster.runtime import Condition
from cluster.servers import zookeeper
from cluster.settings import Settings
from cluster.status import lost_rows
from tests.clusters import all_ready, post_comment
from tests.support import TIMEOUT_FACTOR

TINY = Settings("tiny", nodes=1, dispatchers=1, writers=1)
AHEAD = dt.timedelta(days=800)


@pytest.fixture
async def cluster(tmp_path: Path) -> AsyncIterator[Cluster]:
    """Running, in a home whose name has a space; wherever a test moves it, it is cleaned there."""
    cluster = Cluster.create(TINY, tmp_path / "first home")
    try:
        await cluster.up()
        yield cluster
    finally:
        for home in tmp_path.iterdir():
            if (home / "tiny").exists():
                await Cluster.rescue("tiny", home).clean()


async def texts(cluster: Cluster) -> list[str]:
    url = f"{cluster.http_url}/v1/videos/v1/comments"
    async with aiohttp.ClientSession() as session, session.get(url) as reply:
        return [comment["text"] for comment in (await reply.json())["comments"]]


def lives(pid: int | None) -> bool:
    mark = mark_of(pid) if pid is not None else None
    return mark is not None and is_alive(mark)


def pids(cluster: Cluster) -> list[int | None]:
    return [cluster.pid(part.name) for part in cluster.parts]


async def test_a_copy_of_a_running_cluster_never_touches_the_original(
    cluster: Cluster, tmp_path: Path
) -> None:
    await post_comment(cluster, "v1", "one")
    before = pids(cluster)
    shutil.copytree(tmp_path / "first home", tmp_path / "copy", ignore=_sockets)
    copy = Cluster.open("tiny", tmp_path / "copy")
    assert {copy.condition(part.name) for part in copy.parts} == {Condition.STOPPED}
    await copy.down()
    copy = Cluster.create(TINY, tmp_path / "copy")
    await copy.up()
    ours = {port for part in copy.parts for port in part.ports.values()}
    assert not ours & {port for part in cluster.parts for port in part.ports.values()}
    await post_comment(copy, "v1", "two")
    assert (await texts(cluster), await texts(copy)) == (["one"], ["one", "two"])
    await copy.clean()
    assert pids(cluster) == before
    await all_ready(cluster)
    assert await texts(cluster) == ["one"]


def _sockets(folder: str, names: list[str]) -> list[str]:
    return [name for name in names if (Path(folder) / name).is_socket()]


async def test_a_cluster_that_is_moved_while_it_runs_goes_on_in_the_new_place(
    cluster: Cluster, tmp_path: Path
) -> None:
    await post_comment(cluster, "v1", "one")
    before, url = pids(cluster), cluster.http_url
    (tmp_path / "first home").rename(tmp_path / "other")
    moved = Cluster.create(TINY, tmp_path / "other")
    assert pids(moved) == before
    await moved.up()
    assert not [pid for pid in before if lives(pid)], "they had the old paths"
    assert moved.http_url == url
    await post_comment(moved, "v1", "two")
    assert await texts(moved) == ["one", "two"]
    after = pids(moved)
    await moved.up()
    assert pids(moved) == after, "it is moved only once"


async def test_what_runs_is_seen_and_stopped_without_any_saved_state(
    cluster: Cluster, tmp_path: Path
) -> None:
    home = tmp_path / "first home"
    before = {part.name: cluster.pid(part.name) for part in cluster.parts}
    cluster.folder.state_file.write_bytes(b"")
    (cluster.folder.run / "writer-1.pid").write_bytes(b"")
    (cluster.folder.run / "node-1.pid").unlink()
    with pytest.raises(StateLost, match="make cluster-down"):
        Cluster.open("tiny", home)
    rescued = Cluster.rescue("tiny", home)
    assert {row.name: row.pid for row in lost_rows(rescued)} == before
    cluster.folder.state_file.unlink()
    with pytest.raises(SettingsConflict, match="make cluster-down"):
        Cluster.create(TINY, home)
    await rescued.down()
    assert not [pid for pid in before.values() if lives(pid)]
    await rescued.clean()
    assert not cluster.folder.path.exists()


async def test_a_zookeeper_that_cannot_read_its_data_begins_anew(cluster: Cluster) -> None:
    """Torn by a crash: an empty newest log, and snapshots that are no snapshots. Those who run
    have seen more than it has now, and come back to it all the same.
    """
    await cluster.kill("zookeeper-1")
    data = cluster.folder.server("zookeeper-1") / "data" / "version-2"
    for file in data.iterdir():
        file.write_bytes(b"torn")
    (data / "log.ffff").write_bytes(b"")
    before = pids(cluster)[1:]
    await cluster.up()
    assert pids(cluster)[1:] == before
    async with asyncio.timeout(30 * TIMEOUT_FACTOR):
        while await _members(cluster) < 3:
            await asyncio.sleep(0.05)
    await post_comment(cluster, "v1", "one")


async def _members(cluster: Cluster) -> int:
    """How many ephemeral znodes the server has: one of each process, as nobody watches a video."""
    said = await zookeeper.ask(*cluster.address("zookeeper-1", "client"), "mntr")
    found = re.search(r"zk_ephemerals_count\s+(\d+)", said)
    return int(found[1]) if found else 0


async def test_certificates_of_a_clock_that_was_ahead_are_renewed_while_it_runs(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = dt.datetime.now(dt.UTC)
    with monkeypatch.context() as ahead:
        ahead.setattr("cluster.ca._now", lambda: now + AHEAD)
        for folder in (cluster.folder.ca, *(cluster.folder.path / "tls").iterdir()):
            shutil.rmtree(folder)
        (cluster.folder.gateway / "cert.pem").unlink()
        ca = DevelopmentCa.load_or_create(cluster.folder.ca)
        for part in cluster.parts:
            if (role := TLS_ROLES.get(part.kind)) is not None:
                ca.ensure_process(cluster.folder.tls(part.name), role, part.name)
        ca.ensure_gateway(cluster.folder.gateway)
    await cluster.stop("haproxy")
    await cluster.start("haproxy", wait=False)
    before = pids(cluster)
    await cluster.up()
    assert pids(cluster) == before
    context = ssl.create_default_context(cafile=str(cluster.ca_file))
    async with (
        aiohttp.ClientSession() as session,
        session.get(f"{cluster.https_url}/v1/videos/v1/comments", ssl=context) as reply,
    ):
        assert reply.status == 200
    assert await texts(cluster) == []
