"""Imports point one way: the table of docs/architecture.md, enforced.

A file of the product is a core until it is listed as an edge: only edges import a library that does
I/O, and each of them just those named here. An entry that no file needs fails too.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

# What a directory may import of ours, beside itself. `writer` does not stand for `writer.sqlite`.
ALLOWED: dict[str, set[str]] = {
    "wire": set(),
    "service": {"wire"},
    "coordination": {"wire", "service"},
    "pubsub": {"wire", "service"},
    "identity": {"wire", "service"},
    "screening": {"wire"},
    "pages": {"wire", "service"},
    "writer": {"wire", "service", "identity", "screening"},
    "writer.openapi": {"wire", "screening"},
    "writer.sqlite": {"wire", "service", "identity", "writer"},
    "writer.stepwise": {"wire", "service", "writer"},
    "writer.cassandra": {"wire", "service", "identity", "writer", "writer.stepwise"},
    "writer.dynamodb": {"wire", "service", "writer", "writer.stepwise"},
    "dispatcher": {"wire", "service", "coordination"},
    "rtms_node": {"wire", "service", "identity"},
    "single": {"wire", "service", "identity", "screening", "pages", "writer", "rtms_node"},
}
PRODUCT = set(ALLOWED)
ALLOWED |= {
    "cluster": PRODUCT | {"cluster.servers", "cluster.local", "cluster.docker"},
    "cluster.servers": PRODUCT | {"cluster"},
    "cluster.local": PRODUCT | {"cluster", "cluster.servers"},
    "cluster.docker": PRODUCT | {"cluster", "cluster.servers", "cluster.local"},
    "bench": PRODUCT | {"cluster", "cluster.servers"},
    "planner": PRODUCT | {"cluster", "cluster.servers", "bench"},
}
OURS = set(ALLOWED) | {"tests"}

# The files that connect what else does not meet: a process and the others, a writer and its store.
SEAMS: dict[str, set[str]] = {
    "writer/app.py": {"pages"},
    "writer/config.py": {"pages"},
    "writer/one_store.py": {"coordination"},
    "writer/via_dispatchers.py": {"coordination"},
    "writer/via_redis.py": {"pubsub"},
    "writer/stores.py": {"writer.sqlite", "writer.cassandra", "writer.dynamodb", "writer.stepwise"},
    "writer/public_routes.py": {"writer.openapi"},
    "rtms_node/via_dispatchers.py": {"coordination"},
    "rtms_node/via_redis.py": {"pubsub"},
}

_NETWORK = {"http.client", "http.server", "select", "selectors", "socket", "socketserver", "ssl"}
_PROCESSES = {"multiprocessing", "signal", "subprocess", "uvloop"}
_PEERS = {"aiohttp", "aiobotocore", "botocore", "cassandra", "docker", "h11", "kazoo", "redis"}
_PEERS |= {"sqlite3", "urllib.request"}
IO_LIBRARIES = _NETWORK | _PROCESSES | _PEERS
EDGES: dict[str, set[str]] = {
    "coordination/kazoo_client.py": {"kazoo"},
    "coordination/kazoo_handler.py": {"kazoo", "select"},
    "coordination/translate.py": {"kazoo"},
    "identity/key_source.py": {"aiohttp", "ssl"},
    "pages/routes.py": {"aiohttp"},
    "pubsub/connection.py": {"redis"},
    "rtms_node/stream_listener.py": {"h11", "socket"},
    "service/client_socket.py": {"aiohttp", "socket"},
    "service/cluster_map/asking.py": {"aiohttp", "socket"},
    "service/cluster_map/page.py": {"aiohttp"},
    "service/descriptors.py": {"socket"},
    "service/failpoints.py": {"signal"},
    "service/given_files.py": {"ssl"},
    "service/http_client.py": {"aiohttp"},
    "service/http_server.py": {"aiohttp", "socket", "ssl"},
    "service/link/application.py": {"aiohttp"},
    "service/link/listener.py": {"aiohttp"},
    "service/link/socket.py": {"aiohttp"},
    "service/middleware.py": {"aiohttp"},
    "service/ops.py": {"aiohttp"},
    "service/own_certificate.py": {"ssl"},
    "service/public_http.py": {"aiohttp"},
    "service/runner.py": {"signal", "uvloop"},
    "service/stderr.py": {"select"},
    "service/tls.py": {"ssl"},
    "single/handback.py": {"aiohttp"},
    "single/health_routes.py": {"aiohttp"},
    "writer/cassandra/driver.py": {"cassandra", "socket", "ssl"},
    "writer/cassandra/epoch.py": {"cassandra"},
    "writer/cassandra/errors.py": {"cassandra"},
    "writer/cassandra/schema.py": {"cassandra"},
    "writer/cassandra/session.py": {"cassandra"},
    "writer/cassandra/statements.py": {"cassandra"},
    "writer/dynamodb/client.py": {"aiobotocore"},
    "writer/dynamodb/errors.py": {"aiohttp", "botocore"},
    "writer/dynamodb/table.py": {"botocore"},
    "writer/gates.py": {"aiohttp"},
    "writer/audit_routes.py": {"aiohttp"},
    "writer/filters_routes.py": {"aiohttp"},
    "writer/held_routes.py": {"aiohttp"},
    "writer/internal_routes.py": {"aiohttp"},
    "writer/moderation_routes.py": {"aiohttp"},
    "writer/moderator_calls.py": {"aiohttp"},
    "writer/new_epoch.py": {"sqlite3"},
    "writer/public_routes.py": {"aiohttp"},
    "writer/reading.py": {"aiohttp"},
    "writer/request_parts.py": {"aiohttp"},
    "writer/rules_routes.py": {"aiohttp"},
    "writer/site_routes.py": {"aiohttp"},
    "writer/viewers_routes.py": {"aiohttp"},
    "writer/sqlite/file.py": {"sqlite3"},
    "writer/sqlite/erasures.py": {"sqlite3"},
    "writer/sqlite/log.py": {"sqlite3"},
    "writer/sqlite/moderation.py": {"sqlite3"},
    "writer/sqlite/queries.py": {"sqlite3"},
    "writer/sqlite/redactions.py": {"sqlite3"},
    "writer/sqlite/rules.py": {"sqlite3"},
    "writer/sqlite/scrub.py": {"sqlite3"},
    "writer/sqlite/store.py": {"sqlite3"},
}


def imported(path: Path) -> Iterator[str]:
    """The dotted name of everything that this file imports, anywhere in it."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: a relative import says nothing to a reader"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def found(path: Path, packages: set[str]) -> set[str]:
    """Which of these packages a file imports from; the longest name counts."""
    names = [
        [name for name in packages if f"{each}.".startswith(f"{name}.")] for each in imported(path)
    ]
    return {max(matches, key=len) for matches in names if matches}


