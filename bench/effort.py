"""How much is measured."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Effort:
    """`quick`: small numbers that prove that a benchmark runs, and nothing else."""

    repeats: int = 3
    quick: bool = False

    def choose(self, full: T, quick: T) -> T:
        """The size to measure with."""
        return quick if self.quick else full
