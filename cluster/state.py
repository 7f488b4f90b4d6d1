"""Settings and ports of a cluster, and which of them may change now.

Invariants: they are saved before anything starts, so a crash at any time leaves a cluster that the
next `up` goes on with.
"""

from __future__ import annotations

import dataclasses

from cluster.errors import SettingsConflict
from cluster.folder import ClusterFolder, SavedState
from cluster.parts import Kind, Part, gateway_ports, missing_ports, part_name, parts_of, port_keys
from cluster.port_check import require_gateway_ports
from cluster.ports import free_ports, is_free
from cluster.preflight import check_variables
from cluster.runtime import RUNNING, Runtime
from cluster.settings import DEFAULT_NAME, Settings
from service.config import ConfigError, EnvReader, PubSubConfig
from writer.cassandra.config import CassandraConfig
from writer.dynamodb.config import DynamoConfig

# What may change while the cluster runs: how many there are of what the gateway can take on.
_ELASTIC = ("nodes", "dispatchers", "writers", "environment", "http_port", "https_port")


class ClusterState:
    """Settings and ports of one cluster. `runtime` says what runs."""

    def __init__(self, folder: ClusterFolder, runtime: Runtime, saved: SavedState) -> None:
        self._folder = folder
        self._runtime = runtime
        self._saved = saved

    @property
    def settings(self) -> Settings:
        """What the cluster is made of."""
        return self._saved.settings

    @property
    def parts(self) -> list[Part]:
        """All parts, in the order in which they start."""
        return parts_of(self.settings, self._saved.ports)

    @property
    def moved_from(self) -> str | None:
        """Where the folder was when its parts were last started, if that was somewhere else; it
        was moved or copied since.
        """
        place = self._saved.place
        return place if place not in ("", str(self._folder.path)) else None

    def move_here(self) -> None:
        """The folder stays where it is now. Ports that nobody asked for are chosen again: if it is
        a copy, its original has the old ones, even if it does not use them at the moment.
        """
        settings, ports = self.settings, self._saved.ports
        kept = {
            key: ports[key]
            for key in port_keys(Kind.HAPROXY, 1).values()
            if key in ports and is_free(settings.bind, ports[key])
        }
        self._saved = SavedState(settings, kept, str(self._folder.path))
        self.save(settings)

    def refuse_unknown_parts(self) -> None:
        """Raises SettingsConflict if parts run already, of which a new state knows nothing."""
        if self._any_runs():
            names = ", ".join(self._runtime.names())
            raise SettingsConflict(
                f"what {names} were started with is lost; `make cluster-down` first"
            )

    def change_to(self, settings: Settings) -> None:
        """Save new settings. Raises SettingsConflict if what runs cannot follow, and ConfigError if
        a process could not start with them.
        """
        check_variables(settings)
        self._check_runtime(settings)
        self._check_gateway_ports(settings)
        self._check_asked_ports(settings)
        self._check_ring(settings)
        if self._any_runs():
            self._check_elastic(settings)
            self._check_shared(settings)
        self.save(settings)

    def save(self, settings: Settings) -> None:
        """Save settings, and choose the ports that they still need."""
        asked = self._asked_ports(settings)
        ports = self._saved.ports | asked
        missing = missing_ports(settings, ports)
        chosen = free_ports(len(missing), avoid=set(ports.values()))
        ports |= dict(zip(missing, chosen, strict=True))
        place = self._saved.place or str(self._folder.path)
        self._saved = SavedState(settings, ports, place)
        self._folder.save(self._saved)

    def choose_ports_again_if_nothing_runs(self) -> None:
        """After a reboot others may have taken our ports; the gateway's are the person's choice."""
        if self._any_runs():
            return
        gateway = {
            self._saved.ports.get(key) for key in port_keys(Kind.HAPROXY, 1).values()
        }  # a person may have asked for a port that was chosen for another part
        taken = {
            key
            for part in self.parts
            for use, key in port_keys(part.kind, part.number).items()
            if part.kind is not Kind.HAPROXY
            and key in self._saved.ports
            and not (part.ports[use] not in gateway and is_free(part.host, part.ports[use]))
        }
        if taken:
            ports = self._saved.ports
            kept = {key: port for key, port in ports.items() if key not in taken}
            self._saved = dataclasses.replace(self._saved, ports=kept)
            self.save(self.settings)

    def _check_runtime(self, settings: Settings) -> None:
        """What one runtime keeps the other does not see."""
        known = self.settings.runtime
        if settings.runtime != known:
            raise SettingsConflict(
                f"the cluster {settings.name} was made with RUNTIME={known}; `make cluster-clean` "
                f"forgets it and its comments, CLUSTER=name is another one"
            )

    def _check_gateway_ports(self, settings: Settings) -> None:
        if self._runtime.condition(Kind.HAPROXY) not in RUNNING:
            return
        asked = self._asked_ports(settings)
        for key, port in asked.items():
            if self._saved.ports.get(key, port) != port:
                raise SettingsConflict(
                    f"the gateway listens on {self._saved.ports[key]}; "
                    f"`livecomments stop haproxy`, then `make cluster-up` with {port}"
                )

    def _check_asked_ports(self, settings: Settings) -> None:
        """Before they are saved, or a second try would meet the same ones again."""
        asked = self._asked_ports(settings)
        uses = port_keys(Kind.HAPROXY, 1)
        ports = {use: (self._saved.ports | asked).get(key) for use, key in uses.items()}
        if ports["http"] and ports["http"] == ports["https"]:
            raise ConfigError(
                f"HTTP_PORT and HTTPS_PORT are both {ports['http']}; choose another for one"
            )
        if self._runtime.condition(Kind.HAPROXY) not in RUNNING:
            free = {use: asked[key] for use, key in uses.items() if key in asked}
            require_gateway_ports(settings, free)

    def _asked_ports(self, settings: Settings) -> dict[str, int]:
        return gateway_ports(settings, is_default=settings.name == DEFAULT_NAME)

    def _check_ring(self, settings: Settings) -> None:
        """Servers that came later would be asked for comments that they never got."""
        known = self.settings.cassandras
        if known == settings.cassandras:
            return
        first = self._folder.server(part_name(Kind.CASSANDRA, 1))
        if self.settings.store == "cassandra" or first.exists():
            raise SettingsConflict(
                f"the comments are kept by CASSANDRAS={known}; "
                "`make cluster-clean` first, which forgets them"
            )

    def _check_elastic(self, settings: Settings) -> None:
        for field in dataclasses.fields(Settings):
            old, new = (
                getattr(one, field.name)
                for one in (_in_effect(self.settings), _in_effect(settings))
            )
            if old != new and field.name not in _ELASTIC:
                raise _must_go_down(field.name.upper(), old, new)

    def _check_shared(self, settings: Settings) -> None:
        """A variable counts from a part's next start, and these must be the same in all parts."""
        known = _shared(self.settings)
        for name, new in _shared(settings).items():
            if known[name] != new:
                raise _must_go_down(name, known[name], new)

    def _any_runs(self) -> bool:
        return any(self._runtime.condition(name) in RUNNING for name in self._runtime.names())


def _in_effect(settings: Settings) -> Settings:
    """With our own choice where a person made none."""
    return dataclasses.replace(settings, placement=settings.viewers_placement)


def _shared(settings: Settings) -> dict[str, str]:
    """The values in effect of the variables that must be the same in every process."""
    env = EnvReader(settings.variables_for("", ""))
    cassandra = CassandraConfig.read(env)
    return {
        "CASSANDRA_CONSISTENCY": "global" if cassandra.worldwide else "local",
        "CASSANDRA_KEYSPACE": cassandra.keyspace,
        "CHANNELS": str(PubSubConfig.read(env).channels),
        "DYNAMODB_TABLE": DynamoConfig.read(env).table,
        "ZOOKEEPER_SESSION_S": f"{env.number('ZOOKEEPER_SESSION_S', 6, 1, 60):g}",
    }


def _must_go_down(name: str, old: object, new: object) -> SettingsConflict:
    return SettingsConflict(
        f"the cluster runs with {name}={old}; `make cluster-down` first, then start it with {new}"
    )
