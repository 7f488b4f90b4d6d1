"""How much is measured."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar

from bench.revision import OLD_REVISION

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Effort:
    """`quick`: small numbers that prove that a benchmark runs, and nothing else. `peer`: the
    revision of this product beside ours (none if it is empty); `ours`: a revision in place of the
    working tree; `favour`: see `bench.favour`.
    """

    repeats: int = 3
    quick: bool = False
    peer: str = OLD_REVISION
    ours: str = ""
    favour: bool = False

    def choose(self, full: T, quick: T) -> T:
        """The size to measure with."""
        return quick if self.quick else full
