"""A development CA: certificates for our processes where nobody brought any.

Invariants: a process's folder holds `ca.pem`, `cert.pem` and `key.pem`; the certificate names role
and id twice, as wire.roles spells them. Whatever is still good is left untouched, so issuing again
is free; what has less than a third of its life left, is not valid yet, has another name or another
issuer is replaced. What is issued begins long before it is issued (see LEAF_BACKDATE_DAYS). Files
are replaced whole, and the processes take the new ones up without a restart. Keys are readable by
their owner alone. Production brings its own CA: nothing but this folder layout is assumed there.
"""

from __future__ import annotations

import datetime as dt
import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from cluster.files import replace_file
from wire.roles import Role, dns_name, san_uri

CA_DAYS = 3650
LEAF_DAYS = 365
GATEWAY_NAMES = ("localhost", "127.0.0.1", "::1")
# For clocks that are slow, and for one that was fast when we issued and has been corrected since. A
# leaf is valid for no more than 825 days in all, which some clients demand.
LEAF_BACKDATE_DAYS = 365
CA_BACKDATE_DAYS = 3650
_MAX_COMMON_NAME = 64  # RFC 5280, appendix A.1; nobody reads it, the other names count
CA_CERT, CA_KEY = "ca.pem", "ca.key"


@dataclass(frozen=True, slots=True)
class Issued:
    """A certificate with its key, and the CA that vouches for it; all PEM."""

    ca_pem: bytes
    cert_pem: bytes
    key_pem: bytes

    def write(self, folder: Path) -> None:
        """Put `ca.pem`, `cert.pem` and `key.pem` into `folder` (made if need be), each whole."""
        folder.mkdir(parents=True, exist_ok=True)
        replace_file(folder / "key.pem", self.key_pem, 0o600)
        replace_file(folder / "cert.pem", self.cert_pem, 0o644)
        replace_file(folder / "ca.pem", self.ca_pem, 0o644)


