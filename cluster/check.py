"""`haproxy -c` on every configuration that we can write; part of `make check`."""

from __future__ import annotations

import dataclasses
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from cluster.ca import DevelopmentCa
from cluster.docker.prepare import CONTROL_HOST, container_gateway
from cluster.servers import haproxy
from cluster.servers.haproxy_servers import SYSTEM_NAMESERVERS, Discovered, Server
from cluster.settings import EVERY_PART, PLACEMENTS, Settings

_SERVERS = [Server(n, "127.0.0.1", 21_000 + n, 22_000 + n) for n in (1, 2, 3)]
_NAMED = [Server(n, f"node-{n}.nodes.example", 8080, 9090) for n in (1, 2, 12)]
_LISTED = Discovered("nodes.example", 8080, 9090, slots=16)
_BY_SRV = Discovered("_http._tcp.writers.example", None, 9090, slots=4)
_NAMESERVERS = ("10.0.0.53:53", "[fd00::53]:53", SYSTEM_NAMESERVERS)
_ORIGINS = ("https://watch.example:8443", "http://[::1]")


def configurations() -> Iterator[tuple[str, haproxy.Gateway]]:
    """What is checked, each with a name for people."""
    for placement in PLACEMENTS:
        yield f"processes, PLACEMENT={placement}", _of_processes(placement)
        variables = {EVERY_PART: {"CORS_ORIGINS": ",".join(_ORIGINS)}}
        settings = Settings(placement=placement, environment=variables)
        in_containers = container_gateway(settings, mib=1024)
        # The name of the runtime socket's address is known in the container only.
        control = in_containers.control.replace(CONTROL_HOST, "127.0.0.1")
        in_containers = dataclasses.replace(in_containers, control=control)
        yield f"containers, PLACEMENT={placement}", in_containers
    alone = dataclasses.replace(_of_processes("hash"), nodes=(), writers=(), single=_SERVERS[:1])
    yield "processes, TOPOLOGY=single", alone
    elsewhere = dataclasses.replace(_of_processes("hash"), spare_slots=0)
    yield "hosts, by addresses", elsewhere
    for how, nodes in (("names", _NAMED), ("DNS", _LISTED)):
        asking = dataclasses.replace(
            elsewhere, nodes=nodes, writers=_BY_SRV, nameservers=_NAMESERVERS
        )
        yield f"hosts, by {how} that change", asking


def check_gateway(gateway: haproxy.Gateway, folder: Path) -> str:
    """Write the configuration into `folder`; what HAProxy objects to, "" for nothing.

    Warnings count.
    """
    DevelopmentCa.new().ensure_gateway(folder)
    config = haproxy.write(gateway, folder)
    command = [*haproxy.command(config), "-c", "-dW"]
    done = subprocess.run(
        command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    return done.stdout if done.returncode else ""


def _of_processes(placement: str) -> haproxy.Gateway:
    return haproxy.Gateway(
        bind="127.0.0.1",
        http_port=8080,
        https_port=8443,
        certificate=Path("gateway.pem"),
        placement=placement,
        nodes=_SERVERS,
        writers=_SERVERS[:2],
        max_connections=haproxy.default_max_connections(),
        origins=_ORIGINS,
    )


def main() -> None:
    """Exit status 1 if HAProxy refuses one of the configurations."""
    failed = False
    for name, gateway in configurations():
        with tempfile.TemporaryDirectory() as folder:
            trouble = check_gateway(gateway, Path(folder))
        print(f"haproxy -c, {name}: {'refused' if trouble else 'valid'}")
        print(trouble, end="", file=sys.stderr)
        failed = failed or bool(trouble)
    sys.exit(failed)


if __name__ == "__main__":
    main()
