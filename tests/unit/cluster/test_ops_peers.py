"""What the parts of a cluster are told of one another's ops listeners."""

from __future__ import annotations

from pathlib import Path

from cluster.folder import ClusterFolder
from cluster.local.launches import Launches
from cluster.ops_peers import container_ops_peers, write_ops_peers
from cluster.parts import ROLES, Kind, Part, parts_of, port_keys, wanted
from cluster.settings import Settings
from service.cluster_map.peers import OpsPeer, PeerSources
from service.config import EnvReader, ServiceConfig
from wire.roles import Role
from wire.topology import Topology


def parts_with(topology: str, nodes: int = 3) -> list[Part]:
    settings = Settings("small", runtime="local", topology=topology, nodes=nodes)
    keys = [key for one in wanted(settings) for key in port_keys(*one).values()]
    return parts_of(settings, {key: 1000 + place for place, key in enumerate(keys)})


def told(sources: PeerSources) -> list[tuple[str, str]]:
    entries, problem = sources.read()
    assert problem is None
    found = [(entry.identity, entry.address) for entry in entries]
    return [(f"{who.role}/{who.id}" if who else "", address) for who, address in found]


def test_a_process_is_told_of_all_in_every_topology(tmp_path: Path) -> None:
    for topology in Topology:
        parts = parts_with(topology)
        folder = ClusterFolder(tmp_path, topology)
        write_ops_peers(folder, parts)
        ours = [part for part in parts if part.kind in ROLES]
        launches = Launches(folder, Settings("small", topology=topology), parts, {})
        given = launches.environment(ours[0])
        peers = ServiceConfig.read(EnvReader(given), Role(ours[0].kind)).ops_peers
        assert told(peers) == [
            (f"{part.kind}/{part.name}", f"127.0.0.1:{part.ports['ops']}") for part in ours
        ]


def test_the_file_follows_a_cluster_that_grows(tmp_path: Path) -> None:
    folder = ClusterFolder(tmp_path, "small")
    write_ops_peers(folder, parts_with(Topology.DISPATCHER, nodes=2))
    before = folder.ops_peers.stat().st_ino
    write_ops_peers(folder, parts_with(Topology.DISPATCHER, nodes=2))
    assert folder.ops_peers.stat().st_ino == before, "nothing to say"
    write_ops_peers(folder, parts_with(Topology.DISPATCHER, nodes=5))
    names = [name for name, _ in told(PeerSources((), folder.ops_peers))]
    assert [name for name in names if name.startswith("node/")] == [
        f"node/node-{n}" for n in range(1, 6)
    ]


def test_in_containers_there_is_a_name_for_all_and_one_for_each() -> None:
    settings = Settings("small", runtime="docker", nodes=1, writers=1, dispatchers=1)
    ports = dict.fromkeys(port_keys(Kind.HAPROXY, 1).values(), 1)
    env = EnvReader({"OPS_PEERS": container_ops_peers(parts_of(settings, ports))})
    peers = ServiceConfig.read(env, Role.NODE).ops_peers
    assert peers.listed[0] == OpsPeer("ops", 8003)
    assert told(peers)[1:] == [
        ("writer/writer-1", "writer-1:8003"),
        ("dispatcher/dispatcher-1", "dispatcher-1:8003"),
        ("node/node-1", "node-1:8003"),
    ]
