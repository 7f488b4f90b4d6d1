"""The moderator's other hand: sanctions members, closes a video for moments, slows another one
down, pins comments; and takes all of it back. Each call is made again until it is answered.

Invariants: about one subject (a video's settings, its pin, one member there) it says the next thing
only when the calls of the last one have ended. In the end nobody is sanctioned, nothing is pinned
and all settings are as at first. What it does follows from the seed, but for what is there to pin.
"""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
import json
import random
import time
from collections import defaultdict
from collections.abc import Callable, Coroutine, Sequence
from typing import Any

from tests.chaos.commenter import Commenter
from tests.chaos.history import History, Post, Rule, Ruling
from tests.chaos.members import Member
from tests.chaos.moderator import Moderator, call_until_answered, number_of
from tests.chaos.rule_book import DEFAULTS, FOREVER, Subject, subject_of
from tests.raw_http import head

# Seconds, at least and at most: how long a thing holds, and how long until the next one.
_SANCTION_HOLDS_S, _SANCTION_RESTS_S = (2.0, 8.0), (0.5, 3.0)
_TIMEOUT_S = (4.0, 15.0)
_CLOSED_S, _OPEN_S = (2.0, 4.0), (4.0, 12.0)
_SLOW_HOLDS_S, _SLOW_RESTS_S = (12.0, 20.0), (2.0, 6.0)
_PIN_HOLDS_S, _PIN_RESTS_S = (1.0, 5.0), (0.5, 3.0)
_SLOW_MODE_S = (5, 8)
# The hot video has most of the members' comments. Closing a quiet one costs the load little.
_SANCTIONED, _CLOSED, _SLOWED, _PINNED = (0, 0, 0, 1, 2), 1, 2, (0, 3)
_PURGE_SHARE, _TIMEOUT_SHARE = 0.2, 0.35
_PIN_REMOVED_SHARE = 0.4


