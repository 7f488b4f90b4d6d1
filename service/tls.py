"""Mutual TLS between our processes: TLS 1.3, both sides prove who they are, certificates change
without a restart.

A process's directory holds `ca.pem` (who is trusted), `cert.pem` and `key.pem` (who it is). A
certificate carries a URI name `livecomments://role/id`, from which the server takes the caller's
role, and a DNS name `id.role.livecomments.internal`, against which the caller checks the server
before it sends a byte.

Rotation: files are checked again at most once a second when a connection is made. A live context
can take a new certificate but can never forget a CA, so each change makes a new context; the server
swaps it in while a handshake is at the server-name step. Connections that are open keep what they
proved; sessions cannot be resumed (no tickets), or a certificate of a CA that was dropped would go
on opening new connections.
"""

from __future__ import annotations

import asyncio
import ssl
import time
from pathlib import Path

import structlog

from wire.roles import Role, parse_san_uri

log = structlog.get_logger()

_FILES = ("ca.pem", "cert.pem", "key.pem")
_CHECK_EVERY_S = 1.0


class TlsFiles:
    """Contexts of one process, renewed when the files in its directory change. Raises OSError or
    ssl.SSLError at once if the files cannot be used; later faults keep the last good contexts."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._checked_at = time.monotonic()
        self._stamp = self._read_stamp()
        self._client = self._make(ssl.Purpose.SERVER_AUTH)
        self._server = self._make(ssl.Purpose.CLIENT_AUTH)

    def client(self) -> ssl.SSLContext:
        """The context for a new outgoing connection; ask again for each one."""
        self._refresh()
        return self._client

    def server(self) -> ssl.SSLContext:
        """The context to listen with, once; it follows rotations by itself."""
        context = self._make(ssl.Purpose.CLIENT_AUTH)
        context.sni_callback = self._swap
        return context

    def _swap(self, sock: ssl.SSLObject, _name: str | None, _context: ssl.SSLContext) -> None:
        self._refresh()
        sock.context = self._server

    def _refresh(self) -> None:
        now = time.monotonic()
        if now - self._checked_at < _CHECK_EVERY_S:
            return
        self._checked_at = now
        try:
            stamp = self._read_stamp()
            if stamp != self._stamp:
                self._client, self._server = (
                    self._make(ssl.Purpose.SERVER_AUTH),
                    self._make(ssl.Purpose.CLIENT_AUTH),
                )
                self._stamp = stamp
                log.info("certificates_reloaded", directory=str(self._directory))
        except (OSError, ssl.SSLError) as exc:  # half-written files: check again in a second
            log.warning("certificates_unusable", directory=str(self._directory), error=str(exc))

    def _read_stamp(self) -> tuple[tuple[int, int, int], ...]:
        stats = (self._directory.joinpath(name).stat() for name in _FILES)
        return tuple((s.st_mtime_ns, s.st_ino, s.st_size) for s in stats)

    def _make(self, purpose: ssl.Purpose) -> ssl.SSLContext:
        context = ssl.SSLContext(
            ssl.PROTOCOL_TLS_CLIENT
            if purpose is ssl.Purpose.SERVER_AUTH
            else ssl.PROTOCOL_TLS_SERVER
        )
        context.minimum_version = ssl.TLSVersion.TLSv1_3
        context.verify_mode = ssl.CERT_REQUIRED
        context.hostname_checks_common_name = False
        if purpose is ssl.Purpose.CLIENT_AUTH:
            context.num_tickets = 0
        context.load_verify_locations(self._directory / "ca.pem")
        # A password, though none is needed: without one, OpenSSL would ask the terminal for it.
        context.load_cert_chain(self._directory / "cert.pem", self._directory / "key.pem", "")
        return context


def peer_identity(transport: asyncio.BaseTransport | None) -> tuple[Role, str] | None:
    """Role and id that the peer's certificate proves, or None if it names none."""
    ssl_object = transport.get_extra_info("ssl_object") if transport else None
    certificate = ssl_object.getpeercert() if ssl_object else None
    names = certificate.get("subjectAltName", ()) if certificate else ()
    identities = [parse_san_uri(value) for kind, value in names if kind == "URI"]
    return identities[0] if len(identities) == 1 else None
