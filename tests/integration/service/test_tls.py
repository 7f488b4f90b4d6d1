"""Who may call whom. With TLS 1.3 a refused client sees a handshake that succeeds and learns of the
refusal when it reads: so every test here sends a body, reads, and asks the server what it got.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from cluster.ca import DevelopmentCa
from service import tls
from service.http_client import InternalClient
from service.tls import TlsFiles
from tests.integration.service.pki import DAY, Pki
from tests.integration.service.web_stub import WebStub
from tests.support import eventually
from wire.errors import PeerError
from wire.roles import Peer, Role, dns_name

REQUEST = b"POST /private HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\nConnection: close\r\n\r\nbody"
NODE_NAME = dns_name(Role.NODE, "n1")


@pytest.fixture(autouse=True)
def _check_often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tls, "_CHECK_EVERY_S", 0.0)


@pytest.fixture
def pki(tmp_path: Path) -> Pki:
    return Pki(tmp_path)


@pytest.fixture
async def node(pki: Pki) -> AsyncIterator[WebStub]:
    """A node's listener; /private takes bodies from writers only."""
    context = pki.files(Role.NODE, "n1").server()
    async with WebStub(ssl_context=context, head_deadline_s=10.0) as node:
        yield node


async def post(node: WebStub, context: ssl.SSLContext | None, name: str = NODE_NAME) -> bytes:
    """Send a body and read to the end; b"" when the other side hangs up on us."""
    try:
        reader, writer = await asyncio.open_connection(
            "127.0.0.1",
            node.port,
            ssl=context,
            server_hostname=name if context else None,
        )
    except OSError:  # SSLError is one
        return b""
    try:
        writer.write(REQUEST)
        return await asyncio.wait_for(reader.read(), 20)
    except OSError:
        return b""
    finally:
        writer.transport.abort()


async def assert_refused(node: WebStub, context: ssl.SSLContext | None) -> None:
    assert await post(node, context) == b""
    assert node.bodies == []
    assert node.callers == []


async def test_the_right_role_of_the_right_ca_is_let_in(pki: Pki, node: WebStub) -> None:
    assert b" 200 " in await post(node, pki.files(Role.WRITER, "w1").client())
    assert (node.bodies, node.callers) == ([b"body"], ["w1"])


async def test_a_client_without_a_certificate_is_refused(pki: Pki, node: WebStub) -> None:
    await assert_refused(node, pki.nobody())


async def test_a_client_of_a_foreign_ca_is_refused(pki: Pki, node: WebStub) -> None:
    foreign = DevelopmentCa.new()
    await assert_refused(node, pki.files(Role.WRITER, "w1", ca=foreign).client())


async def test_a_foreign_ca_of_the_same_name_is_refused(pki: Pki, node: WebStub) -> None:
    namesake = DevelopmentCa.new("livecomments development CA")
    await assert_refused(node, pki.files(Role.WRITER, "w2", ca=namesake).client())


@pytest.mark.parametrize("role", [Role.NODE, Role.DISPATCHER, Role.SINGLE])
async def test_the_wrong_role_is_forbidden_before_its_body_is_read(
    pki: Pki, node: WebStub, role: Role
) -> None:
    reply = await post(node, pki.files(role, "x1").client())
    assert b" 403 " in reply
    assert b'"code":"forbidden"' in reply
    assert node.bodies == []


async def test_the_gateways_certificate_opens_nothing(pki: Pki, node: WebStub) -> None:
    folder = pki.root / "gateway"
    pki.ca.issue_gateway().write(folder)
    assert b" 403 " in await post(node, TlsFiles(folder).client())
    assert node.bodies == []


async def test_an_expired_certificate_is_refused(pki: Pki, node: WebStub) -> None:
    await assert_refused(node, pki.dated(Role.WRITER, "w1", -2 * DAY, -DAY).client())


async def test_a_certificate_that_is_not_valid_yet_is_refused(pki: Pki, node: WebStub) -> None:
    await assert_refused(node, pki.dated(Role.WRITER, "w1", DAY, 2 * DAY).client())


