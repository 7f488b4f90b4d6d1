"""Imports point one way: the table of docs/architecture.md, enforced."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

ALLOWED = {
    "wire": set(),
    "service": {"wire"},
    "coordination": {"wire", "service"},
    "pubsub": {"wire", "service"},
    "writer": {"wire", "service"},
    "dispatcher": {"wire", "service", "coordination"},
    "rtms_node": {"wire", "service"},
    "single": {"wire", "service", "writer", "rtms_node"},
}
# The files that connect a process with the others, one for each way.
EXTRA_FOR_WIRING = {
    "writer/via_dispatchers.py": {"coordination"},
    "writer/via_redis.py": {"pubsub"},
    "rtms_node/via_dispatchers.py": {"coordination"},
    "rtms_node/via_redis.py": {"pubsub"},
}
OURS = set(ALLOWED) | {"cluster", "bench", "tests"}

# Modules that decide and hold state; the edges around them do the I/O.
CORES = [
    "wire/*.py",
    "coordination/routing_table.py",
    "coordination/hash_ring.py",
    "coordination/watchdog.py",
    "pubsub/channels.py",
    "pubsub/messages.py",
    "pubsub/outbox.py",
    "pubsub/subscriptions.py",
    "writer/store.py",
    "writer/head_reads.py",
    "writer/cassandra/group.py",
    "writer/cassandra/layout.py",
    "writer/idempotency.py",
    "writer/group_commit.py",
    "dispatcher/encoded_batch.py",
    "dispatcher/outbox.py",
    "rtms_node/ring.py",
    "rtms_node/room.py",
    "rtms_node/hub.py",
    "rtms_node/timeline.py",
    "rtms_node/fanout.py",
    "rtms_node/inbox.py",
    "rtms_node/resume.py",
    "rtms_node/antientropy.py",
]
IO_LIBRARIES = {"aiohttp", "kazoo", "redis", "cassandra", "sqlite3", "socket", "ssl"}


def imported(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            yield node.module.split(".")[0]


@pytest.mark.parametrize("package", sorted(name for name in ALLOWED if (ROOT / name).is_dir()))
def test_package_imports_only_what_the_table_allows(package: str) -> None:
    for path in sorted((ROOT / package).rglob("*.py")):
        name = path.relative_to(ROOT).as_posix()
        allowed = ALLOWED[package] | EXTRA_FOR_WIRING.get(name, set()) | {package}
        assert (set(imported(path)) & OURS) <= allowed, name


@pytest.mark.parametrize("pattern", CORES)
def test_core_does_no_io(pattern: str) -> None:
    paths = list(ROOT.glob(pattern))
    assert paths, pattern
    for path in paths:
        assert not set(imported(path)) & IO_LIBRARIES, path


def test_only_the_mailbox_wakes_the_loop_from_other_threads() -> None:
    bridges = {"service/mailbox.py"}
    for package in ALLOWED:
        for path in (ROOT / package).rglob("*.py"):
            name = path.relative_to(ROOT).as_posix()
            assert name in bridges or "call_soon_threadsafe" not in path.read_text(), name
