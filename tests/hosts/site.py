"""A cluster over several hosts, put up as docs/hosts.md says: certificates by `livecomments certs`,
the gateway's configuration by `livecomments gateway-config`, processes by the units of
deploy/systemd and its examples. ZooKeeper and Cassandra have a host each.

It runs inside the network of host `client`, where the DNS server of all hosts is too.
"""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp

from cluster.folder import home_folder, jars_folder
from cluster.issuer import DevelopmentIssuer, identity_variables
from cluster.servers import cassandra, cassandra_jars, haproxy, zookeeper
from tests.dns_server import DnsServer
from tests.hosts.network import Network
from tests.hosts.units import ROOT, read_environment, read_unit, write_environment
from tests.support import TIMEOUT_FACTOR

CLIENT, GATEWAY, ZOOKEEPER, CASSANDRA = "client", "gateway", "zk", "cassandra"
# Processes by host: each is the first or second of its role.
PROCESSES = {
    "w1": ("writer", "1"),
    "w2": ("writer", "2"),
    "d1": ("dispatcher", "1"),
    "d2": ("dispatcher", "2"),
    "n1": ("node", "1"),
    "n2": ("node", "2"),
}
HTTP_PORT, HTTPS_PORT, DNS_PORT = 8080, 8443, 5353
_ZOOKEEPER_PORT, _CQL_PORT, _STORAGE_PORT = 2181, 9042, 7000
_HEAP_MIB = 256
_READY_WITHIN_S = 120.0
Condition = Callable[[], Awaitable[bool]]


def addresses() -> dict[str, str]:
    """Of all hosts."""
    hosts = (CLIENT, GATEWAY, ZOOKEEPER, CASSANDRA, *PROCESSES)
    return {host: f"10.77.0.{number}" for number, host in enumerate(hosts, 10)}


