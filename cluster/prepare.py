"""What containers find in their volumes: certificates, and the gateway's files.

Runs once in a container of our image before the others start (`python -m cluster.prepare`), and
again whenever the cluster has grown; what is still good is left untouched. It prints the CA's
certificate, for those who are to trust the gateway. The CA's key is in a volume of its own, which
no other container sees.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from cluster import haproxy
from cluster.ca import GATEWAY_NAMES, DevelopmentCa
from cluster.container_ports import CONTROL, GATEWAY_HTTP, GATEWAY_HTTPS, NAMESERVER, OPS, PUBLIC
from cluster.parts import Kind, part_name
from cluster.settings import MAX_NODES, MAX_OTHERS
from service.config import EnvReader, process_environ
from wire.roles import Role

_COUNTS = (
    (Kind.NODE, Role.NODE, "NODES", 3, MAX_NODES),
    (Kind.DISPATCHER, Role.DISPATCHER, "DISPATCHERS", 2, MAX_OTHERS),
    (Kind.WRITER, Role.WRITER, "WRITERS", 2, MAX_OTHERS),
)


def prepare(environ: Mapping[str, str], root: Path = Path("/")) -> None:
    """Fill `ca`, `tls` and `gateway` below `root`. Variables: NODES, DISPATCHERS, WRITERS,
    PLACEMENT, CORS_ORIGINS, GATEWAY_NAMES (more names for the public certificate). Raises
    ConfigError.
    """
    env = EnvReader(environ)
    counts = {kind: env.integer(name, known, 1, high) for kind, _, name, known, high in _COUNTS}
    placement = env.choice("PLACEMENT", "hash", ("hash", "round_robin"))
    names = (*GATEWAY_NAMES, *env.words("GATEWAY_NAMES"))
    env.done()
    gateway = container_gateway(counts, placement, env.words("CORS_ORIGINS"))
    ca = DevelopmentCa.load_or_create(root / "ca")
    ca.ensure_gateway(root / "gateway", names)
    for kind, role, *_ in _COUNTS:
        for number in range(counts[kind]):
            name = part_name(kind, number + 1)
            ca.ensure_process(root / "tls" / name, role, name)
    haproxy.write(gateway, root / "gateway")
    print(ca.pem.decode(), end="")


def container_gateway(
    counts: Mapping[Kind, int], placement: str, origins: Sequence[str]
) -> haproxy.Gateway:
    """The gateway's configuration in a container: servers by name."""
    return haproxy.Gateway(
        bind="0.0.0.0",  # of the container; the engine publishes it on BIND
        http_port=GATEWAY_HTTP,
        https_port=GATEWAY_HTTPS,
        certificate=Path("gateway.pem"),
        placement=placement,
        nodes=_servers(Kind.NODE, counts[Kind.NODE]),
        writers=_servers(Kind.WRITER, counts[Kind.WRITER]),
        max_connections=haproxy.default_max_connections(),
        origins=origins,
        control=CONTROL,
        nameserver=NAMESERVER,
    )


def _servers(kind: Kind, count: int) -> list[haproxy.Server]:
    numbers = range(1, count + 1)
    return [haproxy.Server(number, part_name(kind, number), PUBLIC, OPS) for number in numbers]


if __name__ == "__main__":
    prepare(process_environ())
