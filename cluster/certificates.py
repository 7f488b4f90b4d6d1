"""Certificates for processes that somebody else starts, on any host: `livecomments certs`.

A folder gets the CA in `ca/` and what each process needs in `<role>/<id>/`, its `TLS_DIR`;
`gateway/` is for HAProxy. What is good there is left as it is (see cluster.ca), so the same command
again renews what nears its end, but never the CA. The CA's key stays in `ca/`: nothing that serves
needs it.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from cluster.ca import CA_CERT, CA_KEY, GATEWAY_NAMES, LEAF_DAYS, DevelopmentCa
from cluster.errors import ClusterError
from wire.hosts import is_host
from wire.ids import is_service_id
from wire.roles import Role

GATEWAY = "gateway"
_ROLES = (Role.WRITER, Role.DISPATCHER, Role.NODE)  # `single` talks to nobody
_PARTS = {CA_CERT: "certificate", CA_KEY: "key"}
_ANOTHER_CA = (
    "A new CA must not take its place while processes trust this one: make it in another folder,"
    ' and change over as docs/operations.md says under "A new CA"'
)
_RULE = "must be writer/ID, dispatcher/ID, node/ID or gateway, with =NAME,... for more names"


@dataclass(frozen=True, slots=True)
class Wanted:
    """A certificate that is wanted: for a process, or for the gateway without a role. `names`: DNS
    names and IP addresses beside those that prove a process.
    """

    role: Role | None
    id: str
    names: tuple[str, ...]

    @property
    def folder(self) -> Path:
        """Where it goes, below the folder of all."""
        return Path(GATEWAY) if self.role is None else Path(self.role, self.id)


@dataclass(frozen=True, slots=True)
class Made:
    """`folder` holds a good certificate; `new`: it was made just now."""

    folder: Path
    new: bool


def read_wanted(words: Sequence[str]) -> list[Wanted]:
    """`node/n1`, `node/n1=n1.example,10.0.0.1`, `gateway=comments.example`. Raises ClusterError."""
    found = [_read(word) for word in words]
    folders = [each.folder for each in found]
    twice = next((folder for folder in folders if folders.count(folder) > 1), None)
    if twice is not None:
        raise ClusterError(f"{twice} is named twice")
    return found


def make_certificates(folder: Path, wanted: Sequence[Wanted]) -> Iterator[Made]:
    """Make or renew what is wanted, one after the other. Raises OSError, or ClusterError if the CA
    cannot vouch for it any more: another CA would cut off all that this one has vouched for, so it
    is never replaced here.
    """
    ca = _find_ca(folder / "ca")
    for each in wanted:
        place = folder / each.folder
        if each.role is None:
            yield Made(place, ca.ensure_gateway(place, each.names or GATEWAY_NAMES))
        else:
            yield Made(place, ca.ensure_process(place, each.role, each.id, each.names))


def _find_ca(folder: Path) -> DevelopmentCa:
    """The CA in a folder; a new one only if there is nothing of one."""
    missing = [name for name in (CA_CERT, CA_KEY) if not (folder / name).exists()]
    if len(missing) == 2:
        return DevelopmentCa.load_or_create(folder)
    if missing:
        raise ClusterError(
            f"{folder} has a CA without its {_PARTS[missing[0]]}; put {missing[0]} there, or name"
            " another folder for another CA"
        )
    try:
        ca = DevelopmentCa.load(folder)
    except ValueError as exc:
        raise ClusterError(
            f"the CA in {folder} cannot be used ({exc}); put back {CA_CERT} and {CA_KEY} as they"
            f" were. {_ANOTHER_CA}"
        ) from exc
    if not ca.has_life_left(LEAF_DAYS):
        start, end = ca.certificate.not_valid_before_utc, ca.certificate.not_valid_after_utc
        raise ClusterError(
            f"the CA in {folder} is valid from {start:%Y-%m-%d} to {end:%Y-%m-%d}, which is not"
            f" long enough for new certificates. {_ANOTHER_CA}"
        )
    return ca


def _read(word: str) -> Wanted:
    who, equals, text = word.partition("=")
    names = tuple(text.split(",")) if equals else ()
    role, slash, service_id = who.partition("/")
    is_process = role in _ROLES and is_service_id(service_id)
    if not (is_process or (role == GATEWAY and not slash)):
        raise ClusterError(f"{word}: {_RULE}")
    wrong = [name for name in names if not _is_name(name, wildcards=not is_process)]
    if wrong:
        raise ClusterError(f"{word}: {wrong[0] or 'nothing'} is no DNS name and no IP address")
    spelt = tuple(dict.fromkeys(map(_spelling, names)))
    return Wanted(Role(role) if is_process else None, service_id, spelt)


def _is_name(name: str, *, wildcards: bool) -> bool:
    return is_host(name.removeprefix("*.") if wildcards else name)


def _spelling(name: str) -> str:
    """The one that a certificate has: an IPv6 address has many."""
    try:
        return str(ipaddress.ip_address(name))
    except ValueError:
        return name
