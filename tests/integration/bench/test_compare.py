"""`make compare` as it is run, in its quick mode, on one topology."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from pathlib import Path

import pytest

from bench.child import BenchFailed
from bench.topologies.serving import wait_empty
from cluster.cluster import Cluster
from cluster.settings import Settings
from tests.support import TIMEOUT_FACTOR

ROOT = Path(__file__).resolve().parents[3]


async def compare(name: str, folder: Path, **environment: str) -> tuple[int | None, str]:
    """The exit status and what was printed."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bench.topologies", "--quick", name),
        *("--results", str(folder)),
        cwd=ROOT,
        env=os.environ | environment,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    async with asyncio.timeout(150 * TIMEOUT_FACTOR):
        output, _ = await process.communicate()
    return process.returncode, output.decode()


async def test_the_comparison_measures_a_topology_and_keeps_what_it_found(tmp_path: Path) -> None:
    status, output = await compare("gateway", tmp_path)
    assert status == 0, output
    kept = json.loads((tmp_path / "topologies.json").read_text())["topologies"][0]
    assert [sample["nodes"] for sample in kept["samples"]] == [1, 2]
    for sample in kept["samples"]:
        # Every comment came to its viewers, whoever else it came to.
        assert sample["deliveries"] > 0
        assert sample["cpu_s"]["node"] > 0
    assert {sample["exponent"] for sample in kept["spread"]} == {0.0, 1.0}
    assert kept["burst"]["deliveries"] > kept["burst"]["comments"]
    assert kept["heal"]["viewers"] > 0
    assert kept["heal"]["max_ms"] > kept["heal"]["p50_ms"] > 0
    for name in ("arrivals", "growth-waste", "spread-waste", "spread-cpu"):
        assert (tmp_path / f"topologies-{name}.svg").read_text().startswith("<svg")


async def test_what_cannot_be_measured_is_told_with_its_reason(tmp_path: Path) -> None:
    """Nothing can be started or installed from such a PATH."""
    status, output = await compare("dispatcher", tmp_path, PATH="/nonexistent")
    assert status == 1
    kept = json.loads((tmp_path / "topologies.json").read_text())["topologies"][0]
    assert "Java or ZooKeeper is not installed" in kept["failure"]
    assert kept["failure"] in output
    assert kept["failure"] in (tmp_path / "topologies.md").read_text()


async def test_a_node_that_does_not_say_that_it_is_empty_fails_the_wait(tmp_path: Path) -> None:
    cluster = Cluster.create(Settings("silent", nodes=2), tmp_path)
    with pytest.raises(BenchFailed, match="not gone from node-1, node-2"):
        await wait_empty(cluster, within_s=0.0)
