"""Hosts of a test, on one machine: a network namespace for each, and a switch between them.

Clock and disk are shared, and so are the cores: what a cut host does to the network is real, what a
dead one would do to its disk is not shown. The machine's own network gets no interface and no rule.
A host that is cut keeps its processes; their connections notice by time-outs only, as with a cable.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

_SWITCH = "switch"
_MASK = 24


class Network:
    """addresses: of each host, IPv4, by a name of at most 8 letters. prefix: of the names of the
    namespaces, which are the machine's.
    """

    def __init__(self, prefix: str, addresses: Mapping[str, str]) -> None:
        self._prefix = prefix
        self.addresses = dict(addresses)

    @contextmanager
    def run(self) -> Iterator[None]:
        """Made at once, removed at the end; the processes in it must have ended then."""
        try:
            self._make()
            yield
        finally:
            for host in (*self.addresses, _SWITCH):
                subprocess.run(["ip", "netns", "del", self._namespace(host)], capture_output=True)

    def command(self, host: str, *command: str) -> list[str]:
        """To run this on a host."""
        return ["ip", "netns", "exec", self._namespace(host), *command]

    def namespace(self, host: str) -> Path:
        """Its file, for `nsenter`, which leaves /sys as it is."""
        return Path("/run/netns") / self._namespace(host)

    def cut(self, host: str) -> None:
        """Nothing arrives there or leaves it."""
        self._at(_SWITCH, "link", "set", "dev", host, "down")

    def heal(self, host: str) -> None:
        """As before."""
        self._at(_SWITCH, "link", "set", "dev", host, "up")

    def move(self, host: str, address: str) -> None:
        """It has another address from now on."""
        self._at(host, "addr", "flush", "dev", "eth0")
        self._at(host, "addr", "add", f"{address}/{_MASK}", "dev", "eth0")
        self.addresses[host] = address

    def _make(self) -> None:
        for host in (_SWITCH, *self.addresses):
            _ip("netns", "add", self._namespace(host))
            self._at(host, "link", "set", "lo", "up")
        self._at(_SWITCH, "link", "add", "name", "br0", "type", "bridge")
        self._at(_SWITCH, "link", "set", "br0", "up")
        for host, address in self.addresses.items():
            peer = ("peer", "name", "eth0", "netns", self._namespace(host))
            self._at(_SWITCH, "link", "add", "name", host, "type", "veth", *peer)
            self._at(_SWITCH, "link", "set", "dev", host, "master", "br0", "up")
            self._at(host, "addr", "add", f"{address}/{_MASK}", "dev", "eth0")
            self._at(host, "link", "set", "eth0", "up")

    def _at(self, host: str, *words: str) -> None:
        _ip("-n", self._namespace(host), *words)

    def _namespace(self, host: str) -> str:
        return f"{self._prefix}-{host}"


def why_no_network() -> str | None:
    """Why hosts cannot be made on this machine, None if they can."""
    if os.geteuid() != 0:
        return "only root can make network namespaces"
    if shutil.which("ip") is None:
        return "there is no `ip` (Debian's iproute2)"
    network = Network(f"try{os.getpid()}", {"a": "10.77.0.1"})
    try:
        with network.run():
            done = subprocess.run(network.command("a", "true"), capture_output=True, text=True)
    except subprocess.CalledProcessError as exc:
        return f"no network namespace can be made here: {exc.stderr.strip()}"
    return None if done.returncode == 0 else f"nothing runs in one: {done.stderr.strip()}"


def _ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True, capture_output=True, text=True)
