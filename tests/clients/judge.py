"""What is said of a client, from what it printed and what was posted."""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

_TIME = re.compile(r"[0-9]{13}")
_UNDER_WAY_S = 1.0  # what was posted so shortly before a fault may have been hit by it


@dataclass(frozen=True, slots=True)
class Shown:
    """One line of a client: when (wall clock, s), and the comment; seq 0 if it is none."""

    at: float
    seq: int
    text: str


@dataclass(frozen=True, slots=True)
class Posted:
    """When a comment was acknowledged (wall clock, s), and its text."""

    at: float
    text: str


@dataclass(frozen=True, slots=True)
class Finding:
    """One client in one scenario. `late_s` while all was well, `outage_s` from the first fault on:
    how late its latest comment came. `stopped`: it did not show the last comment, so `lost` counts
    only what is missing before the last one that it did show.
    """

    shown: int = 0
    lost: int = 0
    repeated: int = 0
    disordered: int = 0
    garbled: int = 0
    stopped: bool = False
    late_s: float = 0.0
    outage_s: float = 0.0

    @property
    def whole(self) -> bool:
        """Each comment from the first shown to the last posted, once, in order, as it was sent."""
        wrong = self.lost + self.repeated + self.disordered + self.garbled
        return self.shown > 0 and not wrong and not self.stopped

    def text(self) -> str:
        """In a few words."""
        if not self.shown:
            return "shows nothing"
        counts = {name: getattr(self, name) for name in ("lost", "repeated", "garbled")}
        words = [f"{count} {name}" for name, count in counts.items() if count]
        words += ["out of order"] * bool(self.disordered) + ["stops"] * self.stopped
        return ", ".join(words) or f"{self.outage_s:.1f} s"


def read_line(line: bytes) -> Shown | None:
    """`<ms> <the comment's JSON>`; None for what a library prints by itself. What is no comment has
    the number 0.
    """
    at, _, data = line.decode(errors="replace").rstrip("\n").partition(" ")
    if not _TIME.fullmatch(at):
        return None
    try:
        comment = json.loads(data)
        return Shown(int(at) / 1000, comment["seq"], comment["text"])
    except (ValueError, TypeError, KeyError):
        return Shown(int(at) / 1000, 0, data)


def find(shown: Sequence[Shown], posted: Mapping[int, Posted], fault_at: float) -> Finding:
    """What a client made of these comments, all of one video, of which the last is the newest."""
    comments = [one for one in shown if one.seq in posted]
    if not comments:
        return Finding(garbled=len(shown))
    first: dict[int, Shown] = {}
    for one in comments:
        first.setdefault(one.seq, one)
    began_at = comments[0].at
    calm, troubled = [0.0], [0.0]
    for seq, one in first.items():
        if posted[seq].at > began_at:  # else it was replayed
            delays = calm if posted[seq].at < fault_at - _UNDER_WAY_S else troubled
            delays.append(one.at - posted[seq].at)
    order = list(first)
    return Finding(
        shown=len(first),
        lost=max(order) - min(order) + 1 - len(order),
        repeated=len(comments) - len(first),
        disordered=sum(after < before for before, after in itertools.pairwise(order)),
        garbled=len(shown) - sum(one.text == posted[one.seq].text for one in comments),
        stopped=max(order) < max(posted),
        late_s=max(calm),
        outage_s=max(troubled),
    )
