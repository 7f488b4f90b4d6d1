"""What an entry of the catalogue is, and how its targets are chosen."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum

from cluster.parts import Kind
from tests.chaos.cluster_under_test import ClusterUnderTest
from tests.chaos.faults import Fault

ALONE = "all"  # the group of what strikes everything
Names = Mapping[Kind, Sequence[str]]
Choose = Callable[[random.Random, Names], Sequence[str]]
Build = Callable[[ClusterUnderTest, Sequence[str]], Fault]


class Place(Enum):
    """Where a fault can be done."""

    ANYWHERE = "anywhere"
    LINKS = "with a proxy on every hop"
    NETWORKS = "with networks of its own"


@dataclass(frozen=True, slots=True)
class Entry:
    """`hold_s`: for how long, at least and at most. `group`: what it strikes; two faults at a time
    are of different groups. `choose`: the targets, by the dice alone. `joins_wait`: see Trouble.
    """

    group: str
    hold_s: tuple[float, float]
    choose: Choose
    build: Build
    place: Place = Place.ANYWHERE
    joins_wait: bool = False


def one(kind: Kind) -> Choose:
    """Any one of a kind."""
    return lambda dice, names: [dice.choice(names[kind])]


def everyone(*kinds: Kind) -> Choose:
    """All of these kinds that there are."""
    return lambda _dice, names: [name for kind in kinds for name in names.get(kind, ())]


def hop(pattern: str, kind: Kind) -> Choose:
    """The hops of any one of a kind."""
    return lambda dice, names: [pattern.format(dice.choice(names[kind]))]
