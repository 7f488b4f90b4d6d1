"""What compose reads for one cluster, in a folder of its own.

docker-compose.yml             the checkout's file, and at its end the services that it lacks
docker-compose.override.yml    what single parts have of their own, and what each was made from
.env                           everything that the file leaves open

So `docker compose ps` and the like work in that folder, without any option. All three follow from
the settings and from the network that was chosen, and are written anew each time; the middle one is
JSON, which is YAML too.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from cluster.addresses import in_brackets
from cluster.docker.memory import GATEWAY_MIB, limit_mib
from cluster.errors import ClusterError
from cluster.files import replace_file
from cluster.folder import CHECKOUT
from cluster.issuer import identity_variables
from cluster.local.launches import TLS_ROLES
from cluster.ops_peers import container_ops_peers
from cluster.parts import ROLES, WITH_STORE, WITH_TICKETS, Kind, Part
from cluster.runtime import Plan
from cluster.servers.cassandra import read_heap_mib
from cluster.settings import CASSANDRA_HEAP, CASSANDRA_JVM_OPTIONS
from service.config import EnvReader

BASE = CHECKOUT / "compose" / "docker-compose.yml"
ISSUER_FOLDER = Path("/issuer")  # in the containers; the file says the same
MADE_FROM = "livecomments.made-from"  # a label
LOOK_EVERY = "30s"  # the parts are asked by `livecomments` itself
_GRACE_S = 15  # on top of a drain
# Variables that may change without making every container stale: they are for `prepare` or for
# single parts only, or not worth a new container.
_NOT_FOR_ALL = (
    "NODES",
    "DISPATCHERS",
    "WRITERS",
    "HTTP_PORT",
    "HTTPS_PORT",
    "BIND",
    "STOP_GRACE",
    "OPS_PEERS",
    "ISSUER_JWKS",
)
_MORE = """
  {name}:
    <<: *{role}
    environment:
      <<: *{role}-variables
      SERVICE_ID: {name}
      ADVERTISE_HOST: {name}
      TLS_DIR: /tls/{name}
    volumes: {volumes}
"""


class ComposeFiles:
    """The files of one cluster in `folder`; `project` is its name in the engine. Its owner sets
    `network` (see cluster.docker.subnets) and `issuer_jwks` (the JWKS of cluster.issuer) before it
    writes; at first the network is the one that was written last.
    """

    def __init__(self, folder: Path, project: str) -> None:
        self.folder = folder
        self.project = project
        self.image = f"livecomments:{project}"
        self.network = _read_network(folder / ".env")
        self.issuer_jwks = ""

    def write(self, plan: Plan) -> None:
        """Write all three for a cluster as planned."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self._replace("docker-compose.yml", _compose(plan))
        self._replace("docker-compose.override.yml", json.dumps(self._override(plan), indent=1))
        lines = [_line(name, value) for name, value in self.variables(plan).items()]
        self._replace(".env", "".join(lines))

    def variables(self, plan: Plan) -> dict[str, str]:
        """What the compose file leaves open."""
        settings = plan.settings
        gateway = next(part for part in plan.parts if part.kind is Kind.HAPROXY)
        servers = _of_kind(plan, Kind.CASSANDRA)
        return {
            "COMPOSE_PROJECT_NAME": self.project,
            "LIVECOMMENTS_IMAGE": self.image,
            "LIVECOMMENTS_CHECKOUT": str(CHECKOUT),
            "NETWORK": self.network,
            "BIND": in_brackets(settings.bind),
            "HTTP_PORT": str(gateway.ports["http"]),
            "HTTPS_PORT": str(gateway.ports["https"]),
            "NODES": str(settings.nodes),
            "DISPATCHERS": str(settings.dispatchers),
            "WRITERS": str(settings.writers),
            "PLACEMENT": settings.viewers_placement,
            "TOPOLOGY": settings.topology,
            "OPS_PEERS": container_ops_peers(plan.parts),
            "STORE": settings.store,
            "CORS_ORIGINS": settings.variables_for("", "").get("CORS_ORIGINS", ""),
            "ZOOKEEPER": _addresses(plan, Kind.ZOOKEEPER, "client"),
            "ZOO_SERVERS": " ".join(map(_ensemble_member, _of_kind(plan, Kind.ZOOKEEPER))),
            "CASSANDRA": _addresses(plan, Kind.CASSANDRA, "cql"),
            "CASSANDRAS": str(settings.cassandras),
            "WRITER_ADDRESSES": ",".join(
                f"{part.name}={part.name}:{part.ports['internal']}"
                for part in _of_kind(plan, Kind.WRITER)
            ),
            **{_options_name(part): _options(plan, part) for part in servers},
            "STOP_GRACE": f"{_longest_drain_s(plan) + _GRACE_S:.0f}s",
            "HEALTH_INTERVAL": LOOK_EVERY,
            "ISSUER_JWKS": self.issuer_jwks,
            **identity_variables(ISSUER_FOLDER, settings.variables_for("", "")),
        }

    def made_from(self, plan: Plan, part: Part) -> str:
        """A digest of everything that the part's container is made from, except its image."""
        own = [_options_name(other) for other in _of_kind(plan, Kind.CASSANDRA) if other != part]
        not_for_all = {*_NOT_FOR_ALL, *own}
        common = {k: v for k, v in self.variables(plan).items() if k not in not_for_all}
        ports = part.ports if part.kind is Kind.HAPROXY else {}
        everything = [BASE.read_text(), common, _own(plan, part), ports, plan.settings.bind]
        text = json.dumps(everything, sort_keys=True, default=dict)
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    def _override(self, plan: Plan) -> dict[str, Any]:
        services = {part.name: self._service(plan, part) for part in plan.parts}
        own = [part.name for part in _missing(plan) if part.kind in TLS_ROLES]
        (gateway,) = _of_kind(plan, Kind.HAPROXY)
        prepare = {
            "volumes": [f"tls-{name}:/tls/{name}" for name in own],
            "environment": {
                "CORS_ORIGINS": _variables(plan, gateway).get("CORS_ORIGINS", ""),
                GATEWAY_MIB: str(limit_mib(Kind.HAPROXY, _variables(plan, gateway))),
                # What a person sets for compose by hand, and where the gateway is reached.
                "GATEWAY_NAMES": f"${{GATEWAY_NAMES:-}},{gateway.host}",
            },
        }
        volumes: dict[str, Any] = {f"tls-{name}": {} for name in own}
        return {"services": services | {"prepare": prepare}, "volumes": volumes}

    def _service(self, plan: Plan, part: Part) -> dict[str, Any]:
        return {"labels": {MADE_FROM: self.made_from(plan, part)}, **_own(plan, part)}

    def _replace(self, name: str, text: str) -> None:
        replace_file(self.folder / name, text.encode())


