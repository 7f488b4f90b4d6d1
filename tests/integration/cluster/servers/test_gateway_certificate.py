"""A running HAProxy gets its new certificate, and its streams stay."""

from __future__ import annotations

import asyncio
import signal
import ssl
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from cluster.ca import DevelopmentCa
from cluster.folder import CHECKOUT
from tests.integration.cluster.servers.gateway_support import GatewayUnderTest
from tests.integration.cluster.servers.test_haproxy_streams import Viewer, opened
from tests.support import TIMEOUT_FACTOR


def put_certificate(folder: Path) -> DevelopmentCa:
    """A new one, of a CA of its own; in two files, as a Secret has it."""
    ca = DevelopmentCa.new()
    issued = ca.issue_gateway(("localhost",))
    folder.mkdir(exist_ok=True)
    (folder / "gateway.pem.key").write_bytes(issued.key_pem)
    (folder / "gateway.pem").write_bytes(issued.cert_pem)
    return ca


@asynccontextmanager
async def follower(
    certificate: Path, gateway: GatewayUnderTest
) -> AsyncIterator[asyncio.StreamReader]:
    """The command, and what it prints. It ends with 0 when it is asked to."""
    words = ("gateway-certificate", str(certificate), "--control", str(gateway.folder))
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "cluster", *words), cwd=CHECKOUT, stdout=asyncio.subprocess.PIPE
    )
    try:
        assert process.stdout is not None
        assert b"HAProxy has it" in await process.stdout.readline()
        yield process.stdout
        process.send_signal(signal.SIGTERM)
        assert await process.wait() == 0
    finally:
        with suppress(ProcessLookupError):
            process.kill()
        await process.wait()


async def until_trusted(gateway: GatewayUnderTest, ca: DevelopmentCa, viewer: Viewer) -> None:
    """New connections get a certificate of this CA; meanwhile the old one is served."""
    context = ssl.create_default_context(cadata=ca.pem.decode())
    async with asyncio.timeout(30 * TIMEOUT_FACTOR):
        while True:
            assert await viewer.is_served()
            try:
                await gateway.connect_tls(context)
            except ssl.SSLCertVerificationError:
                await asyncio.sleep(0.1)
            else:
                return


async def test_what_comes_into_the_file_is_handed_over(setup: GatewayUnderTest) -> None:
    folder = setup.folder / "tls"
    certificate = folder / "gateway.pem"
    first = put_certificate(folder)
    setup.edit = lambda text: text.replace("crt gateway.pem", f"crt {certificate}").replace(
        "timeout server 8s",
        "timeout server 60s",  # the stream says nothing while the command starts
    )
    async with setup.run():
        viewer = await opened(setup, "v1")
        await until_trusted(setup, first, viewer)
        async with follower(certificate, setup) as printed:
            second = put_certificate(folder)
            await until_trusted(setup, second, viewer)
            assert b"HAProxy has it" in await printed.readline()
            other = DevelopmentCa.new().issue_gateway(("localhost",))
            certificate.write_bytes(other.cert_pem)  # for another key
            while b"not now" not in await printed.readline():
                pass
            await until_trusted(setup, second, viewer)
            await until_trusted(setup, put_certificate(folder), viewer)
