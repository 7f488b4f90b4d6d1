"""Choosing ports."""

from __future__ import annotations

import socket

from cluster.ports import FIRST_PORT, LAST_PORT, free_ports, is_free


def test_free_ports_are_different_and_free() -> None:
    ports = free_ports(20)
    assert len(set(ports)) == 20
    assert all(FIRST_PORT <= port < LAST_PORT and is_free("127.0.0.1", port) for port in ports)


def test_a_port_that_somebody_listens_on_is_not_free() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        assert not is_free("127.0.0.1", other.getsockname()[1])


def test_no_port_is_given_twice_before_anybody_listens_on_it() -> None:
    given = [port for _ in range(300) for port in free_ports(3)]
    assert len(set(given)) == len(given)
