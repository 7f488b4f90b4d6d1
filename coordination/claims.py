"""The claims of all writers in ZooKeeper: this process's own is kept there, the others are judged.

Invariants: the own claim is there before the others are read (see `claim`), also on each new
session. What is decided is decided from one read that began after that; while ZooKeeper is away
nothing is decided. A claim of another session is never trusted to stay: it is made anew.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

import structlog

from coordination.claim import (
    Claim,
    ClaimJudge,
    Standing,
    Verdict,
    decode_claim,
    encode_claim,
    ordered,
)
from coordination.errors import CoordinationError, NoNode, ZooKeeperAway
from coordination.paths import Paths
from coordination.session import ZooKeeperSession
from coordination.znode import Create, Delete, Operation, Stat
from wire.ids import is_boot_id

log = structlog.get_logger()

MAX_CLAIMS = 1_000  # more are ignored and counted as junk
CHECK_EVERY_S = 10.0  # a watch tells at once; this is for a watch that was lost
_WAITING_CHECK_EVERY_S = 0.5
_COALESCE_S = 0.1
_Found = dict[str, tuple[bytes, Stat]]  # by boot id


class Claims:
    """See above. `on_verdict` is told after each read."""

    def __init__(
        self,
        session: ZooKeeperSession,
        claim: Claim,
        judge: ClaimJudge,
        *,
        on_verdict: Callable[[Verdict], None],
        paths: Paths | None = None,
    ) -> None:
        self._session, self._claim, self._judge = session, claim, judge
        self._on_verdict = on_verdict
        self._paths = paths or Paths()
        self._recheck = asyncio.Event()
        self.junk = 0
        session.on_connected(self._on_connected)
        session.on_event(self._paths.claims, lambda _path: self._recheck.set())

    async def run(self) -> Claim:
        """Returns when this writer has to give way: to the one with the claim that is returned."""
        while True:
            self._recheck.clear()
            verdict = None
            try:
                verdict = await self._check()
            except ZooKeeperAway:
                pass  # `_recheck` is set when we are back
            except CoordinationError as exc:
                log.warning("claims_not_read", error=str(exc))
            if verdict is not None:
                self._on_verdict(verdict)
                if verdict.standing is Standing.REFUSES and verdict.other is not None:
                    return verdict.other
            goes_on = verdict is not None and verdict.standing is Standing.GOES_ON
            await self._wait(CHECK_EVERY_S if goes_on else _WAITING_CHECK_EVERY_S)

    def _on_connected(self, _new_session: bool) -> None:
        self._judge.reconnected(time.monotonic())
        self._recheck.set()

    async def _check(self) -> Verdict | None:
        """None if our own claim was lost in between."""
        found = await self._fetch()
        if not self._holds(found):
            await self._make(found.get(self._claim.boot_id))
            found = await self._fetch()
            if not self._holds(found):
                return None
        claims = {
            name: decode_claim(name, data, stat.created) for name, (data, stat) in found.items()
        }
        self.junk += sum(each is None for each in claims.values())
        known = [each for each in claims.values() if each is not None]
        return self._judge.judge(self._claim, known, time.monotonic())

    async def _fetch(self) -> _Found:
        parent = self._paths.claims
        try:
            names = await self._session.get_children(parent, watch=True)
        except NoNode:
            await self._session.ensure_path(parent)
            names = await self._session.get_children(parent, watch=True)
        ids = sorted(filter(is_boot_id, names))[:MAX_CLAIMS]
        self.junk += len(names) - len(ids)
        found = (
            await self._session.get_many([self._paths.claim(name) for name in ids]) if ids else []
        )
        return {name: each for name, each in zip(ids, found, strict=True) if each is not None}

    def _holds(self, found: _Found) -> bool:
        """Whether our claim is there, as we made it on this session; then its order is known."""
        data, stat = found.get(self._claim.boot_id, (b"", None))
        if stat is None or stat.owner != self._session.session_id:
            return False
        claim = ordered(self._claim, stat.created)
        if decode_claim(claim.boot_id, data, stat.created) != claim:
            return False
        self._claim = claim
        return True

    async def _make(self, there: tuple[bytes, Stat] | None) -> None:
        path = self._paths.claim(self._claim.boot_id)
        make: list[Operation] = [Create(path, encode_claim(self._claim), ephemeral=True)]
        if there is not None:
            make.insert(0, Delete(path, there[1].version))
        await self._session.multi(make)
        log.info("store_claimed", epoch=self._claim.epoch, order=self._claim.order)

    async def _wait(self, timeout_s: float) -> None:
        await asyncio.sleep(_COALESCE_S)
        try:
            async with asyncio.timeout(timeout_s):
                await self._recheck.wait()
        except TimeoutError:
            pass
