"""Without ZooKeeper a node is who sees that two writers have two files."""

from __future__ import annotations

import asyncio
import itertools
from pathlib import Path

import aiohttp

from cluster.ca import DevelopmentCa
from cluster.ports import free_ports
from tests.service_process import ServiceProcess
from tests.support import TIMEOUT_FACTOR
from wire.roles import Role


async def test_a_node_names_writers_with_different_stores(tmp_path: Path) -> None:
    """Topology `gateway`; Redis is away, which does not matter here."""
    ca = DevelopmentCa.new()
    *writer_ports, public, ops, nobody = free_ports(5)
    common = {"TOPOLOGY": "gateway", "REDIS_URL": f"redis://127.0.0.1:{nobody}"}
    processes = []
    for name, port in zip(("w1", "w2"), writer_ports, strict=True):
        ca.issue(Role.WRITER, name).write(tmp_path / name)
        variables = {
            "SERVICE_ID": name,
            "TLS_DIR": str(tmp_path / name),
            "SQLITE_PATH": str(tmp_path / f"{name}.sqlite3"),
            "INTERNAL_PORT": str(port),
        }
        processes.append(ServiceProcess("writer", tmp_path / f"{name}.log", common | variables))
    ca.issue(Role.NODE, "n1").write(tmp_path / "n1")
    known = ",".join(
        f"{name}=127.0.0.1:{port}" for name, port in zip(("w1", "w2"), writer_ports, strict=True)
    )
    variables = {
        "SERVICE_ID": "n1",
        "TLS_DIR": str(tmp_path / "n1"),
        "WRITER_ADDRESSES": known,
        "PUBLIC_PORT": str(public),
        "OPS_PORT": str(ops),
    }
    processes.append(ServiceProcess("rtms_node", tmp_path / "n1.log", common | variables))
    try:
        for process in processes:
            process.process = await process.spawn()
        async with aiohttp.ClientSession() as client, asyncio.timeout(60 * TIMEOUT_FACTOR):
            problem = ""
            while not problem:
                problem = await _what_it_says(client, public, ops)
        assert problem.startswith("writers have different stores: w1 (")
        assert "; w2 (" in problem
    finally:
        for process in processes:
            await process.stop()


_videos = itertools.count()


async def _what_it_says(client: aiohttp.ClientSession, public: int, ops: int) -> str:
    """Of the stores, "" if nothing; each call brings a viewer of another video."""
    try:
        url = f"http://127.0.0.1:{public}/v1/videos/v{next(_videos)}/stream"
        async with client.get(url) as stream:
            await stream.content.readline()
            async with client.get(f"http://127.0.0.1:{ops}/state") as reply:
                return str((await reply.json())["degraded"].get("stores", ""))
    except aiohttp.ClientConnectionError:
        await asyncio.sleep(0.05)
        return ""
