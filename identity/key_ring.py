"""The keys that count now, and when they are fetched again.

Invariants:
- at most one fetch at a time, and at most one in `unknown_every_s`, whoever asks and however often:
  a flood of tokens with invented key names costs the source nothing;
- a set that cannot be fetched or read changes nothing: the last good one counts for `kept_s` after
  it was fetched, then none;
- a set that can be read replaces the one before as a whole, so that a key which its owner withdrew
  counts no longer, even if none is left.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass

import structlog

from identity.key_source import KeysNotFetched, KeySource
from identity.keys import Key, KeySet, KeysUnreadable, read_key_set
from service.tasks import TaskHome
from wire.errors import KeysUnavailable, TokenInvalid

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class KeyTimes:
    """Seconds. every_s: between fetches; unknown_every_s: the least between any two fetches, also
    for a name that no key has; kept_s: how long a set counts after it was fetched.
    """

    every_s: float = 300.0
    unknown_every_s: float = 30.0
    kept_s: float = 24 * 3600.0


# A file costs nothing to read, and whoever has replaced it waits for the effect.
FILE_TIMES = KeyTimes(every_s=10.0, unknown_every_s=1.0)
URL_TIMES = KeyTimes()


class KeyRing:
    """Owns the set. To be used on one event loop."""

    def __init__(
        self,
        source: KeySource,
        times: KeyTimes,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._source, self._times, self._clock = source, times, clock
        self._set: KeySet | None = None
        self._fetched_at = self._tried_at = float("-inf")
        self._problem: str | None = None
        self._fetching: asyncio.Task[None] | None = None
        self._tasks: TaskHome | None = None
        self.fetches = self.failures = 0

    @property
    def digest(self) -> bytes:
        """Another one for each other set."""
        return self._set.digest if self._set else b""

    @property
    def usable(self) -> bool:
        """Whether there is a set that is not too old."""
        return self._set is not None and self._clock() - self._fetched_at < self._times.kept_s

    @property
    def problem(self) -> str | None:
        """What was wrong with the last fetch, None if nothing."""
        return self._problem

    async def start(self, tasks: TaskHome) -> None:
        """Fetch once, and go on in the background. Does not fail because the source is away."""
        self._tasks = tasks
        await self._source.start()
        await self._refresh()
        tasks.spawn(self._run(), "keys")

    async def stop(self) -> None:
        """Release the source; `tasks` ends what runs. Idempotent."""
        await self._source.stop()

    async def find(self, kid: str | None) -> Key:
        """The key of this name; waits for one fetch at most, and only if the name is not known.

        Raises TokenInvalid if there is no such key, KeysUnavailable if that cannot be told: the
        last fetch failed, or there is no set that is not too old.
        """
        key = self._find(kid)
        if key is None and self._may_fetch:
            await self._refresh()
            key = self._find(kid)
        if key is not None:
            return key
        if self._problem is not None or not self.usable:
            raise KeysUnavailable(retry_after_s=self._retry_after_s())
        raise TokenInvalid("no key of ours has its kid")

    def _find(self, kid: str | None) -> Key | None:
        return self._set.find(kid) if self._set is not None and self.usable else None

    @property
    def _may_fetch(self) -> bool:
        return self._fetching is not None or self._wait_s() <= 0

    def _wait_s(self) -> float:
        return self._tried_at + self._times.unknown_every_s - self._clock()

    def _retry_after_s(self) -> int:
        return max(1, min(int(self._wait_s()) + 1, 30))

    async def _refresh(self) -> None:
        """One fetch, shared by all who wait for one. None of them can cancel it."""
        if self._fetching is None:
            assert self._tasks is not None, "not started"
            self._tried_at = self._clock()
            self._fetching = self._tasks.spawn(self._fetch(), "fetch keys")
            self._fetching.add_done_callback(self._fetched)
        await asyncio.wait({self._fetching})

    def _fetched(self, _task: asyncio.Task[None]) -> None:
        self._fetching = None

    async def _fetch(self) -> None:
        self.fetches += 1
        try:
            found = read_key_set(await self._source.fetch(), secrets=self._source.secrets)
        except (KeysNotFetched, KeysUnreadable) as exc:
            self.failures += 1
            if self._problem is None:
                log.warning("keys_not_fetched", error=str(exc))
            self._problem = f"keys: {exc}"
            return
        if self._set is None or found.digest != self._set.digest:
            log.info("keys_changed", kids=[key.kid for key in found.keys])
            if found.ignored:
                log.warning("keys_ignored", reasons=list(found.ignored))
        self._set, self._fetched_at = found, self._clock()
        self._problem = None if found.keys else "keys: the set has none that can be used"

    async def _run(self) -> None:
        while True:
            # After a failure as soon as a fetch is allowed again.
            every_s = self._times.unknown_every_s if self._problem else self._times.every_s
            wait_s = self._tried_at + every_s - self._clock()
            if wait_s > 0:  # somebody may fetch meanwhile, so look again after it
                await asyncio.sleep(wait_s)
            else:
                await self._refresh()
