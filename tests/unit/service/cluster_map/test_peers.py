from __future__ import annotations

from pathlib import Path

import pytest

from service.cluster_map.peers import Identity, OpsPeer, PeerSources, parse_peers
from service.config import ConfigError, EnvReader, ServiceConfig
from wire.roles import Role

NODE_1 = Identity(Role.NODE, "node-1")


def config(**environ: str) -> ServiceConfig:
    env = EnvReader({"SERVICE_ID": "n1"} | environ)
    read = ServiceConfig.read(env, Role.NODE)
    env.done()
    return read


def test_entries_are_addresses_and_may_say_who_is_there() -> None:
    words = ["127.0.0.1:1", "ops.example:2", "[::1]:3", "node/node-1=10.0.0.1:4", ""]
    assert parse_peers(words) == (
        [
            OpsPeer("127.0.0.1", 1),
            OpsPeer("ops.example", 2),
            OpsPeer("::1", 3),
            OpsPeer("10.0.0.1", 4, NODE_1),
        ],
        [],
    )


@pytest.mark.parametrize(
    "word",
    ["host", "host:0", "host:70000", "0.0.0.0:1", "http://h:1", "node/=h:1", "=h:1", "boss/b=h:1"],
)
def test_what_is_no_entry_is_told(word: str) -> None:
    assert parse_peers([word]) == ([], [word])
    with pytest.raises(ConfigError, match="OPS_PEERS: "):
        config(OPS_PEERS=f"h:1,{word}")


def test_entries_come_from_the_variable_and_the_file_each_once(tmp_path: Path) -> None:
    file = tmp_path / "peers"
    sources = config(OPS_PEERS="a:1, b:2,a:1", OPS_PEERS_FILE=str(file)).ops_peers
    assert sources.read() == (
        [OpsPeer("a", 1), OpsPeer("b", 2)],
        "OPS_PEERS_FILE cannot be read: No such file or directory",
    )
    file.write_text("b:2\nnode/node-1=c:3\n\n")
    assert sources.read() == ([OpsPeer("a", 1), OpsPeer("b", 2), OpsPeer("c", 3, NODE_1)], None)


def test_a_bad_file_costs_only_its_bad_entries(tmp_path: Path) -> None:
    file = tmp_path / "peers"
    file.write_bytes(b"a:1\n\xff\xfe:7\nnonsense\n")
    found, problem = PeerSources((), file).read()
    assert found == [OpsPeer("a", 1)]
    assert problem == "OPS_PEERS_FILE: 2 entries cannot be read"


def test_nobody_is_asked_where_nothing_is_said() -> None:
    assert config().ops_peers.read() == ([], None)
