"""What runs only in `make test-all`, which tests have to run in one process, and in which order.

Workers of pytest-xdist take what comes next; tests of one group go to the same worker, one after
the other, so that the cluster or server that they share is started once. Groups come first, as they
take longest, and what wants all cores for itself comes last.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable
from typing import Any

import pytest

# Marked `slow`. Each takes a minute or more, and is seldom red where the rest is green.
SLOW_FILES = (
    "tests/chaos/test_mix.py",
    "tests/e2e/test_counts_in_calm.py",
    "tests/e2e/test_ghost_viewers.py",
    "tests/e2e/test_js_browser_faults.py",
    "tests/e2e/test_js_client_faults.py",
    "tests/e2e/test_js_cluster.py",
    "tests/e2e/test_js_tabs_faults.py",
    "tests/e2e/test_many_viewers.py",
    "tests/e2e/test_moves.py",
    "tests/e2e/test_store_faults.py",
    "tests/e2e/test_try_it.py",
    "tests/hosts/test_hosts.py",
    "tests/hosts/test_two_files.py",
    "tests/integration/bench/test_compare.py",
    "tests/integration/bench/test_quick.py",
    "tests/integration/chart/test_schemas.py",
    "tests/integration/writer/cassandra/test_bytes.py",
    "tests/integration/writer/cassandra/test_commit_log.py",
    "tests/integration/writer/test_key_url.py",
    "tests/integration/writer/test_erasure_deaths.py",
    "tests/monitoring/test_dashboard.py",
    "tests/packages/python/test_tickets_end.py",
    "tests/packages/js/test_js_react.py",
    "tests/packages/js/test_js_tickets.py",
    "tests/packages/python/test_wheel.py",
    "tests/pages/test_speed.py",
    "tests/pages/test_states.py",
)
# Where one kind of bus is enough for `make test`: (file, topology).
SLOW_TOPOLOGIES = (
    ("tests/e2e/test_contract_faults.py", "broadcast"),
    ("tests/e2e/test_contract_faults.py", "gateway"),
    ("tests/packages/python/test_faults.py", "dispatcher"),
    ("tests/packages/python/test_processes.py", "dispatcher"),
)
# Where one store is enough for `make test`: (file, store).
SLOW_STORES = (
    ("tests/e2e/test_held.py", "cassandra"),
    ("tests/e2e/test_held.py", "dynamodb"),
    ("tests/e2e/test_moderation.py", "cassandra"),
    ("tests/e2e/test_moderation.py", "dynamodb"),
    ("tests/e2e/test_openapi_people.py", "cassandra"),
    ("tests/e2e/test_rules.py", "cassandra"),
    ("tests/e2e/test_rules.py", "dynamodb"),
)
# They measure, and load the machine as they can: nothing that has to be in time runs beside them.
LAST = ("tests/integration/bench/test_compare.py", "tests/integration/bench/test_quick.py")
# Fixtures that start something for many tests. A cluster is another one for each shape.
SHARED = (
    "running_cluster",
    "standing_cluster",
    "standing",
    "zookeeper",
    "shared_redis",
    "chromium",
)
# Servers of tests/conftest.py, and parameters by whose value a test asks for one.
STORE_SERVERS = {
    "cassandra_server": ("cassandra", "on_cassandra"),
    "moto_server": ("dynamodb-moto", "moto_server"),
    "dynalite_server": ("dynamodb-dynalite", "on_dynalite", "dynalite_server"),
}
_STORE_PARAMETERS = ("backing", "durable", "kind", "table", "variables")


_MOST_WORKERS = 6  # each may have a cluster, of a GiB


def mark(items: Iterable[pytest.Item], topology: str | None) -> None:
    """Give each test its marks. `topology`: the one that was asked for, if any."""
    for item in items:
        if _is_slow(item, asked=topology is not None):
            item.add_marker(pytest.mark.slow)
        group = _shared_by(item)
        if group:
            item.add_marker(pytest.mark.xdist_group(group))


def arrange(items: list[pytest.Item]) -> None:
    """Put marked tests into their order: the largest group first."""
    groups = {item: _group(item) for item in items}
    sizes = Counter(groups.values())

    def place(item: pytest.Item) -> tuple[bool, int, str]:
        group = groups[item]
        return _file(item) in LAST, -sizes[group] if group else 0, group

    items.sort(key=place)


def workers() -> int:
    """One more than there are cores for us, as most of a test is waiting."""
    return min(len(os.sched_getaffinity(0)) + 1, _MOST_WORKERS)


def _is_slow(item: pytest.Item, *, asked: bool) -> bool:
    file = _file(item)
    if file in SLOW_FILES:
        return True
    shapes = _parameters(item).values()
    if any((file, getattr(value, "store", None)) in SLOW_STORES for value in shapes):
        return True
    topologies = (getattr(value, "topology", None) for value in shapes)
    return not asked and any((file, topology) in SLOW_TOPOLOGIES for topology in topologies)


def _shared_by(item: pytest.Item) -> str:
    """What it shares with others, "" if nothing."""
    parameters = _parameters(item)
    fixtures = getattr(item, "fixturenames", ())
    asked = {str(parameters.get(name)) for name in _STORE_PARAMETERS}
    for server, values in STORE_SERVERS.items():
        if server in fixtures or not asked.isdisjoint(values):
            return server
    shared = next((name for name in SHARED if name in fixtures), "")
    return f"{shared} {parameters.get(shared, '')}".strip()


def _group(item: pytest.Item) -> str:
    marker = item.get_closest_marker("xdist_group")
    return "" if marker is None else str(marker.args[0])


def _file(item: pytest.Item) -> str:
    return item.nodeid.split("::")[0]


def _parameters(item: pytest.Item) -> dict[str, Any]:
    callspec = getattr(item, "callspec", None)
    return {} if callspec is None else callspec.params
