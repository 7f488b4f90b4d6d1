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

Files that would not do are not taken up: neither half-written ones, nor a certificate that other
processes would refuse (see service.own_certificate).
"""

from __future__ import annotations

import asyncio
import math
import ssl
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import structlog

from service.health import Health
from service.own_certificate import CertificateUnusable, identity_of, prove
from wire.roles import Role

log = structlog.get_logger()

_FILES = ("ca.pem", "cert.pem", "key.pem")
_CHECK_EVERY_S = 1.0
_DAY_S = 24 * 3600.0


@dataclass(frozen=True, slots=True)
class _Loaded:
    """Contexts made of the same files. expires_at: Unix time at which their certificate ends."""

    client: ssl.SSLContext
    server: ssl.SSLContext
    expires_at: float


class TlsFiles:
    """Contexts of one process, renewed when the files in its directory change. Raises OSError or
    ssl.SSLError at once if the files cannot be used; later faults keep the last good contexts.

    owner: the role and id that the certificate must prove. Without it nothing is asked of it.
    clock: Unix time.
    """

    def __init__(
        self,
        directory: Path,
        owner: tuple[Role, str] | None = None,
        *,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._directory, self._owner, self._clock = directory, owner, clock
        self._checked_at = time.monotonic()
        self._stamp = self._read_stamp()
        self._loaded = self._load()
        self._fault: str | None = None

    @property
    def problem(self) -> str | None:
        """Why the files are not used, or what is wrong with those that are; None if all is well."""
        if self._fault is None and self.days_left <= 0:
            return "cert.pem has expired"
        return self._fault

    @property
    def days_left(self) -> float:
        """How long the certificate in use and its CA are still valid, negative when they are not.
        Infinite without an owner.
        """
        return (self._loaded.expires_at - self._clock()) / _DAY_S

    async def watch(self, health: Health) -> None:
        """Look for new files also where nobody connects, and mark `health`; never returns."""
        while True:
            self._refresh()
            health.mark("certificate", self.problem)
            await asyncio.sleep(_CHECK_EVERY_S)

    def client(self) -> ssl.SSLContext:
        """The context for a new outgoing connection; ask again for each one."""
        self._refresh()
        return self._loaded.client

    def server(self) -> ssl.SSLContext:
        """The context to listen with, once; it follows rotations by itself."""
        context = self._make(ssl.Purpose.CLIENT_AUTH)
        context.sni_callback = self._swap
        return context

    def _swap(self, sock: ssl.SSLObject, _name: str | None, _context: ssl.SSLContext) -> None:
        self._refresh()
        sock.context = self._loaded.server

    def _refresh(self) -> None:
        now = time.monotonic()
        if now - self._checked_at < _CHECK_EVERY_S:
            return
        self._checked_at = now
        fault = None
        try:
            stamp = self._read_stamp()
            if stamp != self._stamp:
                self._loaded = self._load()
                self._stamp = stamp
                log.info("certificates_reloaded", directory=str(self._directory))
        except OSError as exc:  # half-written files: check again in a second
            fault = explain(exc)
            if fault != self._fault:
                log.warning("certificates_unusable", directory=str(self._directory), error=fault)
        self._fault = fault

    def _read_stamp(self) -> tuple[tuple[int, int, int], ...]:
        stats = (self._directory.joinpath(name).stat() for name in _FILES)
        return tuple((s.st_mtime_ns, s.st_ino, s.st_size) for s in stats)

    def _load(self) -> _Loaded:
        for name in _FILES:  # OpenSSL does not say which file it cannot read
            (self._directory / name).open("rb").close()
        client, server = self._make(ssl.Purpose.SERVER_AUTH), self._make(ssl.Purpose.CLIENT_AUTH)
        expires_at = math.inf if self._owner is None else prove(client, server, *self._owner)
        return _Loaded(client, server, expires_at)

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
        ca, cert, key = (self._directory / name for name in _FILES)
        try:
            context.load_verify_locations(ca)
        except ssl.SSLError as exc:
            raise CertificateUnusable(f"ca.pem holds no certificate ({exc.reason})") from exc
        try:
            # A password, though none is needed: without one, OpenSSL would ask the terminal for it.
            context.load_cert_chain(cert, key, "")
        except ssl.SSLError as exc:
            raise CertificateUnusable(_why_not_loaded(exc)) from exc
        return context


def explain(exc: OSError) -> str:
    """What is wrong with the files, for a person."""
    return f"{Path(exc.filename).name}: {exc.strerror}" if exc.filename else str(exc)


def _why_not_loaded(exc: ssl.SSLError) -> str:
    if exc.reason == "KEY_VALUES_MISMATCH":
        return "key.pem is not the key of cert.pem"
    return f"cert.pem or key.pem cannot be used ({exc.reason})"


def peer_identity(transport: asyncio.BaseTransport | None) -> tuple[Role, str] | None:
    """Role and id that the peer's certificate proves, or None if it names none."""
    ssl_object = transport.get_extra_info("ssl_object") if transport else None
    return identity_of(ssl_object.getpeercert() if ssl_object else None)
