"""What `livecomments gateway-config` writes, in a real HAProxy; names come from a DNS server whose
answers change.
"""

from __future__ import annotations

import asyncio
import contextlib
import subprocess
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp
import pytest

from cluster.ca import DevelopmentCa
from cluster.folder import CHECKOUT
from cluster.ports import free_ports
from cluster.servers import haproxy
from tests.dns_server import DnsServer
from tests.integration.cluster.servers.gateway_support import Upstream, answer_json
from tests.support import TIMEOUT_FACTOR

pytestmark = pytest.mark.skipif(haproxy.find_haproxy() is None, reason="HAProxy is not installed")

COMMENTS = "/v1/videos/v1/comments"


def gateway_config(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "cluster", "gateway-config", str(folder), *words]
    return subprocess.run(command, cwd=CHECKOUT, capture_output=True, text=True, timeout=60)


@dataclass
class Site:
    """Two writers on addresses of their own, and one DNS server; `http` is the gateway's port."""

    folder: Path
    dns: DnsServer
    writers: list[Upstream]
    ports: tuple[int, int]
    http: int = field(default_factory=lambda: free_ports(1)[0])

    def write(self, *words: str) -> None:
        https = free_ports(1)[0]
        common = ["--bind", "127.0.0.1", f"--http-port={self.http}", f"--https-port={https}"]
        done = gateway_config(self.folder, *common, "--node=127.0.0.1:1/1", *words)
        assert done.returncode == 0, done.stderr
        DevelopmentCa.new().ensure_gateway(self.folder)

    @contextlib.asynccontextmanager
    async def run(self) -> AsyncIterator[aiohttp.ClientSession]:
        command = haproxy.command(self.folder / "haproxy.cfg")
        with (self.folder / "log").open("wb") as log:
            process = subprocess.Popen(command, cwd=self.folder, stdout=log, stderr=log)
        try:
            async with aiohttp.ClientSession(f"http://127.0.0.1:{self.http}") as client:
                yield client
        finally:
            process.kill()
            process.wait()

    async def until_served_by(self, client: aiohttp.ClientSession, writer: Upstream) -> None:
        """Ask until a request reaches it."""
        async with asyncio.timeout(30 * TIMEOUT_FACTOR):
            while not writer.seen:
                with contextlib.suppress(aiohttp.ClientError):
                    async with client.get(COMMENTS) as reply:
                        await reply.read()
                await asyncio.sleep(0.02)


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    ports = free_ports(2)
    writers = [Upstream(n, answer_json, f"127.0.0.{n + 1}", (ports[0], ports[1])) for n in (1, 2)]
    async with DnsServer().run() as dns:
        for writer in writers:
            await writer.start()
        yield Site(tmp_path, dns, writers, (ports[0], ports[1]))
        for writer in writers:
            await writer.stop()


async def test_a_name_gets_another_address(site: Site) -> None:
    public, ops = site.ports
    site.dns.addresses = {"writer-1.hosts": ["127.0.0.2"]}
    site.write(
        f"--writer=writer-[1-2]:{public}/{ops}", "--domain=hosts",
        f"--nameserver=127.0.0.1:{site.dns.port}",
    )  # fmt: skip
    async with site.run() as client:
        await site.until_served_by(client, site.writers[0])
        await site.writers[0].stop()
        site.dns.addresses = {"writer-1.hosts": ["127.0.0.3"]}
        await site.until_served_by(client, site.writers[1])
        assert site.dns.asked == {"writer-1.hosts", "writer-2.hosts"}


async def test_one_name_stands_for_all_writers(site: Site) -> None:
    public, ops = site.ports
    site.dns.addresses = {"writers.hosts": ["127.0.0.2"]}
    site.write(
        f"--writers-dns=writers.hosts:{public}/{ops}", "--slots=4",
        f"--nameserver=127.0.0.1:{site.dns.port}",
    )  # fmt: skip
    async with site.run() as client:
        await site.until_served_by(client, site.writers[0])
        await site.writers[0].stop()
        site.dns.addresses = {"writers.hosts": ["127.0.0.3"]}
        await site.until_served_by(client, site.writers[1])


async def test_srv_records_name_the_ports(site: Site) -> None:
    public, ops = site.ports
    site.dns.addresses = {"w1.hosts": ["127.0.0.2"], "w2.hosts": ["127.0.0.3"]}
    site.dns.services = {"_http._tcp.writers.hosts": [("w2.hosts", public)]}
    site.write(
        f"--writers-dns=_http._tcp.writers.hosts/{ops}", "--slots=4",
        f"--nameserver=127.0.0.1:{site.dns.port}",
    )  # fmt: skip
    async with site.run() as client:
        await site.until_served_by(client, site.writers[1])
        assert not site.writers[0].seen


async def test_a_nameserver_may_be_away(site: Site) -> None:
    public, ops = site.ports
    site.dns.addresses = {"writer-1.hosts": ["127.0.0.2"]}
    nobody = free_ports(1)[0]
    site.write(
        f"--writer=writer-1.hosts:{public}/{ops}",
        f"--nameserver=127.0.0.1:{nobody}", f"--nameserver=127.0.0.1:{site.dns.port}",
    )  # fmt: skip
    async with site.run() as client:
        await site.until_served_by(client, site.writers[0])


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--node=x", "--writer=a:1/2"], "must be HOST:PORT/OPS_PORT"),
        (["--node=a:1/2"], "--writer for each"),
        (["--node=a:1/2", "--node=1=b:1/2", "--writer=a:1/2"], "different"),
        (["--node=a[3-1]:1/2", "--writer=a:1/2"], "must be HOST:PORT/OPS_PORT"),
        (["--node=a:1/2", "--writers-dns=b:1/2"], "need --nameserver"),
        (["--node=a:1/2", "--writers-dns=10.0.0.1:1/2", "--nameserver=system"], "must be NAME"),
        (["--node=a:1/2", "--writer=a:1/2", "--nameserver=names"], "must be an address"),
        (["--node=a:1/2", "--writer=a:1/2", "--bind=names"], "--bind"),
        (["--node=a:1/2", "--writer=a:1/2", "--cors-origins=names"], "no origin"),
    ],
)
def test_what_cannot_work_is_told_in_a_line(tmp_path: Path, words: list[str], told: str) -> None:
    done = gateway_config(tmp_path / "gw", *words)
    assert done.returncode == 1
    assert told in done.stderr
    assert done.stderr.count("\n") == 1
    assert not (tmp_path / "gw").exists()


@pytest.mark.parametrize(
    ("words", "most"),
    [
        (["--memory-mib=128"], 1024),
        (["--memory-mib=128", "--max-connections=3000"], 3000),
        (["--memory-mib=1000000"], haproxy.default_max_connections()),
        ([], haproxy.default_max_connections()),
    ],
)
def test_no_more_connections_than_fit(tmp_path: Path, words: list[str], most: int) -> None:
    done = gateway_config(tmp_path, "--node=10.0.0.1:1/1", "--writer=10.0.0.1:2/2", *words)
    assert done.returncode == 0, done.stderr
    assert f"    maxconn {most}\n" in (tmp_path / "haproxy.cfg").read_text()
