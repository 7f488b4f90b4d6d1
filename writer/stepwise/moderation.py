"""The part of moderation that stores share: holding comments back, and deciding them (see
`writer.held`), forgetting an author, and erasures that only a ledger knows of.

Invariant: a held comment changes only under the condition that it is as it was read, so the first
decision counts, whatever the clocks of writers say.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable

import msgspec

from wire.errors import Overloaded, StoreUnavailable
from writer.held import HELD_FOR_MS, MAX_HELD, Held, HeldState, decide
from writer.ledger import Ledger
from writer.moderation_store import Erasure
from writer.stepwise.pausing import SETTLE_WITHIN_S, pause
from writer.stepwise.ports import Authored, HeldTable

_FOUND_AT_ONCE = 16


class ModerationSteps:
    """Implements part of `writer.moderation_store.ModerationStore`; a store adds the rest. What it
    keeps in memory is what it has read. ledger: of erasures, outside the store. touch: moves the
    version of the rules of every video; forget_staff: drops an author's name on a video.
    """

    def __init__(
        self,
        table: HeldTable,
        authored: Authored,
        ledger: Ledger,
        touch: Callable[[], Awaitable[None]],
        forget_staff: Callable[[str, str], Awaitable[None]],
    ) -> None:
        self._table, self._authored, self._ledger = table, authored, ledger
        self._confirmed: dict[str, int] = {}  # what of the ledger the store knows, by author
        self._touch, self._forget_staff = touch, forget_staff

    async def hold(self, video_id: str, held: Held) -> Held:
        """As ModerationStore.hold."""
        found = await self._table.find(video_id, held.id)
        if found is not None:
            return found
        if await self._table.count_since(video_id, held.held_ms - HELD_FOR_MS) >= MAX_HELD:
            raise Overloaded("too many comments wait for a moderator")
        if held.author_id:
            await self._authored.note_held(held.author_id, video_id)
        # First where it is listed: what is there alone is skipped by the list.
        await self._table.add_time(video_id, held)
        await self._table.add(video_id, held)
        found = await self._table.find(video_id, held.id)
        if found is None:
            raise StoreUnavailable("whether it is held is unknown; send it again")
        return found

    async def find_held(self, video_id: str, held_id: str) -> Held | None:
        """As ModerationStore.find_held."""
        return await self._table.find(video_id, held_id)

    async def list_held(self, video_id: str, limit: int, held_after_ms: int) -> list[Held]:
        """As ModerationStore.list_held."""
        found = await self._table.list_since(video_id, held_after_ms)
        waiting = [held for held in found if held.waits]
        return sorted(waiting, key=lambda held: (held.held_ms, held.id))[:limit]

    async def decide_held(
        self, video_id: str, held_id: str, state: HeldState, by: str, now_ms: int
    ) -> Held:
        """As ModerationStore.decide_held."""
        deadline, attempt = time.monotonic() + SETTLE_WITHIN_S, 0
        while True:
            held = await self._table.find(video_id, held_id)
            decided = decide(held, state, by, now_ms)
            assert held is not None
            if decided is None:
                return held
            if await self._change(video_id, held, decided):
                if not decided.waits:
                    await self._table.end_time(video_id, held)
                return decided
            attempt += 1
            await _pause(attempt, deadline)

    async def note_held_seq(self, video_id: str, held_id: str, seq: int) -> None:
        """As ModerationStore.note_held_seq."""
        held = await self._table.find(video_id, held_id)
        if held is not None:
            await self._change(video_id, held, msgspec.structs.replace(held, seq=seq))
            await self._table.end_time(video_id, held)

    async def forget_author(self, author_id: str, video_id: str) -> None:
        """As ModerationStore.forget_author."""
        for held in await self._table.list_all(video_id):
            if held.author_id == author_id:
                await self._table.forget(video_id, held)
                if await self._table.find(video_id, held.id) is not None:
                    raise StoreUnavailable("whether it is forgotten is unknown; send it again")
        await self._forget_staff(author_id, video_id)

    async def note_erasure(self, erasure: Erasure) -> None:
        """As ModerationStore.note_erasure. The ledger has it before the store does."""
        if not erasure.done:
            await asyncio.to_thread(self._ledger.add, erasure.author_id, erasure.at_ms)
        await self._write_erasure(erasure)

    async def open_erasures(self, limit: int, after: str = "") -> list[Erasure]:
        """As ModerationStore.open_erasures."""
        found = {one.author_id: one for one in await self._list_open(limit, after)}
        found |= {one.author_id: one for one in await self._restored() if one.author_id > after}
        return [found[one] for one in sorted(found)][:limit]

    async def find_erasure(self, author_id: str) -> Erasure | None:
        """As ModerationStore.find_erasure."""
        at_ms = (await asyncio.to_thread(self._ledger.read)).at_ms.get(author_id)
        known = await self._find_erasure(author_id)
        if at_ms is None or (known is not None and known.at_ms >= at_ms):
            return known
        return Erasure(author_id, at_ms, False, restored=True)

    async def _restored(self) -> list[Erasure]:
        """Those of the ledger that the store does not know of: it is an older copy. Each is looked
        for until it is found.
        """
        ledger = (await asyncio.to_thread(self._ledger.read)).at_ms
        new = [one for one, at_ms in ledger.items() if self._confirmed.get(one, -1) < at_ms]
        restored = list[Erasure]()
        for first in range(0, len(new), _FOUND_AT_ONCE):
            some = new[first : first + _FOUND_AT_ONCE]
            for one in filter(None, await asyncio.gather(*map(self.find_erasure, some))):
                if one.restored:
                    restored.append(one)
                else:
                    self._confirmed[one.author_id] = one.at_ms
        return restored

    async def _write_erasure(self, erasure: Erasure) -> None:
        raise NotImplementedError

    async def _list_open(self, limit: int, after: str) -> list[Erasure]:
        raise NotImplementedError

    async def _find_erasure(self, author_id: str) -> Erasure | None:
        raise NotImplementedError

    async def _change(self, video_id: str, before: Held, after: Held) -> bool:
        """Whether it is as `after` now; False if somebody else has changed it."""
        await self._table.change(video_id, before, after)
        return await self._table.find(video_id, before.id) == after


async def _pause(attempt: int, deadline: float) -> None:
    try:
        await pause(attempt, deadline)
    except TimeoutError as exc:
        raise StoreUnavailable("others have changed it each time; send it again") from exc
