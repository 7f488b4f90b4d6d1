"""A moderator beside the commenters: removes some of the comments that were acknowledged, one by
one or several at once, and restores some of them. Each call is made again until it is answered.

Invariants: about one comment it decides the next thing only after the last one was answered. What
it does about which comment follows from the seed.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import random
import time
from collections import defaultdict
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

from cluster.issuer import DevelopmentIssuer
from tests.chaos.commenter import Commenter, code_of
from tests.chaos.history import Call, Decision, Deed, History, Outcome, Post
from tests.chaos.traffic import Intent
from tests.raw_http import Reply, head
from tests.support import TIMEOUT_FACTOR

MOST_AT_ONCE = 60  # comments that it deals with; beyond that it skips some
_SEVERAL = 3  # so many of one video wait for each other, and are removed by one call
_SEVERAL_SHARE = 0.3
# What becomes of a comment that is dealt with alone: one of these.
_PLANS = (
    *((Deed.REMOVE,),) * 3,
    (Deed.REMOVE, Deed.RESTORE),
    (Deed.REMOVE, Deed.RESTORE, Deed.REMOVE),
)
_LONGEST_PAUSE_S = 4.0  # before each deed: at once, or when every screen has it
_CALL_S, _REST_S = 4.0, (0.2, 2.0)  # the rest is doubled from the first to the longest
# Longer than any fault: what was begun is not left half done.
_PATIENCE_S = 90.0 * TIMEOUT_FACTOR
TOKEN_S = 24 * 3600
_TOO_OFTEN = 429


class Moderator:
    """Every decision is in the history from its first call on. `skipped`: comments that it had no
    time for.
    """

    def __init__(self, commenter: Commenter, issuer: Path, history: History, seed: str) -> None:
        token = DevelopmentIssuer.load(issuer).token(
            {"sub": "mo", "name": "Mo"}, {"*": ["moderator"]}, TOKEN_S
        )
        self._authorization = f"Authorization: Bearer {token}"
        self._commenter, self._history, self._seed = commenter, history, seed
        self._tasks: set[asyncio.Task[None]] = set()
        self._gathered: dict[str, list[int]] = defaultdict(list)
        self._over = asyncio.Event()
        self.skipped = 0

    @property
    def header(self) -> str:
        """What its calls carry."""
        return self._authorization

    def take(self, post: Post, wish: Intent) -> None:
        """Deal with a comment that was acknowledged. Those of members are left to purges: so what a
        purge must have removed is plain.
        """
        if self._over.is_set() or post.author_id:
            return
        if len(self._tasks) >= MOST_AT_ONCE:
            self.skipped += 1
            return
        dice = random.Random(f"{self._seed}/{post.key}")
        if dice.random() >= _SEVERAL_SHARE:
            self._start(self._carry_out(post, wish, dice))
            return
        gathered = self._gathered[post.video_id]
        gathered.append(number_of(post))
        if len(gathered) == _SEVERAL:
            del self._gathered[post.video_id]
            self._start(self._gather(post.video_id, tuple(gathered)))

    async def finish(self) -> None:
        """Decide nothing more, and wait until everything decided was answered."""
        self._over.set()
        await asyncio.gather(*self._tasks)

    def cancel(self) -> list[asyncio.Task[None]]:
        """Stop at once; what is still to be waited for."""
        for task in self._tasks:
            task.cancel()
        return list(self._tasks)

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def remove(self, video_id: str, *seqs: int) -> bool:
        """Remove comments that nobody else decides about; whether that was answered."""
        return await self._decide(Decision(video_id, Deed.REMOVE, seqs))

    async def _gather(self, video_id: str, seqs: tuple[int, ...]) -> None:
        await self.remove(video_id, *seqs)

    async def _carry_out(self, post: Post, wish: Intent, dice: random.Random) -> None:
        for deed in dice.choice(_PLANS):
            await self._pause(dice.choice((0.0, dice.uniform(0.0, _LONGEST_PAUSE_S))))
            if self._over.is_set():
                return
            decision = Decision(post.video_id, deed, (number_of(post),))
            if not await self._decide(decision):
                return
            # Its author may not have had the reply, and sends it once more.
            await self._commenter.repeat(post, wish)

    async def _pause(self, pause_s: float) -> None:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._over.wait(), pause_s)

    async def _decide(self, decision: Decision) -> bool:
        """Make the calls of one decision; whether it was acked."""
        self._history.decisions.append(decision)
        return await call_until_answered(self._commenter, decision.calls, self._request(decision))

    def _request(self, decision: Decision) -> bytes:
        base, (first, *others) = f"/v1/videos/{decision.video_id}", decision.targets
        if decision.deed is Deed.RESTORE:
            path = f"{base}/comments/{first}/restore"
            return head("POST", path, self._authorization, "Content-Length: 0")
        if not others:
            return head("DELETE", f"{base}/comments/{first}", self._authorization)
        body = json.dumps({"seqs": decision.targets}).encode()
        described = ("Content-Type: application/json", f"Content-Length: {len(body)}")
        return head("POST", f"{base}/removals", self._authorization, *described) + body


async def call_until_answered(commenter: Commenter, calls: list[Call], request: bytes) -> bool:
    """Make the same call of a moderator again and again; whether it was acked in the end."""
    give_up_at = time.monotonic() + _PATIENCE_S
    rest_s, longest_s = _REST_S
    while True:
        call = await commenter.call(calls, request, _CALL_S, _conclude)
        settled = call.outcome is not Outcome.UNKNOWN and call.status != _TOO_OFTEN
        if settled or time.monotonic() >= give_up_at:
            return call.outcome is Outcome.ACKED
        await asyncio.sleep(rest_s)
        rest_s = min(2 * rest_s, longest_s)


def number_of(post: Post) -> int:
    """What its author was told."""
    return int((post.acks[0].answer or {}).get("seq", 0))


def _conclude(call: Call, reply: Reply) -> None:
    """What a client may conclude from a reply that came whole."""
    call.status = reply.status
    if reply.status == 200:
        call.answer = reply.json()
        call.outcome = Outcome.ACKED
        return
    call.code = code_of(reply)
    if reply.status < 500:
        call.outcome = Outcome.REFUSED