async def test_plain_http_on_the_tls_port_is_refused(node: WebStub) -> None:
    reply = await post(node, None)
    assert b"HTTP" not in reply
    assert node.bodies == []


async def test_a_client_that_never_speaks_is_cut_off(pki: Pki) -> None:
    context = pki.files(Role.NODE, "n1").server()
    async with WebStub(ssl_context=context, head_deadline_s=1.0) as node:
        reader, writer = await asyncio.open_connection("127.0.0.1", node.port)
        assert await asyncio.wait_for(reader.read(), 20) == b""
        writer.transport.abort()


async def test_older_tls_is_refused(pki: Pki, node: WebStub) -> None:
    context = pki.files(Role.WRITER, "w1").client()
    context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_2
    await assert_refused(node, context)


async def test_sessions_cannot_be_resumed(pki: Pki, node: WebStub) -> None:
    """A ticket would let a certificate in whose CA has been dropped since."""
    context = pki.files(Role.WRITER, "w1").client()

    def session() -> ssl.SSLSession | None:
        with (
            socket.create_connection(("127.0.0.1", node.port)) as plain,
            context.wrap_socket(plain, server_hostname=NODE_NAME) as sock,
        ):
            sock.sendall(REQUEST)
            while sock.recv(65536):
                pass
            return sock.session

    found = await asyncio.to_thread(session)
    assert node.bodies == [b"body"]
    assert found is None or not found.has_ticket


class Caller:
    """An internal client of the writer w1 and the peers that it knows."""

    def __init__(self, pki: Pki, node: WebStub) -> None:
        self.folder = pki.folder(Role.WRITER, "w1")
        self.client = InternalClient(TlsFiles(self.folder), deadline_s=5.0)
        self.node = node

    def peer(self, role: Role = Role.NODE, name: str = "n1") -> Peer:
        return Peer(role, name, "127.0.0.1", self.node.port)

    async def post(self, peer: Peer | None = None) -> bytes:
        return await self.client.post(peer or self.peer(), "/private", b"body")


@pytest.fixture
async def caller(pki: Pki, node: WebStub) -> AsyncIterator[Caller]:
    caller = Caller(pki, node)
    await caller.client.start()
    yield caller
    await caller.client.stop()


@pytest.mark.parametrize(
    ("role", "name"), [(Role.NODE, "n2"), (Role.WRITER, "n1"), (Role.DISPATCHER, "d1")]
)
async def test_a_server_with_another_name_gets_not_a_byte(
    caller: Caller, role: Role, name: str
) -> None:
    with pytest.raises(PeerError, match="Certificate"):
        await caller.post(caller.peer(role, name))
    assert caller.node.server.connections == 0
    assert caller.node.bodies == []


@pytest.mark.parametrize("fault", ["foreign", "expired", "early"])
async def test_a_server_with_a_bad_certificate_gets_not_a_byte(
    pki: Pki, caller: Caller, fault: str
) -> None:
    files = {
        "foreign": lambda: pki.files(Role.NODE, "bad", ca=DevelopmentCa.new()),
        "expired": lambda: pki.dated(Role.NODE, "bad", -2 * DAY, -DAY),
        "early": lambda: pki.dated(Role.NODE, "bad", DAY, 2 * DAY),
    }[fault]()
    async with WebStub(ssl_context=files.server()) as bad:
        with pytest.raises(PeerError, match="Certificate"):
            await caller.post(Peer(Role.NODE, "bad", "127.0.0.1", bad.port))
        assert (bad.bodies, bad.callers) == ([], [])


