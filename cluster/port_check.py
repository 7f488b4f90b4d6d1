"""Whether a part can listen on its ports, checked before it starts; if not, one line says why."""

from __future__ import annotations

import errno
from collections.abc import Mapping
from pathlib import Path

from cluster.addresses import join_port
from cluster.errors import CannotListen, PortTaken
from cluster.parts import Kind, Part
from cluster.ports import is_free
from cluster.settings import BIND, Settings

_FIRST_FREE = Path("/proc/sys/net/ipv4/ip_unprivileged_port_start")
_FIRST_FREE_USUALLY = 1024


def require_free_ports(part: Part, settings: Settings) -> None:
    """Raises PortTaken or CannotListen with a hint if `part` could not listen on this machine."""
    if part.kind is Kind.HAPROXY:
        require_gateway_ports(settings, part.ports)
        return
    hint = "stop that program, or everything here (`make cluster-down`)"
    for use, port in part.ports.items():
        require_free(part.host, port, f"{part.name}, {use}", hint)


def require_gateway_ports(settings: Settings, ports: Mapping[str, int]) -> None:
    """The same for the gateway; `ports` by use."""
    for use, port in ports.items():
        hint = f"stop that program, or choose another port with {use.upper()}_PORT="
        try:
            require_free(settings.bind, port, f"{Kind.HAPROXY}, {use}", hint)
        except PermissionError:
            if settings.runtime == "local":
                raise CannotListen(_for_root_only(port, f"{use.upper()}_PORT")) from None
            # An engine publishes ports as root.


def require_free(host: str, port: int, whose: str, hint: str) -> None:
    """Raises PortTaken if another program listens there, CannotListen if this machine has no such
    address, PermissionError if the port is for root only.
    """
    try:
        if not is_free(host, port):
            raise PortTaken(whose, port, hint)
    except OSError as exc:
        if exc.errno == errno.EADDRNOTAVAIL:
            raise CannotListen(f"this machine has no address {host}; change {BIND}=") from exc
        if exc.errno == errno.EAFNOSUPPORT:
            raise CannotListen(f"this machine has no IPv6 for {host}; change {BIND}=") from exc
        if exc.errno == errno.EACCES:
            raise
        raise CannotListen(f"{join_port(host, port)} ({whose}): {exc.strerror}") from exc


def require_free_for_dev(host: str, port: int) -> None:
    """For the one process of `make dev`. Raises PortTaken or CannotListen."""
    hint = (
        "stop it (is it the cluster? `make cluster-down`), or choose another port: "
        "make dev HTTP_PORT=8090"
    )
    try:
        require_free(host, port, "make dev", hint)
    except PermissionError:
        raise CannotListen(_for_root_only(port, "HTTP_PORT")) from None


def _for_root_only(port: int, variable: str) -> str:
    try:
        first = int(_FIRST_FREE.read_text())
    except (OSError, ValueError):
        first = _FIRST_FREE_USUALLY
    return (
        f"port {port} is for root on this machine: choose one from {first} on with {variable}=, "
        f"or allow it (sudo sysctl net.ipv4.ip_unprivileged_port_start={port})"
    )
