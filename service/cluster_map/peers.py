"""Whom a process asks for the map: entries of OPS_PEERS, and of the file that OPS_PEERS_FILE names.

An entry is `[role/id=]host:port`, where an ops listener is. Role and id say who should be there, so
that a process which never answered can be shown by its name. A DNS name may stand for several
processes, each at an address of its own.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from wire.hosts import parse_address
from wire.ids import is_service_id
from wire.roles import Role

MAX_FILE_BYTES = 64 * 1024
_BETWEEN = re.compile(r"[,\s]+")
_ROLES = frozenset(role.value for role in Role)


@dataclass(frozen=True, slots=True, order=True)
class Identity:
    """Who a process is."""

    role: Role
    id: str


@dataclass(frozen=True, slots=True)
class OpsPeer:
    """One entry. identity: who should be there, if it says so."""

    host: str
    port: int
    identity: Identity | None = None

    @property
    def address(self) -> str:
        """`host:port`, for people and as a key."""
        return join_address(self.host, self.port)


@dataclass(frozen=True, slots=True)
class PeerSources:
    """Where entries come from: the variable, and a file that is read for each gathering."""

    listed: tuple[OpsPeer, ...] = ()
    file: Path | None = None

    def read(self) -> tuple[list[OpsPeer], str | None]:
        """All entries, each once, and what is wrong with the file, if anything is. Blocks for as
        long as a small file on a local disk takes.
        """
        entries, problem = list(self.listed), None
        if self.file is not None:
            try:
                with self.file.open("rb") as file:
                    text = file.read(MAX_FILE_BYTES).decode("ascii", "replace")
                found, wrong = parse_peers(_BETWEEN.split(text))
                entries += found
                problem = f"OPS_PEERS_FILE: {len(wrong)} entries cannot be read" if wrong else None
            except OSError as exc:
                problem = f"OPS_PEERS_FILE cannot be read: {exc.strerror}"
        return list(dict.fromkeys(entries)), problem


def parse_peers(words: Iterable[str]) -> tuple[list[OpsPeer], list[str]]:
    """The entries in `words`, and the words that are none; empty ones do not count."""
    found, wrong = list[OpsPeer](), list[str]()
    for word in filter(None, words):
        peer = _parse(word)
        if peer is None:
            wrong.append(word)
        else:
            found.append(peer)
    return found, wrong


def join_address(host: str, port: int) -> str:
    """`host:port`, with IPv6 in brackets."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _parse(word: str) -> OpsPeer | None:
    name, equals, address = word.rpartition("=")
    where = parse_address(address)
    if where is None:
        return None
    if not equals:
        return OpsPeer(*where)
    role, _, service_id = name.partition("/")
    if role not in _ROLES or not is_service_id(service_id):
        return None
    return OpsPeer(*where, Identity(Role(role), service_id))
