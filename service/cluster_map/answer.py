"""What another process answers, taken for what it is: bytes from a network.

Only the members below are read, with their types; an answer of another shape is refused whole. What
is kept of it is bounded: names are checked, texts and lists cut.
"""

from __future__ import annotations

from typing import Annotated, TypeVar

import msgspec

from service.cluster_map.peers import Identity
from wire.ids import is_service_id, is_video_id
from wire.roles import Role

MAX_ANSWER_BYTES = 256 * 1024
MAX_VIDEOS = 20  # busiest ones that a process tells, and that the map shows
_MAX_ITEMS = 64  # of a list or a mapping
_MAX_TEXT = 200

# More than any counter reaches, and exact in JavaScript.
_Count = Annotated[int, msgspec.Meta(ge=0, le=2**53 - 1)]
_Seconds = Annotated[float, msgspec.Meta(ge=0, le=1e12)]


class BadAnswer(Exception):
    """It is no answer of this kind; str() says why, in words of our own."""


class State(msgspec.Struct, frozen=True):
    """`/state`, as far as the map shows it. up_s: since its start. totals: counters since then.
    busiest: its videos with most viewers. failing: nodes that a dispatcher cannot reach.
    """

    role: Role
    id: str
    ready: bool
    draining: bool = False
    degraded: dict[str, str] = {}
    up_s: _Seconds = 0.0
    viewers: _Count = 0
    videos: _Count = 0
    totals: dict[str, _Count] = {}
    queues: dict[str, _Count] = {}
    busiest: dict[str, _Count] = {}
    failing: list[str] = []

    @property
    def identity(self) -> Identity:
        """Who answers."""
        return Identity(self.role, self.id)


class Videos(msgspec.Struct, frozen=True):
    """`/videos`: what a process knows of some videos. viewers: a node's own. routes: the nodes that
    a dispatcher would send a comment to.
    """

    viewers: dict[str, _Count] = {}
    routes: dict[str, list[str]] = {}


_S = TypeVar("_S", bound=msgspec.Struct)
_V = TypeVar("_V")


def read_state(body: bytes) -> State:
    """Raises BadAnswer."""
    state = _decode(body, State)
    if not is_service_id(state.id):
        raise BadAnswer("its id is none")
    return msgspec.structs.replace(
        state,
        degraded={_cut(name): _cut(how) for name, how in _first(state.degraded)},
        totals=dict(_first(state.totals)),
        queues=_longest(state.queues),
        busiest={video: n for video, n in _first(state.busiest) if is_video_id(video)},
        failing=[node for node in state.failing[:_MAX_ITEMS] if is_service_id(node)],
    )


def read_videos(body: bytes) -> Videos:
    """Raises BadAnswer."""
    videos = _decode(body, Videos)
    return Videos(
        viewers={video: n for video, n in _first(videos.viewers) if is_video_id(video)},
        routes={
            video: [node for node in nodes[:_MAX_ITEMS] if is_service_id(node)]
            for video, nodes in _first(videos.routes)
            if is_video_id(video)
        },
    )


def _decode(body: bytes, kind: type[_S]) -> _S:
    try:
        return msgspec.json.decode(body, type=kind)
    except (msgspec.DecodeError, RecursionError) as exc:  # the first is a ValueError of msgspec's
        raise BadAnswer("its answer is not what one of our processes says") from exc


def _first(items: dict[str, _V]) -> list[tuple[str, _V]]:
    return list(items.items())[:_MAX_ITEMS]


def _longest(queues: dict[str, int]) -> dict[str, int]:
    """Those in which something waits, the longest first."""
    kept = sorted((name for name in queues if queues[name]), key=lambda name: -queues[name])
    return {_cut(name): queues[name] for name in kept[:_MAX_ITEMS]}


def _cut(text: str) -> str:
    return text if len(text) <= _MAX_TEXT else f"{text[: _MAX_TEXT - 1]}\N{HORIZONTAL ELLIPSIS}"
