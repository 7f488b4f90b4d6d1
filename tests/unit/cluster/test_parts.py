"""Which parts a cluster has, and their ports."""

from __future__ import annotations

import pytest

from cluster.errors import UnknownPart
from cluster.parts import find_part, gateway_ports, kinds_of, missing_ports, parts_of
from cluster.settings import Settings


def test_the_default_cluster_starts_zookeeper_first_and_the_gateway_last() -> None:
    ports = {key: n for n, key in enumerate(missing_ports(Settings(), {}))}
    assert [part.name for part in parts_of(Settings(), ports)] == [
        "zookeeper-1",
        "writer-1",
        "writer-2",
        "dispatcher-1",
        "dispatcher-2",
        "node-1",
        "node-2",
        "node-3",
        "haproxy",
    ]


@pytest.mark.parametrize("topology", ["broadcast", "partitioned", "gateway"])
def test_with_redis_there_is_neither_zookeeper_nor_a_dispatcher(topology: str) -> None:
    assert kinds_of(Settings(topology=topology)) == ["redis", "writer", "node", "haproxy"]


def test_the_single_process_has_nobody_but_the_gateway() -> None:
    settings = Settings(topology="single")
    ports = {key: n for n, key in enumerate(missing_ports(settings, {}))}
    assert [part.name for part in parts_of(settings, ports)] == ["single-1", "haproxy"]


def test_a_cluster_that_changes_its_topology_keeps_its_ports() -> None:
    ports = {key: n for n, key in enumerate(missing_ports(Settings(), {}))}
    assert missing_ports(Settings(topology="gateway"), ports) == ["redis/client"]


def test_the_store_starts_before_everything_that_needs_it() -> None:
    settings = Settings(store="cassandra", cassandras=3)
    assert kinds_of(settings)[:2] == ["cassandra", "zookeeper"]


def test_dynamodb_is_one_emulator_with_a_port_of_its_own() -> None:
    settings = Settings(store="dynamodb")
    ports = {key: n for n, key in enumerate(missing_ports(settings, {}))}
    first = parts_of(settings, ports)[0]
    assert (first.name, first.ports) == ("dynalite", {"client": ports["dynalite/client"]})


def test_cassandras_servers_share_their_ports_and_differ_by_address() -> None:
    settings = Settings(store="cassandra", cassandras=3)
    missing = missing_ports(settings, {})
    assert missing[:2] == ["cassandra/cql", "cassandra/storage"]
    assert len(missing) == len(set(missing))
    parts = parts_of(settings, {key: n for n, key in enumerate(missing)})[:3]
    assert [part.host for part in parts] == ["127.0.0.1", "127.0.0.2", "127.0.0.3"]
    assert [part.ports for part in parts] == [{"cql": 0, "storage": 1}] * 3


def test_more_nodes_need_ports_of_their_own_only() -> None:
    ports = {key: n for n, key in enumerate(missing_ports(Settings(), {}))}
    assert missing_ports(Settings(nodes=4), ports) == [
        "node-4/public",
        "node-4/internal",
        "node-4/ops",
    ]


def test_only_the_default_cluster_has_the_well_known_ports() -> None:
    assert gateway_ports(Settings(), is_default=True) == {
        "haproxy/http": 8080,
        "haproxy/https": 8443,
    }
    assert gateway_ports(Settings("x"), is_default=False) == {}
    assert gateway_ports(Settings("x", http_port=81), is_default=False) == {"haproxy/http": 81}


def test_an_unknown_name_is_told_with_the_names_there_are() -> None:
    ports = {key: n for n, key in enumerate(missing_ports(Settings(), {}))}
    with pytest.raises(UnknownPart, match=r"no part node-9; .*node-1, node-2, node-3, haproxy"):
        find_part(parts_of(Settings(), ports), "node-9")
