"""From the viewers to their total, without a hop: who adds up, in the same process."""

from __future__ import annotations

import time
from collections.abc import Sequence

from wire.counts import CountsReply, CountsReport
from writer.viewer_totals import TotalsLimits, ViewerTotals

# There is one node, which cannot be away.
ALONE = TotalsLimits(lease_s=float("inf"), settle_s=0.0)
_NAME = ("single",)


class OwnTotals:
    """A `Totals` of one."""

    def __init__(self, totals: ViewerTotals) -> None:
        self._totals = totals

    def known(self) -> Sequence[str]:
        """This process."""
        return _NAME

    async def report(self, name: str, report: CountsReport) -> CountsReply | None:
        """By a call."""
        return self._totals.take(name, report, time.monotonic())