@dataclass
class Site:
    """folder: of everything; network: made already."""

    folder: Path
    network: Network
    dns: DnsServer = field(init=False)
    _running: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.dns = DnsServer(port=DNS_PORT, host=self.network.addresses[CLIENT])

    @property
    def url(self) -> str:
        """Of the gateway."""
        return f"http://{self.network.addresses[GATEWAY]}:{HTTP_PORT}"

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
                self._start_servers()
                self._install()
                await self._until(self._servers_answer)
                for host in PROCESSES:
                    self.start(host)
                self._start_gateway()
                await self._until(self._gateway_ready)
                yield

    def start(self, host: str) -> None:
        """The process of this host, as its unit says."""
        role, number = PROCESSES[host]
        unit = read_unit(role, number, self._etc(host))
        self._run(host, unit.command, ROOT, unit.environment)

    async def stop(self, host: str) -> None:
        """As `systemctl stop`: SIGTERM once, and it must end in time, with 0."""
        role, number = PROCESSES[host]
        unit = read_unit(role, number, self._etc(host))
        process = self._running.pop(host)
        process.send_signal(signal.SIGTERM)
        async with asyncio.timeout(unit.stop_within_s * TIMEOUT_FACTOR):
            assert await asyncio.to_thread(process.wait) == 0, f"{host}: {self._log(host)}"

    def kill(self, host: str) -> None:
        """SIGKILL."""
        process = self._running.pop(host)
        process.kill()
        process.wait()

    async def move(self, host: str, address: str) -> None:
        """The process of this host ends without a word, and is started again under its id, at
        another address; DNS tells it.
        """
        self.kill(host)
        self.network.move(host, address)
        self._write_etc(host)
        self._publish()
        self.start(host)

    async def ready(self, host: str) -> bool:
        """Whether the process of this host says so."""
        role, _ = PROCESSES[host]
        port = read_environment(self._etc(host) / f"{role}.env")["OPS_PORT"]
        return await _answers(f"http://{self.network.addresses[host]}:{port}/readyz")

    async def until_ready(self, host: str) -> None:
        """Wait for that."""
        await self._until(lambda: self.ready(host))

    def _install(self) -> None:
        names = [f"{role}/{role}-{number}" for role, number in PROCESSES.values()]
        _command("certs", str(self.folder / "certs"), *names, "gateway=comments.example")
        for host in PROCESSES:
            self._write_etc(host)
        self._publish()
        dns = f"{self.network.addresses[CLIENT]}:{DNS_PORT}"
        gateway = self.folder / "certs" / "gateway"
        _command(
            "gateway-config", str(gateway), "--node=node-[1-2].hosts:8301/8303",
            "--writer=writer-[1-2].hosts:8101/8103", f"--nameserver={dns}",
            f"--http-port={HTTP_PORT}", f"--https-port={HTTPS_PORT}", "--max-connections=5000",
        )  # fmt: skip

    def _write_etc(self, host: str) -> None:
        """/etc/livecomments of a host: the examples, with what is different here."""
        role, number = PROCESSES[host]
        etc = self._etc(host)
        etc.mkdir(parents=True, exist_ok=True)
        if not (etc / "tls").exists():
            (etc / "tls").symlink_to(self.folder / "certs")
        of = self.network.addresses
        write_environment(
            "common.env", etc, BIND_HOST=of[host], ZOOKEEPER=f"{of[ZOOKEEPER]}:{_ZOOKEEPER_PORT}",
            TRUSTED_PROXIES=of[GATEWAY],
        )  # fmt: skip
        if role == "writer":
            where = {"CASSANDRA": f"{of[CASSANDRA]}:{_CQL_PORT}", "CASSANDRA_REPLICATION": "1"}
            who = {"AUTH": "open"} | identity_variables(self.issuer, {})
            write_environment("writer.env", etc, **where, **who)
            (etc / f"writer-{number}.env").write_text("ALLOW_ANONYMOUS=yes\n")
        else:
            write_environment(f"{role}.env", etc)

    def _publish(self) -> None:
        """The addresses of all processes, as node-1.hosts and so on."""
        self.dns.addresses = {
            f"{role}-{number}.hosts": [self.network.addresses[host]]
            for host, (role, number) in PROCESSES.items()
        }

    def _start_servers(self) -> None:
        keeper = zookeeper.ZooKeeperServer(1, self.folder / ZOOKEEPER, _ZOOKEEPER_PORT)
        zookeeper.write_config(keeper)
        text = keeper.config.read_text().replace(
            "clientPortAddress=127.0.0.1", f"clientPortAddress={self.network.addresses[ZOOKEEPER]}"
        )
        keeper.config.write_text(text)
        self._run(ZOOKEEPER, zookeeper.command(keeper), keeper.folder)
        jars = jars_folder(home_folder(os.environ))
        cassandra_jars.fetch(jars)
        store = cassandra.CassandraServer(
            1, self.folder / CASSANDRA, self.network.addresses[CASSANDRA], _CQL_PORT,
            _STORAGE_PORT, _HEAP_MIB, ("-XX:TieredStopAtLevel=1",),
        )  # fmt: skip
        cassandra.write_config(store)
        self._run(CASSANDRA, cassandra.command(store, jars), store.folder)

    def _start_gateway(self) -> None:
        folder = self.folder / "certs" / "gateway"
        self._run(GATEWAY, haproxy.command(folder / "haproxy.cfg"), folder)

    async def _servers_answer(self) -> bool:
        of = self.network.addresses
        return (
            await zookeeper.fetch_mode(of[ZOOKEEPER], _ZOOKEEPER_PORT) is not None
            and await cassandra.answers(of[CASSANDRA], _CQL_PORT)
        )  # fmt: skip

    async def _gateway_ready(self) -> bool:
        return await _answers(f"{self.url}/readyz") and all(
            [await self.ready(host) for host in PROCESSES]
        )

    async def _until(self, condition: Condition) -> None:
        async with asyncio.timeout(_READY_WITHIN_S * TIMEOUT_FACTOR):
            while not await condition():
                for host, process in self._running.items():
                    assert process.poll() is None, f"{host} has ended: {self._log(host)}"
                await asyncio.sleep(0.1)

    def _run(
        self,
        host: str,
        command: list[str],
        folder: Path,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        with (self.folder / f"{host}.log").open("ab") as log:
            self._running[host] = subprocess.Popen(
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

    def _etc(self, host: str) -> Path:
        return self.folder / "etc" / host

    def _log(self, host: str) -> str:
        return (self.folder / f"{host}.log").read_text()[-3000:]


async def _answers(url: str) -> bool:
    try:
        async with asyncio.timeout(2), aiohttp.request("GET", url) as reply:
            return reply.status == 200
    except (aiohttp.ClientError, TimeoutError):
        return False


def _command(*words: str) -> None:
    subprocess.run([sys.executable, "-m", "cluster", *words], cwd=ROOT, check=True)
