"""The viewers of this node as others are told of them, and the totals of all nodes as it is told.

Invariants: what is counted are open streams, by the rooms that hold them. A change costs one entry
in a table until it is told. Nothing waits for a writer: a report goes with the next head read, or
alone when it is due.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterable, Sequence
from contextlib import suppress
from itertools import count
from typing import Any, Protocol

from rtms_node.count_ledger import EVERY_S, IDLE_S, Ledger
from rtms_node.hub import Hub
from wire.counts import CountsReply, CountsReport
from wire.errors import BadRequest, PeerError

_LOOK_S = 0.25  # at least so far apart are looks whether a report is due, while one may be
_EARLY_S = 0.01  # a timer's clock is no finer

Spawn = Callable[[Coroutine[Any, Any, None], str], object]


class Totals(Protocol):
    """Whoever adds the counts of all nodes up: each by itself, so all of them are told."""

    def known(self) -> Sequence[str]:
        """Their names at the moment."""

    async def report(self, name: str, report: CountsReport) -> CountsReply | None:
        """Tell one of them, by a call that carries nothing else; None if it does not count. Raises
        PeerError or BadRequest if it does not answer well.
        """


class ViewerCounts:
    """Owned by the node. `touch` is called for every join and leave."""

    def __init__(self, boot: str, hub: Hub, clock: asyncio.AbstractEventLoop) -> None:
        self._boot, self._hub, self._clock = boot, hub, clock
        self._changed: dict[str, None] = {}
        self._ledgers: dict[str, Ledger] = {}
        self._numbers = count(1)
        self._needed = asyncio.Event()
        self._needed.set()  # writers are to hear at once that this node is there
        self._every_s = EVERY_S
        self.reports = self.failures = self.alone = 0

    def hurry(self) -> None:
        """Viewers are sent away, and will soon be counted elsewhere: tell changes at once."""
        self._every_s = _LOOK_S

    def touch(self, video_id: str) -> None:
        """This video has another count."""
        self._changed[video_id] = None
        self._needed.set()

    def watched(self) -> Iterable[str]:
        """See Here."""
        return [video_id for video_id, room in self._hub.rooms.items() if room.viewers]

    def is_empty(self) -> bool:
        """See Here."""
        return not self._hub.viewers

    def count(self, video_id: str) -> int:
        """See Here."""
        room = self._hub.rooms.get(video_id)
        return len(room.viewers) if room is not None else 0

    def peak(self, video_id: str) -> int:
        """See Here."""
        room = self._hub.rooms.get(video_id)
        return room.total.peak if room is not None else 0

    @property
    def needed(self) -> bool:
        """Whether there are viewers, or something that is not told yet."""
        return self._needed.is_set()

    async def wait_needed(self) -> None:
        """Wait until there is somebody to tell of, or it is time to say that nobody watches."""
        with suppress(TimeoutError):
            async with asyncio.timeout(IDLE_S):
                await self._needed.wait()

    def set_known(self, names: Sequence[str]) -> None:
        """Who is to be told from now on."""
        now = self._clock.time()
        if self._ledgers.keys() != set(names):
            kept = {one: self._ledgers[one] for one in names if one in self._ledgers}
            self._ledgers = {
                one: kept.get(one) or Ledger(self._boot, self._numbers, now) for one in names
            }

    def idle_s(self) -> float:
        """For how long no report can be due."""
        looks = (ledger.next_look(self._every_s) for ledger in self._ledgers.values())
        wait_s = min(looks, default=0.0) + _EARLY_S - self._clock.time()
        return min(max(wait_s, _LOOK_S), EVERY_S)

    def take_due(self) -> list[tuple[str, CountsReport]]:
        """The reports that have to go now."""
        self._note_changes()
        now, watched = self._clock.time(), bool(self._hub.viewers)
        due = [
            (name, ledger)
            for name, ledger in self._ledgers.items()
            if ledger.is_due(now, watched=watched, every_s=self._every_s)
        ]
        if not watched and not any(ledger.open for ledger in self._ledgers.values()):
            self._needed.clear()
        return [(name, ledger.take(now, self)) for name, ledger in due]

    def take_last(self) -> list[tuple[str, CountsReport]]:
        """Reports of all that is not told yet."""
        self._note_changes()
        now = self._clock.time()
        left = [one for one in self._ledgers.items() if one[1].may_share(now) and one[1].open]
        return [(name, ledger.take(now, self)) for name, ledger in left]

    def take_shared(self, name: str) -> CountsReport | None:
        """A report to one of them that goes with a head read; None if there is no need."""
        self._note_changes()
        ledger, now = self._ledgers.get(name), self._clock.time()
        if ledger is None or not self.needed or not ledger.may_share(now):
            return None
        return ledger.take(now, self)

    def answered(self, name: str, report: CountsReport, reply: CountsReply | None) -> None:
        """What came back for a report."""
        self.reports += 1
        ledger = self._ledgers.get(name)
        if ledger is not None:
            ledger.answered(report, reply, self._clock.time())
        if reply is not None:
            for video_id, (now, peak) in reply.totals.items():
                room = self._hub.rooms.get(video_id)
                if room is not None:
                    room.total.learn(now, peak)

    def failed(self, name: str, report: CountsReport) -> None:
        """Nothing came back."""
        self.failures += 1
        ledger = self._ledgers.get(name)
        if ledger is not None:
            ledger.failed(report, self._clock.time())

    def _note_changes(self) -> None:
        if self._changed:
            changed, self._changed = self._changed, {}
            for ledger in self._ledgers.values():
                ledger.changed(changed)


async def report_viewers(counts: ViewerCounts, totals: Totals, spawn: Spawn) -> None:
    """Tell all of them for ever; a node without viewers only that it is there."""
    while True:
        await counts.wait_needed()
        counts.set_known(totals.known())
        await asyncio.sleep(counts.idle_s())  # what can go with a head read goes before
        for name, report in counts.take_due():
            spawn(_tell(counts, totals, name, report), "counts")


async def report_last(counts: ViewerCounts, totals: Totals) -> None:
    """Once more, after the last viewer: else they count for as long as a silent node does."""
    last = counts.take_last()
    await asyncio.gather(*(_tell(counts, totals, name, report) for name, report in last))


async def _tell(counts: ViewerCounts, totals: Totals, name: str, report: CountsReport) -> None:
    """One report. They are told side by side: one that hangs delays no other."""
    counts.alone += 1
    try:
        reply = await totals.report(name, report)
    except (PeerError, BadRequest):
        counts.failed(name, report)
    else:
        counts.answered(name, report, reply)