@dataclass(frozen=True, slots=True)
class DevelopmentCa:
    """A CA and its key, in memory. `load_or_create` keeps it in a folder."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey

    @classmethod
    def new(
        cls, name: str = "livecomments development CA", *, now: dt.datetime | None = None
    ) -> DevelopmentCa:
        """A fresh CA that nobody trusts yet; writes nothing. Tests may choose the time."""
        key = ec.generate_private_key(ec.SECP256R1())
        now = now or _now()
        validity = (now - dt.timedelta(CA_BACKDATE_DAYS), now + dt.timedelta(CA_DAYS))
        builder = _builder(name, name, key, validity).add_extension(
            x509.BasicConstraints(ca=True, path_length=0), critical=True
        )
        builder = builder.add_extension(_key_usage(ca=True), critical=True)
        return cls(builder.sign(key, hashes.SHA256()), key)

    @classmethod
    def load_or_create(cls, folder: Path) -> DevelopmentCa:
        """The CA kept in `folder`; a new one if there is none, or it nears its end or is not valid
        yet.

        After a change of CA every certificate is issued again by `ensure_process` and
        `ensure_gateway`, and processes that run must be started again.
        """
        try:
            ca = cls.load(folder)
            if ca.has_life_left(CA_DAYS):
                return ca
        except (OSError, ValueError):
            pass
        ca = cls.new()
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        replace_file(folder / CA_KEY, _key_pem(ca.key), 0o600)
        replace_file(folder / CA_CERT, ca.pem, 0o644)
        return ca

    @classmethod
    def load(cls, folder: Path) -> DevelopmentCa:
        """The CA kept in `folder`, whatever its dates are. Raises OSError, or ValueError for files
        that are no certificate with its key, not encrypted, on an elliptic curve.
        """
        try:
            ca = cls(_read_cert(folder / CA_CERT), _read_key(folder / CA_KEY))
        except TypeError as exc:  # it has a password
            raise ValueError(f"{folder / CA_KEY}: {exc}") from exc
        if ca.certificate.public_key() != ca.key.public_key():
            raise ValueError(f"{folder / CA_KEY} is the key of another certificate")
        return ca

    def has_life_left(self, days: int) -> bool:
        """Whether it is valid now, with a third of its life left, or of `days` if that is less."""
        return _has_life_left(self.certificate, days)

    @property
    def pem(self) -> bytes:
        """What others trust."""
        return self.certificate.public_bytes(serialization.Encoding.PEM)

    def issue(
        self,
        role: Role,
        service_id: str,
        more_names: Sequence[str] = (),
        *,
        not_before: dt.datetime | None = None,
        not_after: dt.datetime | None = None,
    ) -> Issued:
        """A certificate for one process, server and client in one; `more_names`: DNS names and IP
        addresses. Tests may choose its times (aware datetimes) to get one that has expired or is
        not valid yet.
        """
        names: list[x509.GeneralName] = [
            x509.UniformResourceIdentifier(san_uri(role, service_id)),
            x509.DNSName(dns_name(role, service_id)),
            *map(_general_name, more_names),
        ]
        return self._leaf(f"{role} {service_id}"[:_MAX_COMMON_NAME], names, not_before, not_after)

    def issue_gateway(self, names: tuple[str, ...] = GATEWAY_NAMES) -> Issued:
        """A certificate for the public HTTPS listener; it names no role, so it opens nothing
        inside.
        """
        return self._leaf("livecomments gateway", [_general_name(name) for name in names])

    def ensure_process(
        self, folder: Path, role: Role, service_id: str, more_names: Sequence[str] = ()
    ) -> bool:
        """Make sure that `folder` holds good files for the process; whether they were written."""
        wanted = {san_uri(role, service_id), dns_name(role, service_id), *more_names}
        if self._is_good(folder, wanted):
            return False
        self.issue(role, service_id, more_names).write(folder)
        return True

    def ensure_gateway(self, folder: Path, names: tuple[str, ...] = GATEWAY_NAMES) -> bool:
        """As `ensure_process`, and `gateway.pem`: certificate and key in one file, as HAProxy reads
        it.
        """
        if self._is_good(folder, set(names)) and _is_joined(folder):
            return False
        issued = self.issue_gateway(names)
        issued.write(folder)
        replace_file(folder / "gateway.pem", issued.cert_pem + issued.key_pem, 0o600)
        return True

    def _leaf(
        self,
        common_name: str,
        names: list[x509.GeneralName],
        not_before: dt.datetime | None = None,
        not_after: dt.datetime | None = None,
    ) -> Issued:
        key = ec.generate_private_key(ec.SECP256R1())
        end = not_after or _now() + dt.timedelta(days=LEAF_DAYS)
        start = not_before or min(_now(), end) - dt.timedelta(days=LEAF_BACKDATE_DAYS)
        issuer = _common_name(self.certificate)
        usage = x509.ExtendedKeyUsage(
            [ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]
        )
        certificate = (
            _builder(common_name, issuer, key, (start, end))
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(_key_usage(ca=False), critical=True)
            .add_extension(usage, critical=False)
            .add_extension(self._authority(), critical=False)
            .add_extension(x509.SubjectAlternativeName(names), critical=False)
            .sign(self.key, hashes.SHA256())
        )
        cert_pem = certificate.public_bytes(serialization.Encoding.PEM)
        return Issued(self.pem, cert_pem, _key_pem(key))

    def _authority(self) -> x509.AuthorityKeyIdentifier:
        """As the CA's certificate names its key: one that others made may do so by another rule."""
        find = self.certificate.extensions.get_extension_for_class
        try:
            known = find(x509.SubjectKeyIdentifier).value
        except x509.ExtensionNotFound:
            return x509.AuthorityKeyIdentifier.from_issuer_public_key(self.key.public_key())
        return x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(known)

    def _is_good(self, folder: Path, names: set[str]) -> bool:
        try:
            certificate = _read_cert(folder / "cert.pem")
            key = _read_key(folder / "key.pem")
            certificate.verify_directly_issued_by(self.certificate)
            trusts_us = (folder / "ca.pem").read_bytes() == self.pem
        except (OSError, ValueError, TypeError, InvalidSignature):
            return False
        return (
            trusts_us
            and _has_life_left(certificate, LEAF_DAYS)
            and certificate.public_key() == key.public_key()
            and _names(certificate) == names
        )


def _is_joined(folder: Path) -> bool:
    both = (folder / "cert.pem").read_bytes() + (folder / "key.pem").read_bytes()
    try:
        return (folder / "gateway.pem").read_bytes() == both
    except FileNotFoundError:
        return False


def _now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)


def _has_life_left(certificate: x509.Certificate, days: int) -> bool:
    """Whether it is valid now, and has a third of its `days` left. Its start does not count, so
    a clock that was wrong at the time of issue does no harm.
    """
    start, end = certificate.not_valid_before_utc, certificate.not_valid_after_utc
    return start <= _now() < end - min(dt.timedelta(days), end - start) / 3


def _builder(
    subject: str,
    issuer: str,
    key: ec.EllipticCurvePrivateKey,
    validity: tuple[dt.datetime, dt.datetime],
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, subject)]))
        .issuer_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, issuer)]))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(validity[0])
        .not_valid_after(validity[1])
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )


def _key_usage(*, ca: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not ca,
        key_cert_sign=ca,
        crl_sign=ca,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _common_name(certificate: x509.Certificate) -> str:
    return str(certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)[0].value)


def _general_name(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _names(certificate: x509.Certificate) -> set[str]:
    san = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    return {str(name.value) for name in san}


def _key_pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )


def _read_cert(path: Path) -> x509.Certificate:
    return x509.load_pem_x509_certificate(path.read_bytes())


def _read_key(path: Path) -> ec.EllipticCurvePrivateKey:
    key = serialization.load_pem_private_key(path.read_bytes(), password=None)
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise ValueError(f"{path} is not a key of ours")
    return key
