"""`status` and `route` of a cluster that this command did not make, from its ZooKeeper alone."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from cluster.folder import CHECKOUT, HOME_VARIABLE
from cluster.ports import free_ports
from coordination import Member, Membership, Registrar, ZooKeeperSession, new_boot_id
from tests.support import TIMEOUT_FACTOR, eventually
from tests.zookeeper_server import ZooKeeperServer
from wire.roles import Role

MEMBERS = {
    "writer-1": (Role.WRITER, "10.0.0.1"),
    "d1": (Role.DISPATCHER, "d1.example"),
    "node-1": (Role.NODE, "fd00::7"),
    "node-2": (Role.NODE, "10.0.0.8"),
}


async def livecomments(home: Path, *line: str) -> tuple[int, str, str]:
    """Status, output and errors of the command, where there is no cluster."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "cluster", *line,
        cwd=CHECKOUT,
        env=dict(os.environ) | {HOME_VARIABLE: str(home), "COLUMNS": "120"},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    async with asyncio.timeout(60 * TIMEOUT_FACTOR):
        said, errors = await process.communicate()
    assert process.returncode is not None
    return process.returncode, said.decode(), errors.decode()


@pytest.fixture
async def announced(own_zookeeper: ZooKeeperServer) -> AsyncIterator[str]:
    """Where MEMBERS are announced, and node-1 serves v1, which node-9 does too, that is no
    member.
    """
    session = ZooKeeperSession(own_zookeeper.address)
    await session.start(timeout_s=20)
    running: list[asyncio.Task[None]] = []
    for name, (role, host) in MEMBERS.items():
        member = Member(role, name, host, 8002, new_boot_id())
        membership = Membership(session, member, on_superseded=lambda: None)
        running.append(asyncio.create_task(membership.run()))
        await membership.wait_announced()
    for node in ("node-1", "node-9"):
        registrar = Registrar(session, node, new_boot_id())
        running.append(asyncio.create_task(registrar.run()))
        registrar.register("v1")
        await eventually(lambda registrar=registrar: registrar.pending == 0)
    yield own_zookeeper.address
    for task in running:
        task.cancel()
    await asyncio.gather(*running, return_exceptions=True)
    await session.stop()


async def test_status_shows_who_is_registered(announced: str, tmp_path: Path) -> None:
    status, said, errors = await livecomments(tmp_path, "status", "--zookeeper", announced)
    assert (status, errors) == (0, "")
    for name in MEMBERS:
        assert name in said
    status, said, errors = await livecomments(
        tmp_path, "status", "--json", f"--zookeeper={announced}"
    )
    found = {each["name"]: (each["role"], each["address"]) for each in json.loads(said)}
    assert (status, errors) == (0, "")
    assert found == {
        "writer-1": ("writer", "10.0.0.1:8002"),
        "d1": ("dispatcher", "d1.example:8002"),
        "node-1": ("node", "[fd00::7]:8002"),
        "node-2": ("node", "10.0.0.8:8002"),
    }
    assert all(each["since"].endswith("Z") for each in json.loads(said))


async def test_route_shows_which_node_serves_a_video(announced: str, tmp_path: Path) -> None:
    status, said, errors = await livecomments(tmp_path, "route", "v1", "--zookeeper", announced)
    assert (status, errors) == (0, "")
    assert "served by       node-1 ([fd00::7]:8002), node-9 (no member)\n" in said
    assert "dispatcher      d1 (d1.example:8002)\n" in said
    said = (await livecomments(tmp_path, "route", "--json", "-v2", "--zookeeper", announced))[1]
    assert json.loads(said) == {
        "video_id": "-v2",
        "serving": {},
        "dispatcher": "d1",
        "dispatcher_address": "d1.example:8002",
    }


async def test_an_empty_zookeeper_stays_empty(
    own_zookeeper: ZooKeeperServer, tmp_path: Path
) -> None:
    at = ("--zookeeper", own_zookeeper.address)
    status, _, errors = await livecomments(tmp_path, "status", *at)
    assert status == 1
    assert "no writer, no dispatcher, no node is registered there" in errors
    status, said, _ = await livecomments(tmp_path, "route", "v1", *at)
    assert status == 0
    assert "served by       no node" in said
    session = ZooKeeperSession(own_zookeeper.address)
    await session.start(timeout_s=20)
    assert await session.get_children("/") == ["zookeeper"]
    await session.stop()


async def test_a_zookeeper_that_does_not_answer_is_told_in_a_line(tmp_path: Path) -> None:
    (port,) = free_ports(1)
    for line in (("status",), ("route", "v1")):
        said = await livecomments(tmp_path, *line, "--zookeeper", f"127.0.0.1:{port}")
        assert said[:2] == (1, "")
        assert "ZooKeeper does not answer" in said[2]
        assert said[2].count("\n") == 1
