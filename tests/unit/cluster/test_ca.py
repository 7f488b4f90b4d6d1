"""The development CA: what it issues, and when it issues again."""

from __future__ import annotations

import asyncio
import datetime as dt
import ssl
import stat
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from cluster.ca import DevelopmentCa
from service.tls import TlsFiles, peer_identity
from wire.roles import Role, dns_name

NOW = dt.datetime.now(dt.UTC)
DAY = dt.timedelta(days=1)


@pytest.fixture(scope="module")
def ca() -> DevelopmentCa:
    return DevelopmentCa.new()


async def exchange(server: TlsFiles, client: TlsFiles, name: str) -> object:
    """Who the server saw, after one byte each way."""
    seen: list[object] = []

    async def on_connection(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        seen.append(peer_identity(writer.transport))
        writer.write(await reader.readexactly(1))
        writer.close()

    listener = await asyncio.start_server(on_connection, "127.0.0.1", 0, ssl=server.server())
    async with listener:
        port = listener.sockets[0].getsockname()[1]
        reader, writer = await asyncio.open_connection(
            "127.0.0.1", port, ssl=client.client(), server_hostname=name
        )
        try:
            writer.write(b"x")
            assert await reader.read(1) == b"x"
        finally:
            writer.close()
    return seen[0]


async def test_two_processes_prove_role_and_id_to_each_other(
    ca: DevelopmentCa, tmp_path: Path
) -> None:
    ca.ensure_process(tmp_path / "n", Role.NODE, "node-1")
    ca.ensure_process(tmp_path / "d", Role.DISPATCHER, "dispatcher-1")
    server, client = TlsFiles(tmp_path / "n"), TlsFiles(tmp_path / "d")
    seen = await exchange(server, client, dns_name(Role.NODE, "node-1"))
    assert seen == (Role.DISPATCHER, "dispatcher-1")


async def test_a_server_of_another_id_is_refused(ca: DevelopmentCa, tmp_path: Path) -> None:
    ca.ensure_process(tmp_path / "n", Role.NODE, "node-1")
    files = TlsFiles(tmp_path / "n")
    with pytest.raises(ssl.SSLCertVerificationError):
        await exchange(files, files, dns_name(Role.NODE, "node-2"))


async def test_an_expired_certificate_is_refused(ca: DevelopmentCa, tmp_path: Path) -> None:
    issued = ca.issue(Role.NODE, "node-1", not_before=NOW - 2 * DAY, not_after=NOW - DAY)
    issued.write(tmp_path)
    files = TlsFiles(tmp_path)
    with pytest.raises(ssl.SSLCertVerificationError):
        await exchange(files, files, dns_name(Role.NODE, "node-1"))


def test_good_files_are_left_alone(ca: DevelopmentCa, tmp_path: Path) -> None:
    assert ca.ensure_process(tmp_path, Role.WRITER, "writer-1")
    before = (tmp_path / "cert.pem").stat()
    assert not ca.ensure_process(tmp_path, Role.WRITER, "writer-1")
    assert (tmp_path / "cert.pem").stat() == before


@pytest.mark.parametrize(("left_days", "renewed"), [(29, True), (31, False)])
def test_a_certificate_is_renewed_in_its_last_third(
    ca: DevelopmentCa, tmp_path: Path, left_days: int, renewed: bool
) -> None:
    end = NOW + left_days * DAY
    issued = ca.issue(Role.WRITER, "writer-1", not_before=end - 90 * DAY, not_after=end)
    issued.write(tmp_path)
    assert ca.ensure_process(tmp_path, Role.WRITER, "writer-1") is renewed


def test_a_certificate_of_another_ca_or_name_is_replaced(ca: DevelopmentCa, tmp_path: Path) -> None:
    DevelopmentCa.new().ensure_process(tmp_path, Role.WRITER, "writer-1")
    assert ca.ensure_process(tmp_path, Role.WRITER, "writer-1")
    assert ca.ensure_process(tmp_path, Role.WRITER, "writer-2")


def test_a_truncated_file_is_replaced(ca: DevelopmentCa, tmp_path: Path) -> None:
    ca.ensure_process(tmp_path, Role.WRITER, "writer-1")
    (tmp_path / "cert.pem").write_text("")
    assert ca.ensure_process(tmp_path, Role.WRITER, "writer-1")


def test_keys_are_for_their_owner_only(tmp_path: Path) -> None:
    ca = DevelopmentCa.load_or_create(tmp_path / "ca")
    ca.ensure_process(tmp_path / "w", Role.WRITER, "writer-1")
    ca.ensure_gateway(tmp_path / "g")
    for path in ("ca/ca.key", "w/key.pem", "g/key.pem", "g/gateway.pem"):
        assert stat.S_IMODE((tmp_path / path).stat().st_mode) == 0o600, path


def test_the_ca_is_kept(tmp_path: Path) -> None:
    first = DevelopmentCa.load_or_create(tmp_path)
    assert DevelopmentCa.load_or_create(tmp_path).pem == first.pem


def test_the_gateway_certificate_names_this_machine_and_no_role(
    ca: DevelopmentCa, tmp_path: Path
) -> None:
    assert ca.ensure_gateway(tmp_path)
    assert not ca.ensure_gateway(tmp_path)
    certificate = x509.load_pem_x509_certificate((tmp_path / "gateway.pem").read_bytes())
    san = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert {str(name.value) for name in san} == {"localhost", "127.0.0.1", "::1"}


def test_what_a_clock_up_to_a_year_ahead_issued_is_valid_now(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("cluster.ca._now", lambda: NOW + 364 * DAY)
    ca = DevelopmentCa.load_or_create(tmp_path / "ca")
    ca.ensure_process(tmp_path / "w", Role.WRITER, "writer-1")
    monkeypatch.undo()
    assert DevelopmentCa.load_or_create(tmp_path / "ca").pem == ca.pem
    assert not ca.ensure_process(tmp_path / "w", Role.WRITER, "writer-1")


@pytest.mark.parametrize("days", [5000, -5000])
def test_a_ca_that_is_not_valid_now_is_replaced_with_all_that_it_issued(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, days: int
) -> None:
    monkeypatch.setattr("cluster.ca._now", lambda: NOW + days * DAY)
    wrong = DevelopmentCa.load_or_create(tmp_path / "ca")
    wrong.ensure_process(tmp_path / "w", Role.WRITER, "writer-1")
    monkeypatch.undo()
    ca = DevelopmentCa.load_or_create(tmp_path / "ca")
    assert ca.pem != wrong.pem
    assert ca.ensure_process(tmp_path / "w", Role.WRITER, "writer-1")
    assert (tmp_path / "w" / "ca.pem").read_bytes() == ca.pem


@pytest.mark.parametrize("role", Role)
def test_a_name_of_63_characters_gets_a_certificate_that_proves_it(
    ca: DevelopmentCa, tmp_path: Path, role: Role
) -> None:
    assert ca.ensure_process(tmp_path, role, "n" * 63)
    assert not ca.ensure_process(tmp_path, role, "n" * 63)
    assert TlsFiles(tmp_path, (role, "n" * 63)).problem is None


def test_no_certificate_spans_more_than_clients_allow(ca: DevelopmentCa) -> None:
    leaf = x509.load_pem_x509_certificate(ca.issue_gateway().cert_pem)
    assert leaf.not_valid_after_utc - leaf.not_valid_before_utc <= 825 * DAY


@pytest.mark.parametrize("name", ["ca.pem", "ca.key"])
def test_a_truncated_ca_is_replaced(tmp_path: Path, name: str) -> None:
    first = DevelopmentCa.load_or_create(tmp_path)
    (tmp_path / name).write_bytes(b"")
    assert DevelopmentCa.load_or_create(tmp_path).pem != first.pem


@pytest.mark.parametrize("name", ["gateway.pem", "cert.pem", "key.pem"])
def test_a_truncated_file_of_the_gateway_is_replaced(
    ca: DevelopmentCa, tmp_path: Path, name: str
) -> None:
    ca.ensure_gateway(tmp_path)
    (tmp_path / name).write_bytes(b"")
    assert ca.ensure_gateway(tmp_path)
    assert not ca.ensure_gateway(tmp_path)


def test_a_ca_that_names_its_key_by_another_rule_issues_good_certificates(tmp_path: Path) -> None:
    """RFC 5280, section 4.2.1.2, leaves open how; Go, say, takes SHA-256."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "another CA")])
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name)
    builder = builder.public_key(key.public_key()).serial_number(1)
    builder = builder.not_valid_before(NOW - DAY).not_valid_after(NOW + 3650 * DAY)
    builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
    builder = builder.add_extension(x509.SubjectKeyIdentifier(b"another rule"), critical=False)
    other = DevelopmentCa(builder.sign(key, hashes.SHA256()), key)
    other.ensure_process(tmp_path, Role.NODE, "node-1")
    assert TlsFiles(tmp_path, (Role.NODE, "node-1")).problem is None
