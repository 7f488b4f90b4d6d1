"""Whether the other processes will accept a process's own certificate, asked before they are.

The process opens a connection to itself, in memory, with the contexts that it uses for others. So
the chain to the CA, dates, key usages and the DNS name are checked by the code that will check them
in a peer, and by no rules of our own. Only the URI name, which OpenSSL does not know, is compared
here.
"""

from __future__ import annotations

import math
import ssl
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from wire.roles import Role, dns_name, parse_san_uri, san_uri

_ROUNDS = 4  # TLS 1.3 needs two


class CertificateUnusable(ssl.SSLError):
    """A process cannot use its files, or others would not accept them; str() says why."""

    def __init__(self, why: str) -> None:
        super().__init__(1, why)


def identity_of(certificate: Mapping[str, Any] | None) -> tuple[Role, str] | None:
    """Role and id that a certificate proves (as `getpeercert` gives it), None if it names none."""
    identities = [parse_san_uri(uri) for uri in _uris(certificate or {})]
    return identities[0] if len(identities) == 1 else None


def prove(client: ssl.SSLContext, server: ssl.SSLContext, role: Role, service_id: str) -> float:
    """When the certificate in both contexts ends, or the CA that issued it if that is sooner, in
    Unix time. Raises CertificateUnusable unless others will take whoever shows it for this role and
    id.
    """
    try:
        certificate = _shown_by_caller(client, server, dns_name(role, service_id))
    except ssl.SSLCertVerificationError as exc:
        why = exc.verify_message.rstrip(".")
        raise CertificateUnusable(f"cert.pem would be refused by other processes: {why}") from exc
    if identity_of(certificate) != (role, service_id):
        found = ", ".join(_uris(certificate)) or "none"
        wanted = san_uri(role, service_id)
        raise CertificateUnusable(f"the URI name in cert.pem must be {wanted}, and is {found}")
    issuers = [ca for ca in client.get_ca_certs() if ca["subject"] == certificate["issuer"]]
    return min(_end(certificate), max(map(_end, issuers), default=math.inf))


def _shown_by_caller(client: ssl.SSLContext, server: ssl.SSLContext, name: str) -> dict[str, Any]:
    """The caller's certificate, after a handshake in which each end has checked the other's."""
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    caller = client.wrap_bio(to_client, to_server, server_hostname=name)
    callee = server.wrap_bio(to_server, to_client, server_side=True)
    for _ in range(_ROUNDS):
        for end in (caller, callee):
            with suppress(ssl.SSLWantReadError):
                end.do_handshake()
    return callee.getpeercert() or {}


def _end(certificate: Mapping[str, Any]) -> float:
    return ssl.cert_time_to_seconds(certificate["notAfter"])


def _uris(certificate: Mapping[str, Any]) -> list[str]:
    return [value for kind, value in certificate.get("subjectAltName", ()) if kind == "URI"]
