"""Which parts a cluster has, and their ports."""

from __future__ import annotations

import pytest

from cluster.errors import UnknownPart
from cluster.parts import find_part, gateway_ports, missing_ports, parts_of
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
    with pytest.raises(UnknownPart, match=r"no node-9 here.*node-1, node-2, node-3, haproxy"):
        find_part(parts_of(Settings(), ports), "node-9")
