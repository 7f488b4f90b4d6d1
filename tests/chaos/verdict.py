"""What the judge found: for each promise how many facts it looked at, and what was wrong."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

PROMISES = {
    "P1": "a 201 means stored",
    "P2": "numbers without hole or repeat, in the order of time",
    "P3": "one key, one comment",
    "P4": "each entry once and in order, or an honest gap",
    "P5": "nothing is shown that is not stored",
    "P6": "only nodes with a viewer are called",
    "P7": "viewers agree",
    "P8": "all of it again in time after a fault",
    "P9": "how many watch is what the nodes hold",
}
# What a removal promises (docs/protocol.md), where a moderator is part of the load.
LAWS = {
    "R1": "one notice for each removal, one call for each notice",
    "R2": "what is stored agrees with the newest notice",
    "R3": "what was removed is not shown any more",
}
# What rulings promise, where somebody rules.
RULINGS = {
    "R4": "nothing is numbered of who may not write",
    "R5": "nothing is numbered where a video is closed",
    "R6": "slow mode is kept",
    "R7": "one entry for each change, no refusal without a ruling",
    "R8": "what was removed is not shown as a pin",
}
# What filters and the queue of held comments promise, where there are any.
SCREENING = {
    "R9": "what filters block or hold is stored by approval alone",
    "R10": "one decision counts, and what it says is so",
}
_SHOWN = 3


@dataclass(slots=True)
class Ledger:
    """Where checks write. A fact that does not hold is also a line that tells what happened."""

    judged: Counter[str] = field(default_factory=Counter)
    wrong: dict[str, list[str]] = field(default_factory=dict)

    def judge(self, promise: str, count: int = 1) -> None:
        """So many facts were looked at."""
        self.judged[promise] += count

    def break_(self, promise: str, line: str) -> None:
        """One of them did not hold."""
        self.wrong.setdefault(promise, []).append(line)

    def expect(self, promise: str, holds: bool, line: str) -> None:
        """Look at one fact."""
        self.judged[promise] += 1
        if not holds:
            self.break_(promise, line)


@dataclass(frozen=True, slots=True)
class Verdict:
    """`void`: why this run shows nothing. A run is good if it is neither void nor broken."""

    ledger: Ledger
    void: tuple[str, ...] = ()

    @property
    def broken(self) -> list[str]:
        """What is wrong, each line with the promise first, the first few of each promise."""
        lines = []
        for promise, wrong in sorted(self.ledger.wrong.items()):
            lines += [f"{promise} {line}" for line in wrong[:_SHOWN]]
            if len(wrong) > _SHOWN:
                lines.append(f"{promise} ... and {len(wrong) - _SHOWN} more")
        return lines

    @property
    def good(self) -> bool:
        """Nothing is broken, and the run had the load to show it."""
        return not self.broken and not self.void

    def text(self) -> str:
        """For people: a line for each promise, and the first counter-example of each."""
        lines = []
        for promise, what in {**PROMISES, **LAWS, **RULINGS, **SCREENING}.items():
            judged, wrong = self.ledger.judged[promise], self.ledger.wrong.get(promise, [])
            held = "not judged" if not judged else "BROKEN" if wrong else "held"
            lines.append(f"{promise}  {held:<10} {judged:>9} judged {len(wrong):>6} wrong  {what}")
            lines += [f"      {part}" for part in (wrong[0].splitlines() if wrong else ())]
        return "\n".join([*lines, *(f"VOID: {reason}" for reason in self.void)])
