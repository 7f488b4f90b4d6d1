"""The map as a document: what `/map.json` says and the page shows.

Decides from what was gathered; does no I/O. Its size is bounded, whatever peers say: so many
members and videos (see `roster` and `answer`), and of each no more than MAX_SHOWN reasons, queues
and dispatchers.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec

from service.cluster_map.answer import MAX_VIDEOS, State, Videos
from service.cluster_map.peers import Identity
from wire.roles import Role

_NUMBERS = re.compile(r"(\d+)")
_PER_S = "_per_s"
MAX_SHOWN = 8


@dataclass(frozen=True, slots=True)
class Missing:
    """Somebody who was asked and did not answer. identity: who it should be, if that is known."""

    address: str
    why: str
    identity: Identity | None = None


@dataclass(frozen=True, slots=True)
class Gathered:
    """All that one gathering has brought. addresses: where each answered; "" is this process."""

    states: Mapping[Identity, State]
    addresses: Mapping[Identity, str]
    rates: Mapping[Identity, Mapping[str, float]]
    missing: tuple[Missing, ...] = ()
    videos: Mapping[Identity, Videos] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


class Member(msgspec.Struct, frozen=True):
    """A process on the map. state: ready, degraded, draining, starting or unreachable, and `why`.
    rates: by counter, a second; none before its second reading.
    """

    role: str
    id: str
    address: str
    state: str
    why: list[str] = []
    up_s: int | None = None
    viewers: int | None = None
    videos: int | None = None
    rates: dict[str, float] = {}
    queues: dict[str, int] = {}


def busiest_videos(states: Iterable[State]) -> list[str]:
    """The videos with most viewers, as far as the processes tell; at most MAX_VIDEOS."""
    viewers: Counter[str] = Counter()
    for state in states:
        viewers.update(state.busiest)
    return sorted(viewers, key=lambda video: (-viewers[video], video))[:MAX_VIDEOS]


def draw(gathered: Gathered) -> dict[str, Any]:
    """The document, without its times."""
    members = [
        *(_member(who, gathered) for who in gathered.states),
        *(_missing(one) for one in _apart(gathered)),
    ]
    return {
        "totals": _totals(gathered),
        "members": sorted(members, key=_place),
        "videos": _videos(gathered),
        "notes": list(gathered.notes),
    }


def _member(who: Identity, gathered: Gathered) -> Member:
    state = gathered.states[who]
    word, why = _condition(state)
    return Member(
        role=who.role,
        id=who.id,
        address=gathered.addresses[who],
        state=word,
        why=why,
        up_s=int(state.up_s),
        viewers=state.viewers,
        videos=state.videos,
        rates={
            f"{name}{_PER_S}": round(rate, 2) for name, rate in gathered.rates.get(who, {}).items()
        },
        queues=dict(list(state.queues.items())[:MAX_SHOWN]),  # the longest come first
    )


def _condition(state: State) -> tuple[str, list[str]]:
    """In a word, and why."""
    why = [f"{name}: {how}" for name, how in state.degraded.items()]
    why += [f"{node} does not answer" for node in state.failing]
    if len(why) > MAX_SHOWN:
        why[MAX_SHOWN - 1 :] = [f"and {len(why) - MAX_SHOWN + 1} more"]
    if state.draining:
        return "draining", why
    if not state.ready:
        return "starting", why
    return ("degraded" if why else "ready"), why


def _apart(gathered: Gathered) -> list[Missing]:
    """Each process that is missing once, and none that has answered at another address."""
    found: dict[object, Missing] = {}
    for one in gathered.missing:
        if one.identity not in gathered.states:
            found.setdefault(one.identity or one.address, one)
    return list(found.values())


def _missing(one: Missing) -> Member:
    role, name = (one.identity.role, one.identity.id) if one.identity else ("", "")
    return Member(role=role, id=name, address=one.address, state="unreachable", why=[one.why])


def _place(member: Member) -> tuple[Any, ...]:
    """By role, then by id as people count: node-2 before node-10."""
    roles = [Role.SINGLE, Role.WRITER, Role.DISPATCHER, Role.NODE]
    role = roles.index(Role(member.role)) if member.role else len(roles)
    words = [(int(w), "") if w.isdigit() else (0, w) for w in _NUMBERS.split(member.id)]
    return role, words, member.address


def _totals(gathered: Gathered) -> dict[str, float | None]:
    """Of the whole cluster. A comment is counted where it is stored, a delivery where it is made;
    a rate is None until somebody has one.
    """

    def rate(name: str, *roles: Role) -> float | None:
        known = [
            rates[name]
            for who, rates in gathered.rates.items()
            if who.role in roles and name in rates
        ]
        return round(sum(known), 2) if known else None

    return {
        "viewers": sum(state.viewers for state in gathered.states.values()),
        "comments_per_s": rate("comments", Role.WRITER, Role.SINGLE),
        "deliveries_per_s": rate("deliveries", Role.NODE, Role.SINGLE),
    }


def _videos(gathered: Gathered) -> list[dict[str, Any]]:
    """The busiest ones: who holds their viewers, and where dispatchers would send a comment."""
    names = busiest_videos(gathered.states.values())
    rows = [_video(name, gathered) for name in names]
    return sorted(rows, key=lambda row: (-row["viewers"], row["video_id"]))


def _video(name: str, gathered: Gathered) -> dict[str, Any]:
    nodes = {
        who.id: count
        for who, state in sorted(gathered.states.items())
        if (count := _viewers(name, state, gathered.videos.get(who))) is not None
    }
    routes = {
        who.id: sorted(videos.routes[name])
        for who, videos in sorted(gathered.videos.items())
        if name in videos.routes
    }
    return {
        "video_id": name,
        "viewers": sum(nodes.values()),
        "nodes": nodes,
        "routes": dict(list(routes.items())[:MAX_SHOWN]),
    }


def _viewers(name: str, state: State, videos: Videos | None) -> int | None:
    """How many of a video's viewers a process holds; its second answer is the newer one."""
    if videos is not None and videos.viewers:
        return videos.viewers.get(name)
    return state.busiest.get(name)
