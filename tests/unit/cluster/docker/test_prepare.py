"""What containers find in their volumes."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from cluster.docker.prepare import prepare
from cluster.servers import haproxy
from identity.tickets import TicketKeys
from service.config import ConfigError

NETWORK = {"NETWORK": "10.213.7"}


def test_each_process_gets_its_certificate_and_the_gateway_its_files(tmp_path: Path) -> None:
    (tmp_path / "gateway").mkdir()
    prepare(NETWORK | {"NODES": "4", "WRITERS": "1"}, tmp_path)
    parts = {path.name for path in (tmp_path / "tls").iterdir()}
    assert parts == {
        *(f"node-{n}" for n in (1, 2, 3, 4)),
        "dispatcher-1",
        "dispatcher-2",
        "writer-1",
    }
    config = (tmp_path / "gateway" / "haproxy.cfg").read_text()
    assert "server node-4 node-4:8001 id 4 port 8003 resolvers names" in config
    assert "stats socket ipv4@control:9999 level admin" in config
    assert (tmp_path / "gateway" / "gateway.pem").stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "ca" / "ca.key").stat().st_mode & 0o777 == 0o600


def test_the_gateway_takes_as_many_connections_as_its_memory_holds(tmp_path: Path) -> None:
    config = tmp_path / "gateway" / "haproxy.cfg"

    def told(mib: str) -> int:
        prepare(NETWORK | {"GATEWAY_MIB": mib}, tmp_path)
        found = re.search(r"^ *maxconn (\d+)$", config.read_text(), re.M)
        assert found is not None
        return int(found[1])

    assert told("128") == 1024
    assert told("256") == 3072
    assert told("65536") == haproxy.default_max_connections(), "no more than descriptors"


def test_a_second_run_leaves_what_is_good(tmp_path: Path) -> None:
    prepare(NETWORK, tmp_path)
    before = (tmp_path / "tls" / "node-1" / "cert.pem").read_bytes()
    prepare(NETWORK | {"NODES": "5"}, tmp_path)
    assert (tmp_path / "tls" / "node-1" / "cert.pem").read_bytes() == before
    assert (tmp_path / "tls" / "node-5" / "cert.pem").exists()


def test_writers_get_keys_and_the_key_of_author_ids_is_made_once(tmp_path: Path) -> None:
    prepare(NETWORK, tmp_path)
    key = (tmp_path / "issuer" / "author-ids.key").read_bytes()
    assert [path.name for path in (tmp_path / "issuer").iterdir()] == ["author-ids.key"], "by hand"
    prepare(NETWORK | {"ISSUER_JWKS": '{"keys":[]}'}, tmp_path)
    assert (tmp_path / "issuer" / "jwks.json").read_text() == '{"keys":[]}'
    assert (tmp_path / "issuer" / "author-ids.key").read_bytes() == key
    assert len(key) == 32


def test_nodes_and_writers_get_one_key_of_tickets(tmp_path: Path) -> None:
    prepare(NETWORK, tmp_path)
    key = (tmp_path / "tickets" / "tickets.key").read_bytes()
    prepare(NETWORK, tmp_path)
    assert [path.name for path in (tmp_path / "tickets").iterdir()] == ["tickets.key"]
    assert (tmp_path / "tickets" / "tickets.key").read_bytes() == key
    TicketKeys.parse(key)


def test_a_wrong_count_is_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="NODES"):
        prepare(NETWORK | {"NODES": "none"}, tmp_path)
    with pytest.raises(ConfigError, match="NETWORK is not set"):
        prepare({}, tmp_path)


def test_servers_of_a_ring_know_one_another_by_address(tmp_path: Path) -> None:
    prepare(NETWORK | {"CASSANDRAS": "3"}, tmp_path)
    for number in (1, 2, 3):
        text = (tmp_path / "servers" / f"cassandra-{number}" / "cassandra.yaml").read_text()
        told = yaml.safe_load(text)
        assert told["listen_address"] == told["rpc_address"] == f"10.213.7.1{number}"
        (seeds,) = told["seed_provider"][0]["parameters"]
        assert seeds["seeds"] == "10.213.7.11,10.213.7.12,10.213.7.13"
