"""P8: in calm entries come at once. The anti-entropy check alone would deliver each of them in
time too, some 2 s late, and nobody would notice that nothing else does.
"""

from __future__ import annotations

from dataclasses import dataclass

from tests.chaos.calm import is_calm
from tests.chaos.history import History
from tests.chaos.judge_due import STEADY_S, known_at, live_entries, resumed_at
from tests.chaos.judge_times import LATE_S
from tests.chaos.verdict import Ledger
from tests.support import TIMEOUT_FACTOR

_ENOUGH = 100  # of fewer a share says nothing


@dataclass(frozen=True, slots=True)
class Pace:
    """Deliveries in calm, and those that came late."""

    total: int
    late: int

    @property
    def share(self) -> float:
        """Of all the late ones."""
        return self.late / max(self.total, 1)


def pace(history: History) -> Pace:
    """Of entries that met no trouble at all, on screens of viewers that had settled: where one has
    just come, its node may still be on its way to the routes.
    """
    limit_s = LATE_S * TIMEOUT_FACTOR + history.lag_s
    calm = {
        key: at for key, at in known_at(history).items() if is_calm(history, at, at + limit_s)
    }  # fmt: skip
    total = late = 0
    for watch in history.watches:
        settled_at = resumed_at(watch) + STEADY_S
        for seq, at in live_entries(watch):
            known = calm.get((watch.video_id, seq), 0.0)
            if known >= settled_at:
                total += 1
                late += at - known > limit_s
    return Pace(total, late)


def check_live(history: History, ledger: Ledger, late_share: float) -> None:
    """Note that more than this share came late."""
    found = pace(history)
    ledger.judge("P8", found.total)
    if found.total >= _ENOUGH and found.share > late_share:
        ledger.break_(
            "P8", f"{found.share:.1%} of {found.total} deliveries came more than {LATE_S:.0f} s "
            f"late though nothing was wrong; {late_share:.0%} may",
        )  # fmt: skip
