"""The networks of one compose project: one for the parts, one through which the gateway is reached.

Invariants: the parts' network stays the same for the cluster's life, and each Cassandra has its
address in it for life, whoever connects it (see cluster.docker.subnets).
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from itertools import chain

from cluster.docker.containers import Container, Containers
from cluster.docker.prepare import CONTROL_HOST
from cluster.docker.subnets import cassandra_address, find_free, is_free, read_routes, subnet
from cluster.ops_peers import OPS_ALIAS
from cluster.parts import ROLES, Kind


class ContainerNetwork:
    """The networks of the project of `containers`. `prefix` names the parts' network; before
    `ensure` it is the one of the last time, "" if there was none.
    """

    def __init__(self, containers: Containers, prefix: str) -> None:
        self._containers = containers
        self._inside = f"{containers.project}_inside"
        self._outside = f"{containers.project}_outside"
        self.prefix = prefix
        self._ids: set[str] = set()

    def ensure(self) -> str:
        """The prefix of the parts' network: of the one that the engine has for us, else that of the
        last time if it is free, else another one that is free. Raises ClusterError.
        """
        networks = self._containers.networks()
        self._ids = {network.id for network in networks}
        taken = {network.name: network.subnets for network in networks}
        ours = taken.pop(self._inside, [])
        named = [str(one.network_address).rpartition(".")[0] for one in ours]
        if ours and ours == [subnet(name) for name in named]:
            self.prefix = named[0]
            return self.prefix
        if ours:  # made by an earlier version, with addresses of the engine's choice
            self._containers.remove_network(self._inside)
        in_use = [*read_routes(), *chain.from_iterable(taken.values())]
        if not (self.prefix and is_free(self.prefix, in_use)):
            self.prefix = find_free(zlib.crc32(self._containers.project.encode()), in_use)
        return self.prefix

    def has_gone(self, name: str) -> bool:
        """Whether a part was made for a network that somebody has removed, so that it cannot
        start. After `ensure`.
        """
        container = self._containers.find(name)
        return container is not None and not container.networks <= self._ids

    def address(self, name: str) -> str | None:
        """Where a part is reached from this machine; None while it is not connected."""
        return self._addresses(name).get(self._inside) or None

    def control_address(self) -> str | None:
        """The same for the gateway's runtime socket."""
        return self._addresses(Kind.HAPROXY).get(self._outside) or None

    def is_connected(self, name: str) -> bool:
        """Whether a part is connected to the parts' network, running or not."""
        return self._inside in self._addresses(name)

    def prepare_start(self, name: str) -> None:
        """Connect a part that is about to start, a Cassandra with its fixed address.
        docker-compose 1.29 does that only for a container that it starts itself, and it does not
        start ours. Raises ClusterError.
        """
        networks = self._containers.inspect(name).get("NetworkSettings", {}).get("Networks", {})
        asked = networks.get(self._inside, {}).get("IPAMConfig") or {}
        if asked.get("IPv4Address") != self._fixed_address(name):
            self.disconnect(name)
        self.connect(name)
        if name == Kind.HAPROXY and self._outside not in self._addresses(name):
            self._connect(name, self._outside, [CONTROL_HOST])

    def connect(self, name: str) -> None:
        """Connect a part, if it is not. Raises ClusterError."""
        if not self.is_connected(name):
            ours = name.partition("-")[0] in ROLES
            aliases = [name, OPS_ALIAS] if ours else [name]
            self._connect(name, self._inside, aliases, self._fixed_address(name))

    def disconnect(self, name: str) -> None:
        """Disconnect a part, if it is connected. Raises ClusterError."""
        with self._containers.changing(name) as (api, container):
            if self.is_connected(name):
                api.disconnect_container_from_network(container, self._inside)

    def _connect(
        self, name: str, network: str, aliases: Sequence[str], address: str | None = None
    ) -> None:
        """The engine forgets aliases and address of a container that leaves a network."""
        with self._containers.changing(name) as (api, container):
            api.connect_container_to_network(
                container, network, aliases=list(aliases), ipv4_address=address
            )

    def _fixed_address(self, name: str) -> str | None:
        kind, _, number = name.partition("-")
        return cassandra_address(self.prefix, int(number)) if kind == Kind.CASSANDRA else None

    def _addresses(self, name: str) -> dict[str, str]:
        container: Container | None = self._containers.find(name)
        return container.addresses if container else {}