async def test_certificates_rotate_under_load_without_a_failed_call(
    pki: Pki, caller: Caller
) -> None:
    seen: set[bytes] = set()
    done = asyncio.Event()
    calls = 0

    async def load() -> None:
        nonlocal calls
        while not done.is_set():
            assert await caller.post() == b"{}"
            calls += 1

    async with asyncio.TaskGroup() as tasks:
        for _ in range(4):
            tasks.create_task(load())
        for _ in range(5):
            pki.ca.issue(Role.NODE, "n1").write(pki.root / "node-n1")
            pki.ca.issue(Role.WRITER, "w1").write(caller.folder)
            served = await served_certificate(pki, caller.node)
            seen.add(served)
            before = calls
            await eventually(lambda: calls > before + 20)  # noqa: B023
        done.set()
    assert len(seen) == 5
    assert len(caller.node.bodies) == calls


async def served_certificate(pki: Pki, node: WebStub) -> bytes:
    """What a new connection is shown."""
    _, writer = await asyncio.open_connection(
        "127.0.0.1", node.port, ssl=pki.nobody(), server_hostname=NODE_NAME
    )
    shown: bytes = writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
    writer.transport.abort()
    return shown


async def test_a_ca_is_replaced_without_a_failed_call_and_the_old_one_then_refused(
    pki: Pki, caller: Caller
) -> None:
    node_folder, old = pki.root / "node-n1", pki.files(Role.WRITER, "left-behind")
    old_client = old.client()
    new_ca = DevelopmentCa.new("the next CA")
    both = pki.ca.pem + new_ca.pem

    assert await caller.post() == b"{}"
    for folder in (node_folder, caller.folder):  # first everybody trusts both
        (folder / "ca.pem").write_bytes(both)
    assert await caller.post() == b"{}"
    for folder, role, name in (  # then everybody is issued anew
        (node_folder, Role.NODE, "n1"),
        (caller.folder, Role.WRITER, "w1"),
    ):
        new_ca.issue(role, name).write(folder)
        (folder / "ca.pem").write_bytes(both)
        assert await caller.post() == b"{}"
    (pki.root / "writer-left-behind" / "ca.pem").write_bytes(both)
    old_client.load_verify_locations(cadata=new_ca.pem.decode())
    assert b" 200 " in await post(caller.node, old_client)  # still trusted
    for folder in (node_folder, caller.folder):  # then the old one is dropped
        (folder / "ca.pem").write_bytes(new_ca.pem)
    assert await caller.post() == b"{}"

    before = list(caller.node.bodies)
    assert await post(caller.node, old_client) == b""
    assert caller.node.bodies == before
    assert set(caller.node.callers) == {"w1", "left-behind"}
    assert caller.node.callers.count("left-behind") == 1


async def test_half_written_files_keep_the_last_good_certificate(pki: Pki, caller: Caller) -> None:
    folder = pki.root / "node-n1"
    good = (folder / "cert.pem").read_bytes()
    shown = await served_certificate(pki, caller.node)
    for broken in (b"", good[: len(good) // 2], b"junk", pki.ca.issue(Role.NODE, "n1").cert_pem):
        (folder / "cert.pem").write_bytes(broken)
        assert await served_certificate(pki, caller.node) == shown
    (folder / "cert.pem").unlink()
    assert await served_certificate(pki, caller.node) == shown
    pki.ca.issue(Role.NODE, "n1").write(folder)
    assert await served_certificate(pki, caller.node) != shown


@pytest.mark.parametrize("missing", ["ca.pem", "cert.pem", "key.pem"])
def test_a_process_without_its_files_does_not_start(pki: Pki, missing: str) -> None:
    folder = pki.folder(Role.NODE, "n1")
    (folder / missing).unlink()
    with pytest.raises(OSError, match="No such file"):
        TlsFiles(folder)


def test_a_key_of_another_certificate_is_refused_at_once(pki: Pki) -> None:
    folder = pki.folder(Role.NODE, "n1")
    (folder / "key.pem").write_bytes(pki.ca.issue(Role.NODE, "n1").key_pem)
    with pytest.raises(ssl.SSLError):
        TlsFiles(folder)


async def test_nothing_of_this_is_left_open(pki: Pki, node: WebStub) -> None:
    for context in (pki.nobody(), pki.files(Role.NODE, "n2").client()):
        with contextlib.suppress(OSError):
            await post(node, context)
    await eventually(lambda: node.server.connections == 0)
