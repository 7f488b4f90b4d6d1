"""What runs only in `make test-all`, and which tests have to run in one process.

Workers of pytest-xdist take tests in any order; those of one group go to the same worker, one after
the other, so that the cluster or server that they share is started once.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from typing import Any

import pytest

# Marked `slow`. Each takes a minute or more, and is seldom red where the rest is green.
SLOW_FILES = (
    "tests/chaos/test_mix.py",
    "tests/e2e/test_moves.py",
    "tests/e2e/test_store_faults.py",
    "tests/integration/bench/test_compare.py",
    "tests/integration/bench/test_quick.py",
)
# Where one kind of bus is enough for `make test`: (file, topology).
SLOW_TOPOLOGIES = (
    ("tests/e2e/test_contract_faults.py", "broadcast"),
    ("tests/e2e/test_contract_faults.py", "gateway"),
)
# Fixtures that start something for many tests. A cluster is another one for each shape.
SHARED = ("running_cluster", "standing_cluster", "standing", "zookeeper", "shared_redis")
# The server of tests/conftest.py, and what asks for it by the value of a parameter.
CASSANDRA = "cassandra_server"
ON_CASSANDRA = ("cassandra", "on_cassandra")


def mark(items: Iterable[pytest.Item], topology: str | None) -> None:
    """Give each test its marks. `topology`: the one that was asked for, if any."""
    for item in items:
        if _is_slow(item, asked=topology is not None):
            item.add_marker(pytest.mark.slow)
        group = _group(item)
        if group is not None:
            item.add_marker(pytest.mark.xdist_group(group))


def workers() -> int:
    """Most of a test is waiting, so one more than there are cores for us."""
    return len(os.sched_getaffinity(0)) + 1


def _is_slow(item: pytest.Item, *, asked: bool) -> bool:
    file = item.nodeid.split("::")[0]
    if file in SLOW_FILES:
        return True
    topologies = (getattr(value, "topology", None) for value in _parameters(item))
    return not asked and any((file, topology) in SLOW_TOPOLOGIES for topology in topologies)


def _group(item: pytest.Item) -> str | None:
    fixtures = getattr(item, "fixturenames", ())
    if CASSANDRA in fixtures or any(value in ON_CASSANDRA for value in _parameters(item)):
        return CASSANDRA
    for name in SHARED:
        if name in fixtures:
            shape = _callspec(item).get(name, "")
            return f"{name}-{shape}"
    return None


def _parameters(item: pytest.Item) -> Iterator[Any]:
    yield from _callspec(item).values()


def _callspec(item: pytest.Item) -> dict[str, Any]:
    callspec = getattr(item, "callspec", None)
    return {} if callspec is None else callspec.params
