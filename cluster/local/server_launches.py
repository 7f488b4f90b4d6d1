"""How the servers that are not ours are started, and how our own programs find them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from cluster.folder import ClusterFolder, FetchedFolders
from cluster.parts import Kind, Part
from cluster.runtime import Launch
from cluster.servers import cassandra, dynalite, redis_server, zookeeper
from cluster.settings import CASSANDRA_HEAP, CASSANDRA_JVM_OPTIONS, Settings


class ServerLaunches:
    """ZooKeeper, Redis, Cassandra and dynalite of one cluster."""

    def __init__(
        self,
        folder: ClusterFolder,
        settings: Settings,
        parts: Sequence[Part],
        passed_on: Mapping[str, str],
        fetched: FetchedFolders,
    ) -> None:
        self._folder = folder
        self._settings = settings
        self._parts = parts
        self._passed_on = passed_on
        self._fetched = fetched

    def launch(self, part: Part) -> Launch:
        """How to start `part`; writes its configuration. Raises FileNotFoundError when what it
        needs is not installed.
        """
        launches = {
            Kind.ZOOKEEPER: self._zookeeper,
            Kind.REDIS: self._redis,
            Kind.CASSANDRA: self._cassandra,
            Kind.DYNALITE: self._dynalite,
        }
        return launches[part.kind](part)

    def addresses(self) -> dict[str, str]:
        """Variables that tell where ZooKeeper or Redis is."""
        variables = {}
        if ensemble := self._ensemble():
            variables["ZOOKEEPER"] = zookeeper.connect_string(ensemble)
        for server in self._of_kind(Kind.REDIS):
            variables["REDIS_URL"] = self._redis_server(server).url
        return variables

    def store(self) -> dict[str, str]:
        """Variables that tell where the comments are."""
        store = {"STORE": self._settings.store}
        if self._settings.store == "sqlite":
            return store | {"SQLITE_PATH": str(self._folder.sqlite)}
        if self._settings.store == "dynamodb":
            (server,) = self._of_kind(Kind.DYNALITE)
            return store | dynalite.variables_for(server.host, server.ports["client"])
        servers = self._of_kind(Kind.CASSANDRA)
        return store | {
            "CASSANDRA": ",".join(f"{server.host}:{server.ports['cql']}" for server in servers),
            "CASSANDRA_REPLICATION": str(len(servers)),
        }

    def _of_kind(self, kind: Kind) -> list[Part]:
        return [part for part in self._parts if part.kind is kind]

    def _zookeeper(self, part: Part) -> Launch:
        ensemble = self._ensemble()
        server = ensemble[part.number - 1]
        zookeeper.write_config(server, ensemble)
        command = zookeeper.command(server)
        return Launch(part.name, command, server.folder, self._passed_on, zookeeper.ROOM_MIB)

    def _ensemble(self) -> list[zookeeper.ZooKeeperServer]:
        return [
            zookeeper.ZooKeeperServer(
                part.number,
                self._folder.server(part.name),
                part.ports["client"],
                part.ports["quorum"],
                part.ports["election"],
            )
            for part in self._of_kind(Kind.ZOOKEEPER)
        ]

    def _redis(self, part: Part) -> Launch:
        server = self._redis_server(part)
        redis_server.write_config(server)
        return Launch(part.name, redis_server.command(server), server.folder, self._passed_on)

    def _redis_server(self, part: Part) -> redis_server.RedisServer:
        return redis_server.RedisServer(self._folder.server(part.name), part.ports["client"])

    def _dynalite(self, part: Part) -> Launch:
        server = self._dynalite_server(part)
        command = dynalite.command(server, self._fetched.dynalite)
        return Launch(part.name, command, server.folder, self._passed_on)

    def _dynalite_server(self, part: Part) -> dynalite.DynaliteServer:
        return dynalite.DynaliteServer(self._folder.server(part.name), part.ports["client"])

    def _cassandra(self, part: Part) -> Launch:
        ring = [self._cassandra_server(other) for other in self._of_kind(Kind.CASSANDRA)]
        server = ring[part.number - 1]
        cassandra.write_config(server, ring)
        command = cassandra.command(server, self._fetched.jars)
        return Launch(part.name, command, server.folder, self._passed_on, cassandra.ROOM_MIB)

    def _cassandra_server(self, part: Part) -> cassandra.CassandraServer:
        given = self._settings.variables_for(str(part.kind), part.name)
        return cassandra.CassandraServer(
            part.number,
            self._folder.server(part.name),
            part.host,
            part.ports["cql"],
            part.ports["storage"],
            cassandra.read_heap_mib(given.get(CASSANDRA_HEAP, "")),
            tuple(given.get(CASSANDRA_JVM_OPTIONS, "").split()),
        )
