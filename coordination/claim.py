"""Which store a running writer has, as the other writers see it, and who of them has to give way.

Invariants: of writers that are registered in one ZooKeeper, those that go on have one store. The
one that was registered first goes on; a later one with another epoch refuses. A writer makes its
claim first and reads the others' after that, so of two that begin at once the second in
ZooKeeper's order sees the first, whatever their clocks say. The order of a claim is the transaction
that made it first: one that is made anew, on a new session, keeps it. (Unless ZooKeeper has lost
all and counts anew: then it is the one that made it now.)

A claim stays for up to a session's time after its writer was killed. So nobody refuses at once:
one that is still there after `patience_s` has a writer that lives. A claim that has to give way
itself does not count down: it will be gone, or be the first.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum
from typing import Annotated

import msgspec

from wire.hosts import MAX_HOST, is_host
from wire.ids import is_boot_id, is_epoch, is_service_id

MAX_CLAIM_BYTES = 1024


class Claim(msgspec.Struct, frozen=True):
    """Writer `writer` at `host` writes to the store with this epoch. boot_id: its life; it names
    the znode. order: the transaction that made it first, 0 as long as there was none.
    """

    boot_id: str
    writer: str
    host: str
    epoch: str
    order: int = 0


class _Data(msgspec.Struct, frozen=True):
    writer: str
    host: Annotated[str, msgspec.Meta(min_length=1, max_length=MAX_HOST)]
    epoch: str
    order: Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)] = 0


_decoder = msgspec.json.Decoder(_Data)


def encode_claim(claim: Claim) -> bytes:
    """The data of the claim's znode."""
    return msgspec.json.encode(_Data(claim.writer, claim.host, claim.epoch, claim.order))


def decode_claim(boot_id: str, data: bytes, created: int) -> Claim | None:
    """The claim that a znode describes, or None if it is junk. `created`: the transaction that made
    the znode. Fields that are not known are skipped.
    """
    if len(data) > MAX_CLAIM_BYTES or not is_boot_id(boot_id):
        return None
    try:
        found = _decoder.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    if not (is_service_id(found.writer) and is_host(found.host) and is_epoch(found.epoch)):
        return None
    claim = Claim(boot_id, found.writer, found.host, found.epoch, found.order)
    return ordered(claim, created)


class Standing(Enum):
    """How a writer stands with the others."""

    GOES_ON = "goes on"
    WAITS = "waits"  # another store was here first; perhaps its writer is gone
    REFUSES = "refuses"  # it is not gone


@dataclass(frozen=True, slots=True)
class Verdict:
    """`other`: a writer with another store; where ours goes on, one that came later, or None."""

    standing: Standing
    other: Claim | None = None


@dataclass(slots=True)
class ClaimJudge:
    """Decides for one writer, from what it reads. `now` is monotonic, in seconds."""

    patience_s: float
    _blamed: str = ""
    _since: float = 0.0

    def reconnected(self, now: float) -> None:
        """A ZooKeeper that was away gives the sessions of the dead their whole time again."""
        self._since = now

    def judge(self, own: Claim, all_claims: Iterable[Claim], now: float) -> Verdict:
        """`all_claims` were read after `own` was made, and contain it."""
        others = sorted(_others(own, all_claims), key=_order)
        before = [each for each in others if _order(each) < _order(own)]
        if not before:
            return Verdict(Standing.GOES_ON, others[0] if others else None)
        blamed = before[0]
        if blamed.boot_id != self._blamed:
            self._blamed, self._since = blamed.boot_id, now
        if any(_order(each) < _order(blamed) for each in _others(blamed, all_claims)):
            self._since = now
        patient = now < self._since + self.patience_s
        return Verdict(Standing.WAITS if patient else Standing.REFUSES, blamed)


def ordered(claim: Claim, created: int) -> Claim:
    """The claim as it counts, and is to be made anew, after transaction `created` has made it."""
    return msgspec.structs.replace(claim, order=min(claim.order or created, created))


def _others(own: Claim, claims: Iterable[Claim]) -> list[Claim]:
    return [each for each in claims if each.epoch != own.epoch]


def _order(claim: Claim) -> tuple[int, str]:
    return (claim.order, claim.boot_id)