def package_of(path: Path) -> str:
    """The directory of the tables that a file belongs to."""
    parents = [parent.as_posix().replace("/", ".") for parent in path.relative_to(ROOT).parents]
    return next(parent for parent in parents if parent in ALLOWED)


def files_of(*packages: str) -> dict[str, Path]:
    tops = {package.split(".")[0] for package in packages}
    paths = [path for top in sorted(tops) for path in sorted((ROOT / top).rglob("*.py"))]
    return {
        path.relative_to(ROOT).as_posix(): path for path in paths if package_of(path) in packages
    }


@pytest.mark.parametrize("package", sorted(ALLOWED))
def test_package_imports_only_what_the_table_allows(package: str) -> None:
    files = files_of(package)
    assert files
    for name, path in files.items():
        allowed = ALLOWED[package] | SEAMS.get(name, set()) | {package}
        assert found(path, OURS) <= allowed, name


@pytest.mark.parametrize("package", sorted(PRODUCT))
def test_only_the_edges_do_io(package: str) -> None:
    """An edge imports what its entry says, no less; a file without an entry imports none of it."""
    for name, path in files_of(package).items():
        assert found(path, IO_LIBRARIES) == EDGES.get(name, set()), name


def test_every_entry_is_needed() -> None:
    files = files_of(*PRODUCT)
    assert set(EDGES) <= set(files)
    for name, extra in SEAMS.items():
        assert extra <= found(files[name], OURS), name


def test_only_the_mailbox_wakes_the_loop_from_other_threads() -> None:
    waking = {
        name
        for name, path in files_of(*PRODUCT).items()
        if "call_soon_threadsafe" in path.read_text()
    }
    assert waking == {"service/mailbox.py"}
