"""Where the gateway cannot listen: one line that says what to change."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from cluster.errors import CannotListen, PortTaken
from cluster.port_check import require_free_for_dev, require_gateway_ports
from cluster.ports import free_ports
from cluster.settings import Settings

NOBODY = 65_534
FIRST_FREE = int(Path("/proc/sys/net/ipv4/ip_unprivileged_port_start").read_text())


@contextmanager
def not_root() -> Iterator[None]:
    """Without root's rights, as a person works."""
    before = os.geteuid()
    if before == 0:
        os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(before)


@pytest.mark.parametrize("bind", ["0.0.0.0", "127.0.0.1"])
def test_a_port_of_somebody_else_is_told_with_its_variable(bind: str) -> None:
    with socket.create_server((bind, 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(PortTaken, match=f"port {port} .*HTTPS_PORT="):
            require_gateway_ports(Settings(bind="127.0.0.1"), {"https": port})
        with pytest.raises(PortTaken, match=f"port {port} .*HTTP_PORT="):
            require_free_for_dev("127.0.0.1", port)


@pytest.mark.parametrize("bind", ["192.0.2.1", "2001:db8::1"])
def test_an_address_that_the_machine_does_not_have_is_told(bind: str) -> None:
    (port,) = free_ports(1)
    with pytest.raises(CannotListen, match=f"no .*{bind}; change BIND="):
        require_gateway_ports(Settings(bind=bind), {"http": port})


@pytest.mark.skipif(FIRST_FREE < 2, reason="here every port is everybody's")
def test_a_port_that_is_for_root_is_told_with_the_ones_that_are_not() -> None:
    port = FIRST_FREE - 1
    told = f"port {port} is for root .*from {FIRST_FREE} on with HTTP_PORT="
    with not_root():
        with pytest.raises(CannotListen, match=told):
            require_gateway_ports(Settings(), {"http": port})
        with pytest.raises(CannotListen, match=told):
            require_free_for_dev("127.0.0.1", port)
        # An engine publishes ports as root.
        require_gateway_ports(Settings(runtime="docker"), {"http": port})
