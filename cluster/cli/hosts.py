"""Commands for what you start yourself, on any host: certs, gateway-config, gateway-certificate."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from typing import Any

import click

from cluster.addresses import parse_bind
from cluster.certificates import make_certificates, read_wanted
from cluster.docker.memory import MIN_GATEWAY_MIB, gateway_connections
from cluster.errors import ClusterError
from cluster.gateway_certificate import follow_certificate, until_terminated
from cluster.gateway_config import MAX_SERVERS, Asked, read_nameservers, read_servers
from cluster.servers import haproxy
from cluster.servers.haproxy_servers import Discovered, Servers, is_name
from cluster.servers.haproxy_socket import SOCKET, UnixControl
from cluster.settings import PLACEMENTS
from cluster.terminal import say
from service.config import EnvReader

_SERVER = "[N=]HOST:PORT/OPS"


@click.command()
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False))
@click.argument("wanted", nargs=-1, required=True, metavar="ROLE/ID[=NAME,...]...")
def certs(folder: Path, wanted: tuple[str, ...]) -> None:
    """Make a CA, and certificates for processes that you start yourself, in FOLDER.

    For example: livecomments certs certs writer/w1 dispatcher/d1 node/n1 gateway=comments.example

    ROLE is writer, dispatcher or node; FOLDER/ROLE/ID is the TLS_DIR of that process. NAME is a
    further DNS name or IP address. Run it again to renew: what is good stays as it is.
    """
    for made in make_certificates(folder, read_wanted(wanted)):
        say(f"{made.folder}: {'made' if made.new else 'is good'}")
    say(f"Keep {folder / 'ca' / 'ca.key'} off the machines that serve.")


@click.command("gateway-config")
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False))
@click.option("--node", "nodes", multiple=True, metavar=_SERVER, help="A node; repeat it.")
@click.option("--writer", "writers", multiple=True, metavar=_SERVER, help="A writer; repeat it.")
@click.option("--nodes-dns", metavar="NAME:PORT/OPS", help="All nodes, as DNS lists them.")
@click.option("--writers-dns", metavar="NAME:PORT/OPS", help="All writers, as DNS lists them.")
@click.option(
    "--slots",
    default=16,
    show_default=True,
    type=click.IntRange(1, MAX_SERVERS),
    help="How many of a role DNS may list.",
)
@click.option(
    "--nameserver",
    "nameservers",
    multiple=True,
    metavar="ADDRESS:PORT",
    help="Ask it again and again for names; `system`: those of /etc/resolv.conf. Repeat it.",
)
@click.option("--domain", default="", help="Added to names without a dot.")
@click.option("--bind", default="0.0.0.0", show_default=True)
@click.option("--http-port", default=8080, show_default=True, type=click.IntRange(1, 65535))
@click.option("--https-port", default=8443, show_default=True, type=click.IntRange(1, 65535))
@click.option(
    "--certificate",
    default="gateway.pem",
    show_default=True,
    help="Certificate and key in one file; a relative path starts in FOLDER.",
)
@click.option(
    "--control",
    default=haproxy.LOCAL_CONTROL,
    show_default=True,
    help="Where the runtime socket listens, and with which rights.",
)
@click.option("--placement", default="hash", show_default=True, type=click.Choice(PLACEMENTS))
@click.option("--cors-origins", default="", help="As CORS_ORIGINS of the processes.")
@click.option(
    "--max-connections",
    type=click.IntRange(10, 1_000_000),
    help="Half the descriptors of where it runs. Default: for this machine.",
)
@click.option(
    "--memory-mib",
    type=click.IntRange(MIN_GATEWAY_MIB, 1_000_000),
    help="What HAProxy may take: without --max-connections, no more than fit into it.",
)
@click.option(
    "--threads",
    default=lambda: haproxy.default_threads(len(os.sched_getaffinity(0))),
    type=click.IntRange(1, haproxy.MAX_THREADS),
    help="Half the cores of where it runs. Default: for this machine.",
)
def gateway_config(folder: Path, **told: Any) -> None:
    """Write haproxy.cfg, and the replies that it names, into FOLDER.

    For example: livecomments gateway-config gw --node 10.0.0.1:8080/9090 --node 10.0.0.2:8080/9090
    --writer 10.0.0.1:8081/9091

    HOST may be an address, a name, or many names: node-[1-16].nodes.example. PORT is the
    PUBLIC_PORT of the process, OPS its OPS_PORT. NAME is a DNS name with an address for each
    process, or _SERVICE._tcp.NAME/OPS for SRV records. HAProxy must be 2.6 or newer.
    """
    gateway = _gateway(told)
    folder.mkdir(parents=True, exist_ok=True)
    config = haproxy.write(gateway, folder)
    say(f"{config}: try it by `haproxy -c -f {config}`; all of {folder} belongs beside it")
    if not gateway.nameservers and any(map(_by_name, (gateway.nodes, gateway.writers))):
        say("Names are looked up once, when HAProxy starts: with --nameserver, while it runs too.")


@click.command("gateway-certificate")
@click.argument("certificate", type=click.Path(path_type=Path, dir_okay=False))
@click.option(
    "--control",
    "folder",
    required=True,
    type=click.Path(path_type=Path, file_okay=False),
    help=f"Where HAProxy's runtime socket is, which is called {SOCKET}.",
)
def gateway_certificate(certificate: Path, folder: Path) -> None:
    """Give a running HAProxy its CERTIFICATE whenever that changes; until SIGTERM.

    For example: livecomments gateway-certificate /tls/gateway.pem --control /run/gateway

    CERTIFICATE is what gateway-config was told, and holds the key, if CERTIFICATE.key does not.
    HAProxy reads it only when it starts. Here streams and connections stay.
    """

    async def follow() -> None:
        following = follow_certificate(certificate, UnixControl(folder), say)
        await until_terminated(asyncio.ensure_future(following))

    asyncio.run(follow())


def _gateway(told: dict[str, Any]) -> haproxy.Gateway:
    """Raises ClusterError, ConfigError."""
    nameservers = read_nameservers(told["nameservers"])
    if not nameservers and (told["nodes_dns"] or told["writers_dns"]):
        raise ClusterError("--nodes-dns and --writers-dns need --nameserver")
    reader = EnvReader({"CORS_ORIGINS": told["cors_origins"]})
    origins = reader.origins("CORS_ORIGINS")
    reader.done()
    return haproxy.Gateway(
        bind=_bind(told["bind"]),
        http_port=told["http_port"],
        https_port=told["https_port"],
        certificate=Path(told["certificate"]),
        placement=told["placement"],
        nodes=_servers("node", told),
        writers=_servers("writer", told),
        max_connections=told["max_connections"] or _most_connections(told["memory_mib"]),
        origins=origins,
        control=told["control"],
        nameservers=nameservers,
        spare_slots=0,  # whoever adds a process writes a new file, or lets DNS list it
        threads=told["threads"],
    )


def _servers(role: str, told: dict[str, Any]) -> Servers:
    asked = Asked(role, told[f"{role}s"], told[f"{role}s_dns"], told["slots"])
    return read_servers(asked, told["domain"])


def _most_connections(memory_mib: int | None) -> int:
    most = haproxy.default_max_connections()
    return most if memory_mib is None else min(most, gateway_connections(memory_mib))


def _bind(text: str) -> str:
    try:
        return parse_bind(text)
    except ValueError as exc:
        raise ClusterError(f"--bind {text}: {exc}") from exc


def _by_name(servers: Servers) -> bool:
    return isinstance(servers, Discovered) or any(is_name(server.host) for server in servers)


COMMANDS = (certs, gateway_config, gateway_certificate)
