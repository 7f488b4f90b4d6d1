"""Choosing ports."""

from __future__ import annotations

import socket
import subprocess
import sys
from contextlib import ExitStack

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


_GIVE = "from cluster.ports import free_ports; print(*free_ports(90), flush=True); input()"


def test_no_port_is_given_to_two_processes_before_either_listens_on_it() -> None:
    given: list[int] = []
    with ExitStack() as running:
        for _ in range(5):
            process = running.enter_context(
                subprocess.Popen(
                    [sys.executable, "-c", _GIVE], stdin=subprocess.PIPE, stdout=subprocess.PIPE
                )
            )
            assert process.stdout is not None
            given += map(int, process.stdout.readline().split())
    assert len(set(given)) == len(given) == 5 * 90