def _line(name: str, value: str) -> str:
    """One of `.env`. Raises ClusterError for what the versions of compose read differently."""
    if "'" in value or not value.isprintable():
        raise ClusterError(
            f"RUNTIME=docker allows no quote or line break in a variable: {name}={value}"
        )
    return f"{name}='{value}'\n"


def _read_network(path: Path) -> str:
    """ "" if none was written."""
    found = re.search(r"^NETWORK='(.*)'$", path.read_text(), re.M) if path.exists() else None
    return found[1] if found else ""


def _compose(plan: Plan) -> str:
    more = (
        _MORE.format(name=part.name, role=part.kind, volumes=json.dumps(_volumes(part)))
        for part in _missing(plan)
    )
    return BASE.read_text() + "".join(more)


def _missing(plan: Plan) -> Sequence[Part]:
    text = BASE.read_text()
    return [part for part in plan.parts if f"\n  {part.name}:\n" not in text]


def _volumes(part: Part) -> Sequence[str]:
    """What a part of ours sees: its own key and no other."""
    certificate = [f"tls-{part.name}:/tls/{part.name}:ro"] if part.kind in TLS_ROLES else []
    store = ["comments:/data", "issuer:/issuer:ro"] if part.kind in WITH_STORE else []
    tickets = ["tickets:/tickets:ro"] if part.kind in WITH_TICKETS else []
    return [*certificate, *store, *tickets]


def _own(plan: Plan, part: Part) -> dict[str, Any]:
    """What a part's service has in addition to what its kind has."""
    variables = _variables(plan, part)
    own: dict[str, Any] = {"environment": _environment(part, variables)}
    if (mib := limit_mib(part.kind, variables)) is not None:
        own["mem_limit"] = f"{mib}m"
    return own


def _environment(part: Part, variables: Mapping[str, str]) -> Mapping[str, str]:
    if part.kind is Kind.CASSANDRA:
        return {"MAX_HEAP_SIZE": f"{read_heap_mib(variables.get(CASSANDRA_HEAP, ''))}M"}
    if part.kind not in ROLES:
        return {}
    # `$` would be the start of a variable of compose.
    return {name: value.replace("$", "$$") for name, value in variables.items()}


def _options_name(part: Part) -> str:
    return f"CASSANDRA_{part.number}_JVM_OPTIONS"


def _options(plan: Plan, part: Part) -> str:
    return _variables(plan, part).get(CASSANDRA_JVM_OPTIONS, "")


def _variables(plan: Plan, part: Part) -> Mapping[str, str]:
    """As the local runtime gives them: for all, for the role, for the part; the nearest wins."""
    return plan.settings.variables_for(str(part.kind), part.name)


def _of_kind(plan: Plan, kind: Kind) -> Sequence[Part]:
    return [part for part in plan.parts if part.kind is kind]


def _addresses(plan: Plan, kind: Kind, use: str) -> str:
    return ",".join(f"{part.name}:{part.ports[use]}" for part in _of_kind(plan, kind))


def _ensemble_member(part: Part) -> str:
    ports = part.ports
    between = f"{part.name}:{ports['quorum']}:{ports['election']}"
    return f"server.{part.number}={between};{ports['client']}"


def _longest_drain_s(plan: Plan) -> float:
    """Of any node: its notice and its window."""
    longest = 0.0
    for part in _of_kind(plan, Kind.NODE):
        env = EnvReader(_variables(plan, part))
        notice_s = env.number("DRAIN_NOTICE_S", 3, 0, 60)
        longest = max(longest, notice_s + env.number("DRAIN_WINDOW_S", 10, 0, 3600))
    return longest
