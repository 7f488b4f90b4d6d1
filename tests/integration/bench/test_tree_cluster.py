"""The cluster of another tree: its own code runs, is loaded and measured, and nothing is left."""

from __future__ import annotations

import asyncio
import os
import shutil
import sys
from pathlib import Path

import pytest
import uvloop

from bench.child import BenchFailed
from bench.contender import Shape, contender, idle_rates
from bench.costs import cost_of
from bench.revision import Tree
from bench.tree_cluster import TreeHome, cluster_of
from cluster.folder import CHECKOUT

PRODUCT = (
    "wire",
    "service",
    "coordination",
    "pubsub",
    "identity",
    "writer",
    "rtms_node",
    "single",
    "cluster",
)


@pytest.fixture
def copy(tmp_path: Path) -> Tree:
    """The product's packages, and what they read, in another place."""
    without = shutil.ignore_patterns("__pycache__")
    for name in (*PRODUCT, "compose"):
        shutil.copytree(CHECKOUT / name, tmp_path / name, ignore=without)
    return Tree("a copy", tmp_path, Path(sys.executable))


def test_a_tree_runs_its_own_code_under_load_and_leaves_nothing(copy: Tree) -> None:
    with (
        asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner,
        cluster_of(copy, topology="single") as cluster,
    ):
        pid = cluster.pid("single-1")
        assert Path(os.readlink(f"/proc/{pid}/cwd")) == copy.path
        with contender(cluster, Shape(videos=2, viewers=3), runner) as side:
            (idle,) = idle_rates([side], 0.2)
            done = side.run(per_s=50, seconds=0.2)
    assert (done.comments, len(done.late_ms)) == (10, 30)
    assert set(cost_of([done], idle).cpu_ms) == {"single", "haproxy"}
    assert cluster.pid("single-1") is None
    assert not cluster.folder.path.exists()


async def test_a_tree_starts_the_nodes_that_are_added_or_killed(copy: Tree, tmp_path: Path) -> None:
    home = TreeHome(copy, tmp_path / "home", topology="broadcast", writers=1)
    try:
        await asyncio.to_thread(home.up, nodes=1)
        cluster = await asyncio.to_thread(home.up, nodes=2)
        for name in ("node-1", "node-2"):
            killed = cluster.pid(name)
            await cluster.kill(name)
            await cluster.start(name)
            assert cluster.pid(name) not in (None, killed)
            assert Path(os.readlink(f"/proc/{cluster.pid(name)}/cwd")) == copy.path
    finally:
        await asyncio.to_thread(home.clean)


def test_a_tree_that_cannot_start_says_why(copy: Tree) -> None:
    (copy.path / "single" / "__main__.py").write_text("raise SystemExit('it is broken')\n")
    with pytest.raises(BenchFailed, match="it is broken"), cluster_of(copy, topology="single"):
        pass
