"""What is said about znodes: their state, and the parts of a transaction."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Stat:
    """What ZooKeeper says about a znode. `owner` is the session of an ephemeral one, else 0;
    `created` the transaction that made it: of two znodes, the later one has the greater number.
    """

    owner: int
    version: int
    children: int
    created: int = 0


@dataclass(frozen=True, slots=True)
class Create:
    """Part of a transaction: make a znode."""

    path: str
    data: bytes = b""
    ephemeral: bool = False


@dataclass(frozen=True, slots=True)
class Delete:
    """Part of a transaction: remove a znode; `version` -1 means whatever it is."""

    path: str
    version: int = -1


Operation = Create | Delete
