"""How each part is started: its command and all that it sees of the environment."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from cluster.addresses import LOOPBACK
from cluster.folder import CHECKOUT, ClusterFolder, FetchedFolders, home_folder
from cluster.issuer import identity_variables, ticket_variables
from cluster.local.server_launches import ServerLaunches
from cluster.parts import BEHIND_GATEWAY, SERVERS, WITH_STORE, WITH_TICKETS, Kind, Part
from cluster.runtime import Launch
from cluster.servers import haproxy
from cluster.servers.haproxy_servers import Server
from cluster.settings import Settings
from service.config import EnvReader
from wire.roles import Role
from wire.topology import PUBSUB

# What a program may need of the person's environment; nothing else leaks into the processes.
_PASSED_ON = ("PATH", "HOME", "TZ", "TMPDIR", "JAVA_HOME")
# Not the person's: under some others, such as `C`, Java cannot open a file whose path has a letter
# outside ASCII.
_LOCALE = {"LC_ALL": "C.UTF-8"}
_MODULES = {
    Kind.SINGLE: "single",
    Kind.WRITER: "writer",
    Kind.DISPATCHER: "dispatcher",
    Kind.NODE: "rtms_node",
}
# The role in a part's certificate.
TLS_ROLES = {Kind.WRITER: Role.WRITER, Kind.DISPATCHER: Role.DISPATCHER, Kind.NODE: Role.NODE}
GATEWAY_CERTIFICATE = "gateway.pem"


class Launches:
    """Makes the launches of one cluster. `parts` are all of its parts."""

    def __init__(
        self,
        folder: ClusterFolder,
        settings: Settings,
        parts: Sequence[Part],
        environ: Mapping[str, str],
    ) -> None:
        self._folder = folder
        self._settings = settings
        self._parts = parts
        given = {name: environ[name] for name in _PASSED_ON if name in environ}
        self._passed_on = given | _LOCALE
        fetched = FetchedFolders.of(home_folder(environ))
        self._servers_not_ours = ServerLaunches(folder, settings, parts, self._passed_on, fetched)

    def launch(self, part: Part) -> Launch:
        """How to start `part`; writes the configuration of a program that is not ours.

        Raises FileNotFoundError when what it needs is not installed.
        """
        if part.kind in SERVERS:
            return self._servers_not_ours.launch(part)
        if part.kind is Kind.HAPROXY:
            return self._haproxy(part)
        command = [sys.executable, "-m", _MODULES[part.kind]]
        return Launch(part.name, command, CHECKOUT, self._passed_on | self.environment(part))

    def environment(self, part: Part) -> dict[str, str]:
        """The configuration of one of our own processes."""
        common = {
            "SERVICE_ID": part.name,
            "BIND_HOST": "127.0.0.1",
            "ADVERTISE_HOST": "127.0.0.1",
            "TLS_DIR": str(self._folder.tls(part.name)),
            "TOPOLOGY": self._settings.topology,
            "OPS_PEERS_FILE": str(self._folder.ops_peers),
        }
        common |= {f"{use.upper()}_PORT": str(port) for use, port in part.ports.items()}
        own = self._settings.variables_for(str(part.kind), part.name)
        if part.kind in WITH_STORE:
            common |= self._servers_not_ours.store()
            common |= identity_variables(self._folder.issuer, own)
            common["PUBLISHED_ON"] = self._settings.bind
        if part.kind in WITH_TICKETS:
            common |= ticket_variables(self._folder.issuer)
        if part.kind in BEHIND_GATEWAY:
            common["TRUSTED_PROXIES"] = LOOPBACK
        if part.kind is Kind.SINGLE:
            common["BEHIND_GATEWAY"] = "on"
        if part.kind is Kind.NODE and self._settings.topology in PUBSUB:
            common["WRITER_ADDRESSES"] = self._writer_addresses()
        common |= self._servers_not_ours.addresses()
        return common | own

    def gateway(self, part: Part) -> haproxy.Gateway:
        """What the gateway's configuration is made of."""
        return haproxy.Gateway(
            bind=self._settings.bind,
            http_port=part.ports["http"],
            https_port=part.ports["https"],
            certificate=Path(GATEWAY_CERTIFICATE),
            placement=self._settings.viewers_placement,
            nodes=self._servers(Kind.NODE),
            writers=self._servers(Kind.WRITER),
            single=self._servers(Kind.SINGLE),
            max_connections=haproxy.default_max_connections(),
            origins=self._origins(part),
        )

    def _writer_addresses(self) -> str:
        """Where there is no ZooKeeper to ask."""
        writers = [part for part in self._parts if part.kind is Kind.WRITER]
        return ",".join(f"{part.name}={part.host}:{part.ports['internal']}" for part in writers)

    def _origins(self, part: Part) -> tuple[str, ...]:
        """As the processes will read it."""
        variables = self._settings.variables_for(str(part.kind), part.name)
        return EnvReader(variables).origins("CORS_ORIGINS")

    def _servers(self, kind: Kind) -> list[Server]:
        return [
            Server(part.number, "127.0.0.1", part.ports["public"], part.ports["ops"])
            for part in self._parts
            if part.kind is kind
        ]

    def _haproxy(self, part: Part) -> Launch:
        config = haproxy.write(self.gateway(part), self._folder.gateway)
        return Launch(part.name, haproxy.command(config), config.parent, self._passed_on)
