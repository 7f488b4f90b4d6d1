"""What a Cassandra server is told."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from cluster.servers import cassandra, cassandra_config


def told(tmp_path: Path, number: int = 1, ring: int = 1) -> dict[str, object]:
    servers = [
        cassandra.CassandraServer(n, tmp_path / f"c'{n}", f"127.0.0.{n}", 19042, 17000)
        for n in range(1, ring + 1)
    ]
    server = servers[number - 1]
    cassandra.write_config(server, servers)
    text = (server.folder / "cassandra.yaml").read_text()
    settings: dict[str, object] = yaml.safe_load(text)
    return settings


def test_nothing_is_acknowledged_before_it_is_on_the_disk(tmp_path: Path) -> None:
    assert told(tmp_path)["commitlog_sync"] == "batch"


def test_it_listens_on_its_own_address_only(tmp_path: Path) -> None:
    settings = told(tmp_path, number=2, ring=3)
    assert settings["listen_address"] == settings["rpc_address"] == "127.0.0.2"
    assert (settings["native_transport_port"], settings["storage_port"]) == (19042, 17000)


def test_every_server_of_a_ring_knows_all_of_them(tmp_path: Path) -> None:
    for number in (1, 2, 3):
        settings = told(tmp_path, number, ring=3)
        assert "127.0.0.1,127.0.0.2,127.0.0.3" in str(settings["seed_provider"])


def test_the_servers_of_a_ring_have_equal_shares() -> None:
    tokens = [cassandra_config.token(number, 3) for number in (1, 2, 3)]
    assert tokens[0] == -(2**63)
    assert tokens[2] - tokens[1] == tokens[1] - tokens[0]
    assert 2**63 - tokens[2] == pytest.approx(tokens[1] - tokens[0])


def test_a_folder_with_a_quote_in_its_name_is_no_trouble(tmp_path: Path) -> None:
    assert told(tmp_path)["commitlog_directory"] == str(tmp_path / "c'1" / "commitlog")


@pytest.mark.parametrize(("text", "heap_mib"), [("", 512), ("256M", 256), ("2g", 2048)])
def test_a_heap_has_a_unit(text: str, heap_mib: int) -> None:
    assert cassandra.read_heap_mib(text) == heap_mib


@pytest.mark.parametrize("text", ["512", "1M", "much", "-1G", "0.5G"])
def test_a_heap_that_cannot_be_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="at least 200M"):
        cassandra.read_heap_mib(text)


def test_a_large_heap_is_collected_by_g1(tmp_path: Path) -> None:
    def options(heap_mib: int) -> list[str]:
        return cassandra_config.jvm_options(tmp_path, heap_mib, tmp_path / "jamm.jar")

    assert "-XX:+UseSerialGC" in options(512)
    assert "-XX:+UseG1GC" in options(2048)
