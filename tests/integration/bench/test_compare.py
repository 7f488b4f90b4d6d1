"""`make compare` as it is run, in its quick mode, on one topology."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path

from tests.support import TIMEOUT_FACTOR

ROOT = Path(__file__).resolve().parents[3]


async def test_the_comparison_measures_a_topology_and_keeps_what_it_found(tmp_path: Path) -> None:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bench.topologies", "--quick", "gateway"),
        *("--results", str(tmp_path)),
        cwd=ROOT,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    async with asyncio.timeout(150 * TIMEOUT_FACTOR):
        output, _ = await process.communicate()
    assert process.returncode == 0, output.decode()
    kept = json.loads((tmp_path / "topologies.json").read_text())["topologies"][0]
    assert [sample["nodes"] for sample in kept["samples"]] == [1, 2]
    for sample in kept["samples"]:
        # Every comment came to its viewers, whoever else it came to.
        assert sample["deliveries"] > 0
        assert sample["cpu_s"]["node"] > 0
    assert kept["heal"]["max_ms"] > 0
    assert (tmp_path / "topologies-arrivals.svg").read_text().startswith("<svg")
