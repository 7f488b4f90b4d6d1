"""One gathering: who is there, how each of them is, and what they know of the busiest videos.

Invariants: at most one gathering is begun in EVERY_S, however many look; whoever comes meanwhile
gets what that one finds. All peers are asked at the same time, and after ROUNDS_S nobody waits any
more: who has not answered by then is shown as not answering.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, TypeVar

import msgspec

from service.cluster_map.answer import (
    BadAnswer,
    State,
    Videos,
    read_state,
    read_videos,
)
from service.cluster_map.asking import NoAnswer, Resolver, Session, fetch, open_session
from service.cluster_map.peers import Identity, OpsPeer, PeerSources
from service.cluster_map.picture import Gathered, Missing, busiest_videos, draw
from service.cluster_map.rates import Rates, Reading
from service.cluster_map.roster import Roster, Target
from wire.roles import Role

EVERY_S = 1.0
# Looking names up, asking all for their state, asking some for videos: all of it within a second.
ROUNDS_S = (0.2, 0.7, 1.0)
_WITH_VIDEOS = (Role.NODE, Role.DISPATCHER, Role.SINGLE)

# What this process tells of itself, as it tells others: `/state`, and `/videos` for some ids.
OwnState = Callable[[], Mapping[str, Any]]
OwnVideos = Callable[[Sequence[str]], Mapping[str, Any]]
_W = TypeVar("_W")
_A = TypeVar("_A")


class Gathering:
    """Makes the map's document. gatherings, shared: how many were made, and how many looks were
    answered by one that somebody else had begun.
    """

    def __init__(self, sources: PeerSources, state: OwnState, videos: OwnVideos) -> None:
        self._sources, self._state, self._videos = sources, state, videos
        self._resolver, self._roster, self._rates = Resolver(), Roster(), Rates()
        self._task: asyncio.Task[bytes] | None = None
        self._begun_at = float("-inf")
        self.gatherings = self.shared = 0

    @property
    def left_out(self) -> int:
        """Addresses that were not asked the last time, as there were too many."""
        return self._roster.left_out

    async def fetch_map(self) -> bytes:
        """The document as JSON, at most EVERY_S and the time of a gathering old."""
        now = asyncio.get_running_loop().time()
        if self._task is None or (self._task.done() and now - self._begun_at >= EVERY_S):
            self._begun_at = now
            self.gatherings += 1
            self._task = asyncio.create_task(self._gather(now))
        else:
            self.shared += 1
        return await asyncio.shield(self._task)  # others wait for it too

    async def stop(self) -> None:
        """Give up what is under way. Idempotent."""
        self._resolver.close()
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _gather(self, begun_at: float) -> bytes:
        names_until, states_until, videos_until = (begun_at + s for s in ROUNDS_S)
        entries, problem = self._sources.read()
        resolved = await self._resolver.resolve(entries, names_until)
        targets = self._roster.targets(resolved, begun_at)
        async with open_session() as session:
            answers = await _ask_all(
                targets, lambda target: _fetch_state(session, target, states_until)
            )
            own = read_state(msgspec.json.encode(self._state()))
            readings = self._readings(answers, own)
            states = {who: reading.state for who, reading in readings.items()}
            where = self._where(answers, own)
            videos = await self._ask_videos(session, where, states, videos_until)
        gathered = Gathered(
            states=states,
            addresses={who: where[who].address if who in where else "" for who in states},
            rates=self._rates.add(readings),
            missing=self._missing(answers, resolved),
            videos=videos | {own.identity: self._own_videos(states)},
            notes=tuple(filter(None, [problem, _left_out(self.left_out)])),
        )
        return _encode(draw(gathered), own, begun_at)

    def _readings(
        self, answers: Mapping[Target, Reading | str], own: State
    ) -> dict[Identity, Reading]:
        """By who they are. What this process knows of itself counts more than what is said."""
        readings: dict[Identity, Reading] = {}
        for target, answer in answers.items():
            if isinstance(answer, Reading):
                self._roster.answered(target, answer.state, answer.at)
                readings.setdefault(answer.state.identity, answer)
        readings[own.identity] = Reading(asyncio.get_running_loop().time(), own)
        return readings

    def _where(self, answers: Mapping[Target, Reading | str], own: State) -> dict[Identity, Target]:
        """Where each process answered first, but this one."""
        where: dict[Identity, Target] = {}
        for target, answer in answers.items():
            if isinstance(answer, Reading) and answer.state.identity != own.identity:
                where.setdefault(answer.state.identity, target)
        return where

    async def _ask_videos(
        self,
        session: Session,
        where: Mapping[Identity, Target],
        states: Mapping[Identity, State],
        deadline: float,
    ) -> dict[Identity, Videos]:
        """What nodes and dispatchers know of the busiest videos; who does not answer is left
        out.
        """
        names = busiest_videos(states.values())
        asked = [who for who in where if who.role in _WITH_VIDEOS] if names else []
        path = f"/videos?ids={','.join(names)}"
        answers = await _ask_all(
            asked, lambda who: _fetch_videos(session, where[who], path, deadline)
        )
        return {who: answer for who, answer in answers.items() if isinstance(answer, Videos)}

    def _own_videos(self, states: Mapping[Identity, State]) -> Videos:
        known = self._videos(busiest_videos(states.values()))
        return read_videos(msgspec.json.encode(known))

    def _missing(
        self,
        answers: Mapping[Target, Reading | str],
        resolved: Mapping[OpsPeer, Sequence[str] | None],
    ) -> tuple[Missing, ...]:
        silent = [
            Missing(target.address, answer, self._roster.who(target))
            for target, answer in answers.items()
            if isinstance(answer, str)
        ]
        unknown = [
            Missing(entry.address, _of_name(hosts), self._roster.who_was_at(entry))
            for entry, hosts in resolved.items()
            if not hosts
        ]
        return (*silent, *unknown)


async def _ask_all(whom: Iterable[_W], ask: Callable[[_W], Awaitable[_A]]) -> dict[_W, _A | str]:
    """Everybody at once: what each says, or in words why it is of no use."""

    async def one(who: _W) -> _A | str:
        try:
            return await ask(who)
        except (NoAnswer, BadAnswer) as exc:
            return str(exc)

    asked = list(whom)
    return dict(zip(asked, await asyncio.gather(*map(one, asked)), strict=True))


async def _fetch_state(session: Session, target: Target, deadline: float) -> Reading:
    state = read_state(await fetch(session, target, "/state", deadline))
    return Reading(asyncio.get_running_loop().time(), state)


async def _fetch_videos(session: Session, target: Target, path: str, deadline: float) -> Videos:
    return read_videos(await fetch(session, target, path, deadline))


def _of_name(hosts: Sequence[str] | None) -> str:
    if hosts is None:
        return "its name is still being looked up"
    return "its name stands for no address"


def _left_out(count: int) -> str | None:
    return f"{count} addresses were not asked: too many" if count else None


def _encode(document: Mapping[str, Any], own: State, begun_at: float) -> bytes:
    now = datetime.now(UTC)
    times = {
        "made_at": now.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "took_s": round(asyncio.get_running_loop().time() - begun_at, 3),
        "by": own.id,
    }
    return msgspec.json.encode(times | dict(document))
