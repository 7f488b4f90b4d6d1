"""A cluster over several hosts, put up as docs/hosts.md says: certificates by `livecomments certs`,
the gateway's configuration by `livecomments gateway-config`, processes by the units of
deploy/systemd and its examples.

It runs inside the network of host `client`, where the DNS server of all hosts is too.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import aiohttp

from cluster.issuer import DevelopmentIssuer, identity_variables
from cluster.servers import cassandra, haproxy
from tests.dns_server import DnsServer
from tests.hosts.layout import CLIENT, Layout
from tests.hosts.network import Network
from tests.hosts.servers import CLIENT_PORT, CQL_PORT, cassandras, zookeepers
from tests.hosts.units import ROOT, read_environment, read_unit, write_environment
from tests.support import TIMEOUT_FACTOR

HTTP_PORT, HTTPS_PORT, DNS_PORT = 8080, 8443, 5353
_READY_WITHIN_S = 120.0
Condition = Callable[[], Awaitable[bool]]


@dataclass
class Site:
    """folder: of everything; network: made already. What runs is known by its name: `node-1`, or
    `zookeeper-a`, `cassandra-a`, `gateway-a` with the host's name.
    """

    folder: Path
    network: Network
    layout: Layout
    dns: DnsServer = field(init=False)
    _running: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.dns = DnsServer(port=DNS_PORT, host=self.network.addresses[CLIENT])

    @property
    def url(self) -> str:
        """Of the first gateway."""
        return self._url(self.layout.gateways[0])

    @property
    def issuer(self) -> Path:
        """The folder of the keys that tokens are signed with."""
        return self.folder / "issuer"

    @asynccontextmanager
    async def run(self) -> AsyncIterator[None]:
        """Up and ready; what runs is killed at the end."""
        DevelopmentIssuer.load_or_create(self.issuer)
        with self._ended():
            async with self.dns.run():
                await self._start_servers()
                self._install()
                for name in self.layout.by_name:
                    self.start(name)
                for host in self.layout.gateways:
                    folder = self._gateway(host)
                    self._run(
                        f"gateway-{host}", host, haproxy.command(folder / "haproxy.cfg"), folder
                    )
                await self._until(self._all_ready)
                yield

    def start(self, name: str) -> None:
        """A process, as its unit says."""
        process = self.layout.by_name[name]
        unit = read_unit(process.role, str(process.number), self._etc(process.host))
        self._run(name, process.host, unit.command, ROOT, unit.environment)

    async def stop(self, name: str) -> None:
        """As `systemctl stop`: SIGTERM once, and it must end in time, with 0."""
        process = self.layout.by_name[name]
        unit = read_unit(process.role, str(process.number), self._etc(process.host))
        running = self._running.pop(name)
        running.send_signal(signal.SIGTERM)
        async with asyncio.timeout(unit.stop_within_s * TIMEOUT_FACTOR):
            assert await asyncio.to_thread(running.wait) == 0, f"{name}: {self._log(name)}"

    def kill(self, name: str) -> None:
        """SIGKILL."""
        running = self._running.pop(name)
        running.kill()
        running.wait()

    async def move(self, name: str, address: str) -> None:
        """A process that has a host of its own ends without a word, and is started again under its
        id, at another address; DNS tells it.
        """
        host = self.layout.by_name[name].host
        self.kill(name)
        self.network.move(host, address)
        self._write_etc(host)
        self._publish()
        self.start(name)

    async def until_ready(self, name: str) -> None:
        """Wait until a process says so."""
        await self._until(lambda: self._ready(name))

    async def _ready(self, name: str) -> bool:
        process = self.layout.by_name[name]
        port = read_environment(self._etc(process.host) / f"{process.role}.env")["OPS_PORT"]
        return await _answers(f"http://{self.network.addresses[process.host]}:{port}/readyz")

    async def _all_ready(self) -> bool:
        gateways = [await _answers(f"{self._url(host)}/readyz") for host in self.layout.gateways]
        return all(gateways) and all([await self._ready(name) for name in self.layout.by_name])

    def _install(self) -> None:
        processes = self.layout.processes
        names = [f"{process.role}/{process.name}" for process in processes]
        _command("certs", str(self.folder / "certs"), *names, "gateway=comments.example")
        for host in {process.host for process in processes}:
            self._write_etc(host)
        self._publish()
        certificate = self.folder / "certs" / "gateway" / "gateway.pem"
        for host in self.layout.gateways:
            self._gateway(host).mkdir()
            shutil.copy(certificate, self._gateway(host))
            self._configure_gateway(host)

    def _configure_gateway(self, host: str) -> None:
        dns = f"{self.network.addresses[CLIENT]}:{DNS_PORT}"
        nodes, writers = self.layout.count("node"), self.layout.count("writer")
        _command(
            "gateway-config", str(self._gateway(host)), f"--nameserver={dns}",
            f"--node=node-[1-{nodes}].hosts:8301/8303",
            f"--writer=writer-[1-{writers}].hosts:8101/8103",
            f"--http-port={HTTP_PORT}", f"--https-port={HTTPS_PORT}", "--max-connections=5000",
        )  # fmt: skip

    def _write_etc(self, host: str) -> None:
        """/etc/livecomments of a host: the examples, with what is different here."""
        etc = self._etc(host)
        etc.mkdir(parents=True, exist_ok=True)
        if not (etc / "tls").exists():
            (etc / "tls").symlink_to(self.folder / "certs")
        of = self.network.addresses
        layout = self.layout
        write_environment(
            "common.env", etc, BIND_HOST=of[host],
            ZOOKEEPER=",".join(f"{of[each]}:{CLIENT_PORT}" for each in layout.zookeepers),
            TRUSTED_PROXIES=",".join(of[each] for each in layout.gateways),
        )  # fmt: skip
        servers = ",".join(f"{of[each]}:{CQL_PORT}" for each in layout.cassandras)
        where = {"CASSANDRA": servers, "CASSANDRA_REPLICATION": str(len(layout.cassandras))}
        who = {"AUTH": "open"} | identity_variables(self.issuer, {})
        write_environment("writer.env", etc, **where, **who)
        write_environment("dispatcher.env", etc)
        write_environment("node.env", etc)
        for process in layout.processes:
            if (process.host, process.role) == (host, "writer"):
                (etc / f"{process.name}.env").write_text("ALLOW_ANONYMOUS=yes\n")

    def _publish(self) -> None:
        """The addresses of all processes, as node-1.hosts and so on."""
        self.dns.addresses = {
            f"{process.name}.hosts": [self.network.addresses[process.host]]
            for process in self.layout.processes
        }

    async def _start_servers(self) -> None:
        """Cassandra's servers one after the other: none joins while another one does."""
        for server in zookeepers(self.layout, self.network.addresses, self.folder):
            self._run(server.name, server.host, server.command, server.folder)
        for server in cassandras(self.layout, self.network.addresses, self.folder):
            self._run(server.name, server.host, server.command, server.folder)
            address = self.network.addresses[server.host]
            await self._until(partial(cassandra.answers, address, CQL_PORT))

    async def _until(self, condition: Condition) -> None:
        async with asyncio.timeout(_READY_WITHIN_S * TIMEOUT_FACTOR):
            while not await condition():
                for name, process in self._running.items():
                    assert process.poll() is None, f"{name} has ended: {self._log(name)}"
                await asyncio.sleep(0.1)

    def _run(
        self,
        name: str,
        host: str,
        command: list[str],
        folder: Path,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        with (self.folder / f"{name}.log").open("ab") as log:
            self._running[name] = subprocess.Popen(
                self.network.command(host, *command), cwd=folder, stdout=log, stderr=log,
                stdin=subprocess.DEVNULL, env=os.environ | dict(environment or {}),
            )  # fmt: skip

    @contextmanager
    def _ended(self) -> Iterator[None]:
        try:
            yield
        finally:
            for process in self._running.values():
                process.kill()
                process.wait()

    def _url(self, gateway: str) -> str:
        return f"http://{self.network.addresses[gateway]}:{HTTP_PORT}"

    def _etc(self, host: str) -> Path:
        return self.folder / "etc" / host

    def _gateway(self, host: str) -> Path:
        return self.folder / f"gateway-{host}"

    def _log(self, name: str) -> str:
        return (self.folder / f"{name}.log").read_text()[-3000:]


async def _answers(url: str) -> bool:
    try:
        async with asyncio.timeout(2), aiohttp.request("GET", url) as reply:
            return reply.status == 200
    except (aiohttp.ClientError, TimeoutError):
        return False


def _command(*words: str) -> None:
    subprocess.run([sys.executable, "-m", "cluster", *words], cwd=ROOT, check=True)
