"""Comments that filters stop, on one video: some are blocked, the others wait, and of two
moderators both decide about each, at once and not always the same.

Invariants: what is done about which comment follows from the seed. Each decision is called for
again until it is answered.
"""

from __future__ import annotations

import asyncio
import json
import random
import time
from pathlib import Path

from cluster.issuer import DevelopmentIssuer
from tests.chaos.commenter import Commenter
from tests.chaos.history import Choice, History, Outcome, Post, Rule, Ruling
from tests.chaos.moderator import TOKEN_S, call_until_answered
from tests.chaos.traffic import Intent
from tests.raw_http import head

HOLDS, BLOCKS = "holdme", "blockme"
SCREENED = 4  # the video; nobody closes it or slows it down
MOST_AT_ONCE = 20  # beyond that it skips some
_TERMS = [{"term": HOLDS, "action": "hold"}, {"term": BLOCKS, "action": "block"}]
_BLOCKED_SHARE, _LEFT_SHARE, _SAME_SHARE = 0.25, 0.1, 0.5
_TIMEOUT_S, _RETRY_FOR_S = 4.0, 15.0
_ROLES = {"*": ["moderator"]}


class Screened:
    """`prepare` sets the filters, `run` posts until it is cancelled, `finish` waits until all that
    was begun is answered. skipped: comments that it had no time for.
    """

    def __init__(
        self, commenter: Commenter, issuer: Path, history: History, video_id: str, seed: str
    ) -> None:
        signer = DevelopmentIssuer.load(issuer)
        self._headers = {
            name: f"Authorization: Bearer {signer.token({'sub': name}, _ROLES, TOKEN_S)}"
            for name in ("max", "rita")
        }
        self._commenter, self._history = commenter, history
        self._video_id, self._seed = video_id, seed
        self._tasks: set[asyncio.Task[None]] = set()
        self.skipped = 0

    async def prepare(self) -> bool:
        """Whether the filters are set."""
        ruling = Ruling(self._video_id, Rule.SETTINGS, {})
        self._history.rulings.append(ruling)
        request = self._request("PUT", "filters", "max", {"terms": _TERMS})
        return await call_until_answered(self._commenter, ruling.calls, request)

    async def run(self, rate: float) -> None:
        """So many comments a second, for ever."""
        began, number = time.monotonic(), 0
        while True:
            number += 1
            await asyncio.sleep(max(began + number / rate - time.monotonic(), 0))
            if len(self._tasks) >= MOST_AT_ONCE:
                self.skipped += 1
                continue
            task = asyncio.create_task(self._comment(number))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def finish(self) -> None:
        """Wait for what was begun."""
        await asyncio.gather(*self._tasks)

    def cancel(self) -> list[asyncio.Task[None]]:
        """Stop at once; what is still to be waited for."""
        for task in self._tasks:
            task.cancel()
        return list(self._tasks)

    async def _comment(self, number: int) -> None:
        dice = random.Random(f"{self._seed}/screened/{number}")
        key, blocked = f"{dice.getrandbits(64):016x}", dice.random() < _BLOCKED_SHARE
        text = f"{BLOCKS if blocked else HOLDS} {number} {key}"
        wish = Intent(0, key, "sid", text, _TIMEOUT_S, _RETRY_FOR_S, again=False)
        post = Post(self._video_id, key, "sid", text, valid=not blocked, held=not blocked)
        self._history.posts.append(post)
        await self._commenter.send(post, wish)
        answer = post.calls[-1].answer or {}
        if post.outcome is not Outcome.HELD or dice.random() < _LEFT_SHARE:
            return
        approves = dice.random() < 0.5
        second = approves == (dice.random() < _SAME_SHARE)
        await asyncio.gather(
            self._decide(post, answer["held"], "max", approves),
            self._decide(post, answer["held"], "rita", second),
        )
        await self._commenter.repeat(post, wish)  # its author hears of it, or does not

    async def _decide(self, post: Post, held_id: str, by: str, approve: bool) -> None:
        choice = Choice(post.video_id, post.key, by, approve)
        self._history.choices.append(choice)
        body = {"decision": "approve" if approve else "deny"}
        request = self._request("POST", f"held/{held_id}", by, body)
        await call_until_answered(self._commenter, choice.calls, request)

    def _request(self, method: str, path: str, by: str, value: object) -> bytes:
        body = json.dumps(value).encode()
        described = ("Content-Type: application/json", f"Content-Length: {len(body)}")
        path = f"/v1/videos/{self._video_id}/{path}"
        return head(method, path, self._headers[by], *described) + body
