"""What containers find in their volumes: certificates, and the configurations of the servers that
are not ours.

Runs once in a container of our image before the others start (`python -m cluster.docker.prepare`),
and again whenever the cluster has grown; what is still good is left untouched. It prints the
certificates of the CA and of the gateway, for those who are to trust them. The CA's key is in a
volume of its own, which no other container sees.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from cluster.ca import GATEWAY_NAMES, DevelopmentCa
from cluster.docker.memory import gateway_connections, read_gateway_mib
from cluster.docker.subnets import cassandra_address
from cluster.files import replace_file
from cluster.issuer import (
    AUTHOR_ID_KEY,
    JWKS,
    TICKET_KEY,
    ensure_author_id_key,
    ensure_ticket_key,
)
from cluster.local.launches import TLS_ROLES
from cluster.parts import CONTAINER_PORTS, Kind, part_name, wanted
from cluster.servers import cassandra_config, haproxy, redis_server
from cluster.servers.haproxy_servers import Server
from cluster.settings import Settings, read_settings
from service.config import EnvReader, process_environ

# The gateway's runtime socket. Only the gateway has this name, and in a network of its own, so that
# nobody else gets there. compose/docker-compose.yml says the same, and a test compares the two.
CONTROL_HOST, CONTROL_PORT = "control", 9999
_NAMESERVER = "127.0.0.11:53"  # the engine's own, in every container
_CASSANDRA_DATA = Path("/var/lib/cassandra")
_REDIS_DATA = Path("/data")
_ANYWHERE = "0.0.0.0"  # in the container; the engine publishes it on BIND, or not at all


def prepare(environ: Mapping[str, str], root: Path = Path("/")) -> None:
    """Fill `ca`, `tls`, `gateway`, `servers`, `issuer` and `tickets` below `root`. Variables: those
    of `make cluster-up` that say how many parts there are and how they are placed, NETWORK (see
    cluster.docker.subnets), GATEWAY_MIB (see cluster.docker.memory), GATEWAY_NAMES (more names for
    the public certificate), and ISSUER_JWKS (the JWKS of cluster.issuer). Raises ConfigError.
    """
    settings = read_settings(environ, Settings())
    env = EnvReader(environ)
    names = tuple(dict.fromkeys((*GATEWAY_NAMES, *env.words("GATEWAY_NAMES"))))
    network, gateway_mib = env.text("NETWORK"), read_gateway_mib(env)
    issuer_jwks = env.text("ISSUER_JWKS", "")
    env.done()
    ca = DevelopmentCa.load_or_create(root / "ca")
    ca.ensure_gateway(root / "gateway", names)
    for kind, number in wanted(settings):
        if (role := TLS_ROLES.get(kind)) is not None:
            name = part_name(kind, number)
            ca.ensure_process(root / "tls" / name, role, name)
    haproxy.write(container_gateway(settings, gateway_mib), root / "gateway")
    _write_servers(settings, network, root / "servers")
    _write_issuer(issuer_jwks, root / "issuer")
    _write_ticket_key(root / "tickets")
    print(ca.pem.decode() + (root / "gateway" / "cert.pem").read_text(), end="")


def container_gateway(settings: Settings, mib: int) -> haproxy.Gateway:
    """The gateway's configuration in a container that may take so much memory: servers by name."""
    origins = EnvReader(settings.variables_for("", "")).origins("CORS_ORIGINS")
    listens = CONTAINER_PORTS[Kind.HAPROXY]
    return haproxy.Gateway(
        bind=_ANYWHERE,
        http_port=listens["http"],
        https_port=listens["https"],
        certificate=Path("gateway.pem"),
        placement=settings.viewers_placement,
        nodes=_servers(settings, Kind.NODE),
        writers=_servers(settings, Kind.WRITER),
        single=_servers(settings, Kind.SINGLE),
        max_connections=min(haproxy.default_max_connections(), gateway_connections(mib)),
        origins=origins,
        control=f"ipv4@{CONTROL_HOST}:{CONTROL_PORT}",
        nameservers=[_NAMESERVER],
    )


def _servers(settings: Settings, kind: Kind) -> list[Server]:
    listens = CONTAINER_PORTS[kind]
    return [
        Server(number, part_name(kind, number), listens["public"], listens["ops"])
        for other, number in wanted(settings)
        if other is kind
    ]


def _write_servers(settings: Settings, network: str, folder: Path) -> None:
    """All of them, used or not: there are few."""
    numbers, listens = range(1, settings.cassandras + 1), CONTAINER_PORTS[Kind.CASSANDRA]
    for number in numbers:
        yaml = cassandra_config.render(
            # By address: the name of a server that does not run is known to nobody.
            hosts=[cassandra_address(network, other) for other in numbers],
            number=number,
            cql_port=listens["cql"],
            storage_port=listens["storage"],
            folder=_CASSANDRA_DATA,
        )
        cassandra_config.write(folder / part_name(Kind.CASSANDRA, number), yaml)
    port = CONTAINER_PORTS[Kind.REDIS]["client"]
    redis = redis_server.render(port=port, folder=_REDIS_DATA, bind=_ANYWHERE)
    (folder / "redis.conf").write_text(redis)


def _write_issuer(keys: str, folder: Path) -> None:
    """What writers check tokens with, and the key of author ids, which is made once."""
    folder.mkdir(parents=True, exist_ok=True)
    ensure_author_id_key(folder / AUTHOR_ID_KEY)
    if keys:
        replace_file(folder / JWKS, keys.encode())


def _write_ticket_key(folder: Path) -> None:
    """Apart from the issuer's: nodes have it too, and need nothing else of that."""
    folder.mkdir(parents=True, exist_ok=True)
    ensure_ticket_key(folder / TICKET_KEY)


if __name__ == "__main__":
    prepare(process_environ())