class Ruler:
    """`start` begins; every ruling is in the history from its first call on."""

    def __init__(
        self,
        commenter: Commenter,
        moderator: Moderator,
        history: History,
        members: Sequence[Member],
    ) -> None:
        self._commenter, self._moderator, self._history = commenter, moderator, history
        self._members = members
        self._tasks: list[asyncio.Task[None]] = []
        self._over = asyncio.Event()
        self._turns: dict[Subject, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._resets: dict[Subject, dict[str, Any]] = {}
        self._purged: set[Subject] = set()
        self._newest: dict[str, int] = {}  # of each video a comment that nobody else deals with
        self._videos: Sequence[str] = ()

    def start(self, videos: Sequence[str], seed: str) -> None:
        """Rule over some of these until `finish`."""
        self._videos = videos
        for work in (self._sanction, self._close, self._slow_down, self._pin):
            dice = random.Random(f"{seed}/{work.__name__}")
            self._tasks.append(asyncio.create_task(self._go_on(work, dice)))

    def offer(self, post: Post) -> None:
        """A comment that was acknowledged, and that no moderator deals with."""
        if not post.author_id:
            self._newest[post.video_id] = number_of(post)

    async def finish(self) -> None:
        """Rule nothing more, and take back what there is; ends when that was answered."""
        self._over.set()
        await asyncio.gather(*self._tasks)
        for (video_id, rule, _), said in self._resets.items():
            await self._rule(video_id, rule, said)

    def cancel(self) -> list[asyncio.Task[None]]:
        """Stop at once; what is still to be waited for."""
        for task in self._tasks:
            task.cancel()
        return self._tasks

    async def _go_on(
        self, work: Callable[[random.Random], Coroutine[Any, Any, None]], dice: random.Random
    ) -> None:
        while not self._over.is_set():
            await work(dice)

    async def _sanction(self, dice: random.Random) -> None:
        video_id, member = self._video(dice.choice(_SANCTIONED)), dice.choice(self._members)
        until, purge, kind = FOREVER, False, dice.random()
        if kind < _PURGE_SHARE:
            video_id = self._video(0)  # where every member has written something
        holds_s, rests_s = dice.uniform(*_SANCTION_HOLDS_S), dice.uniform(*_SANCTION_RESTS_S)
        timeout_s = dice.uniform(*_TIMEOUT_S)
        said = {"author_id": member.author_id}
        if kind < _PURGE_SHARE:
            subject = subject_of(video_id, Rule.SANCTION, said)
            purge = subject not in self._purged  # once, so that it is plain what it must remove
            self._purged.add(subject)
        elif kind < _PURGE_SHARE + _TIMEOUT_SHARE:
            until = _wall_clock(timeout_s)
        await self._rule(video_id, Rule.SANCTION, {**said, "until": until, "purge": purge})
        await self._pause(holds_s)
        await self._rule(video_id, Rule.SANCTION, {**said, "until": None, "purge": False})
        await self._pause(rests_s)

    async def _close(self, dice: random.Random) -> None:
        await self._set_for(self._video(_CLOSED), "closed", True, dice.uniform(*_CLOSED_S))
        await self._pause(dice.uniform(*_OPEN_S))

    async def _slow_down(self, dice: random.Random) -> None:
        slow_mode_s, holds_s = dice.randint(*_SLOW_MODE_S), dice.uniform(*_SLOW_HOLDS_S)
        await self._set_for(self._video(_SLOWED), "slow_mode_s", slow_mode_s, holds_s)
        await self._pause(dice.uniform(*_SLOW_RESTS_S))

    async def _set_for(self, video_id: str, name: str, value: object, holds_s: float) -> None:
        await self._rule(video_id, Rule.SETTINGS, {name: value})
        await self._pause(holds_s)
        await self._rule(video_id, Rule.SETTINGS, {name: DEFAULTS[name]})

    async def _pin(self, dice: random.Random) -> None:
        video_id = self._video(dice.choice(_PINNED))
        holds_s, rests_s = dice.uniform(*_PIN_HOLDS_S), dice.uniform(*_PIN_RESTS_S)
        removed, unpinned = dice.random() < _PIN_REMOVED_SHARE, dice.random() < 0.5
        seq = self._newest.pop(video_id, 0)
        if seq and await self._rule(video_id, Rule.PIN, {"seq": seq}):
            await self._pause(holds_s)
            if removed:
                await self._moderator.remove(video_id, seq)
            if unpinned:
                await self._rule(video_id, Rule.PIN, {"seq": 0})
        await self._pause(rests_s)

    async def _rule(self, video_id: str, rule: Rule, said: dict[str, Any]) -> bool:
        """Make the calls of one ruling; whether it was acked."""
        ruling = Ruling(video_id, rule, said)
        subject = subject_of(video_id, rule, said)
        self._resets[subject] = _reset(rule, said)
        async with self._turns[subject]:
            self._history.rulings.append(ruling)
            request = self._request(ruling)
            return await call_until_answered(self._commenter, ruling.calls, request)

    def _request(self, ruling: Ruling) -> bytes:
        base, said = f"/v1/videos/{ruling.video_id}", ruling.said
        if ruling.rule is Rule.SETTINGS:
            return self._call("PATCH", f"{base}/settings", said)
        if ruling.rule is Rule.PIN:
            return self._call("PUT" if said["seq"] else "DELETE", f"{base}/pin", said)
        path = f"{base}/sanctions/{said['author_id']}"
        if said["until"] is None:
            return self._call("DELETE", path, {})
        body = {"until": said["until"], "purge": said["purge"]}
        return self._call("PUT", path, body)

    def _call(self, method: str, path: str, value: dict[str, Any]) -> bytes:
        if method == "DELETE":
            return head(method, path, self._moderator.header)
        body = json.dumps(value).encode()
        described = ("Content-Type: application/json", f"Content-Length: {len(body)}")
        return head(method, path, self._moderator.header, *described) + body

    async def _pause(self, pause_s: float) -> None:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._over.wait(), pause_s)

    def _video(self, number: int) -> str:
        return self._videos[min(number, len(self._videos) - 1)]


def _reset(rule: Rule, said: dict[str, Any]) -> dict[str, Any]:
    if rule is Rule.SETTINGS:
        return {
            name: value for name, value in DEFAULTS.items() if name in ("closed", "slow_mode_s")
        }
    if rule is Rule.PIN:
        return {"seq": 0}
    return {"author_id": said["author_id"], "until": None, "purge": False}


def _wall_clock(ahead_s: float) -> str:
    """As an entry says it: milliseconds, UTC."""
    at = dt.datetime.fromtimestamp(time.time() + ahead_s, dt.UTC)
    return f"{at:%Y-%m-%dT%H:%M:%S}.{at.microsecond // 1000:03d}Z"
