"""Video -> nodes, as last read, and which routes to read next. No I/O; time is passed in.

Invariants:
- A route is UNKNOWN until it was read once, then KNOWN; STALE when it may have changed since. A
  stale route is still the answer: the last thing known beats nothing.
- `due` hands out each route at most once until `read` or `failed` is called for it, and at most
  once in `coalesce_s`, however many events come. What comes while a read is under way makes the
  route due again: the reply may be older than the event.
- A reply that was asked for before `connection_lost` cannot be trusted to have left a watch, so the
  route stays stale.
- At most `max_routes` are kept; the least recently used goes first, and any unused for `idle_s`,
  or for `empty_idle_s` if nobody serves the video: a post there costs no lasting watch. One that is
  being read stays, and may be one too many until another is wanted.
- A route that goes while there may be a watch for it is `leaving` until `take_leaving` hands it
  out; wanted again before that, it takes its watch back. So no watch is left of what is forgotten.
Only the resolver changes a table.
"""

from __future__ import annotations

import heapq
from collections import OrderedDict
from dataclasses import dataclass
from enum import Enum
from itertools import islice

COALESCE_S = 0.1
IDLE_S = 600.0
EMPTY_IDLE_S = 30.0
MAX_ROUTES = 100_000


class RouteState(Enum):
    """How far a route can be relied on."""

    UNKNOWN = "unknown"
    KNOWN = "known"
    STALE = "stale"


@dataclass(slots=True)
class Route:
    """One video's entry; `nodes` means nothing while it is UNKNOWN."""

    used_at: float
    state: RouteState = RouteState.UNKNOWN
    nodes: frozenset[str] = frozenset()
    asked_at: float = float("-inf")
    reading: bool = False
    queued: bool = False
    due_at: float = 0.0  # of its place in the queue; any other one there is a left-over
    watched: bool = False  # a read over this connection has been sent: it may have left a watch


class RoutingTable:
    """The routes of one process, least recently used first."""

    def __init__(
        self,
        *,
        max_routes: int = MAX_ROUTES,
        idle_s: float = IDLE_S,
        empty_idle_s: float = EMPTY_IDLE_S,
        coalesce_s: float = COALESCE_S,
    ) -> None:
        self._max_routes = max_routes
        self._idle_s = idle_s
        self._empty_idle_s = empty_idle_s
        self._coalesce_s = coalesce_s
        self._routes: OrderedDict[str, Route] = OrderedDict()
        self._queue: list[tuple[float, str]] = []
        self._leaving: dict[str, None] = {}
        self._stale = 0
        self.evicted = 0

    def __len__(self) -> int:
        return len(self._routes)

    @property
    def stale(self) -> int:
        """How many routes are not KNOWN."""
        return self._stale

    @property
    def leaving(self) -> int:
        """How many routes are forgotten whose watches are not."""
        return len(self._leaving)

    def videos(self) -> list[str]:
        """All videos with an entry, the most recently used first."""
        return list(reversed(self._routes))

    def stale_videos(self) -> list[str]:
        """Those of them that are not KNOWN, in the same order."""
        routes = reversed(self._routes.items())
        return [video_id for video_id, route in routes if route.state is not RouteState.KNOWN]

    def find(self, video_id: str, now: float) -> frozenset[str] | None:
        """The nodes as last read, None when they never were. Counts as use."""
        route = self._routes.get(video_id)
        if route is None or route.state is RouteState.UNKNOWN:
            return None
        self._touch(video_id, route, now)
        return route.nodes

    def peek(self, video_id: str) -> frozenset[str] | None:
        """As `find`, for those who only look: it does not count as use."""
        route = self._routes.get(video_id)
        return None if route is None or route.state is RouteState.UNKNOWN else route.nodes

    def want(self, video_id: str, now: float) -> None:
        """Have the route read if it is not known."""
        route = self._routes.get(video_id)
        if route is None:
            self._make_room()
            route = self._routes[video_id] = Route(now, watched=video_id in self._leaving)
            self._leaving.pop(video_id, None)
            self._stale += 1
            self._enqueue(video_id, route, now)
        self._touch(video_id, route, now)

    def mark_stale(self, video_id: str, now: float) -> None:
        """The route may have changed: read it again. An unknown video is not taken up."""
        route = self._routes.get(video_id)
        if route is not None:
            self._mark(video_id, route, now)

    def connection_lost(self) -> None:
        """No watch is left; nothing is read until `read_all_again`."""
        for route in self._routes.values():
            self._set_state(route, _doubted(route.state))
            route.reading = route.queued = route.watched = False
        self._queue.clear()
        self._leaving.clear()

    def read_all_again(self, now: float) -> None:
        """There is a connection: every route is due, the most recently used first."""
        for place, (video_id, route) in enumerate(reversed(self._routes.items())):
            route.asked_at = float("-inf")
            # The tiny steps keep the order in the heap; they are no delay worth the name.
            self._mark(video_id, route, now + place * 1e-9)

    def due(self, now: float, limit: int) -> list[str]:
        """Up to `limit` videos to read now."""
        videos: list[str] = []
        while self._queue and self._queue[0][0] <= now + 1e-3 and len(videos) < limit:
            due_at, video_id = heapq.heappop(self._queue)
            route = self._routes.get(video_id)
            if route is None or not route.queued or route.reading or route.due_at != due_at:
                continue
            route.queued, route.reading, route.asked_at = False, True, now
            route.watched = True
            videos.append(video_id)
        return videos

    def next_due_at(self) -> float | None:
        """When `due` may have something next, None if nothing waits."""
        return self._queue[0][0] if self._queue else None

    def read(self, video_id: str, nodes: frozenset[str], now: float) -> bool:
        """A reply came, and its watch is in place. Whether the nodes are other ones than before."""
        route = self._routes.get(video_id)
        if route is None:
            return False
        was_reading, route.reading = route.reading, False
        changed = route.nodes != nodes or route.state is RouteState.UNKNOWN
        route.nodes = nodes
        if route.queued:  # something happened while we were reading
            self._set_state(route, RouteState.STALE)
            self._push(video_id, route, now)
        elif was_reading:
            self._set_state(route, RouteState.KNOWN)
        elif route.state is RouteState.UNKNOWN:  # asked for over a connection that is gone
            self._set_state(route, RouteState.STALE)
        return changed

    def failed(self, video_id: str, now: float) -> None:
        """A read did not succeed: try again when it is due."""
        route = self._routes.get(video_id)
        if route is not None and route.reading:
            route.reading = False
            route.queued = True
            self._push(video_id, route, now)

    def compare(self, video_id: str, nodes: frozenset[str], now: float) -> bool:
        """What a read without watch says: taken, and if it differs the route is read again. Whether
        it differs. Skipped while a read of the route is under way, which is newer.
        """
        route = self._routes.get(video_id)
        if route is None or route.reading or route.state is RouteState.UNKNOWN:
            return False
        if route.nodes == nodes:
            return False
        route.nodes = nodes
        self._mark(video_id, route, now)
        return True

    def evict_idle(self, now: float, at_most: int) -> None:
        """Forget up to `at_most` routes that nobody used for `idle_s`."""
        for _ in range(at_most):
            video_id, route = next(iter(self._routes.items()), (None, None))
            if video_id is None or route is None or route.reading:
                return
            if now - route.used_at < self._idle_s:
                return
            self._drop(video_id)

    def evict_empty(self, video_id: str, now: float) -> None:
        """Forget a route without nodes that nobody used for `empty_idle_s`."""
        route = self._routes.get(video_id)
        if route is None or route.reading or route.nodes or route.state is not RouteState.KNOWN:
            return
        if now - route.used_at >= self._empty_idle_s:
            self._drop(video_id)

    def take_leaving(self, limit: int) -> list[str]:
        """Up to `limit` forgotten videos; the caller removes their watches, before it reads any of
        them again.
        """
        videos = list(islice(self._leaving, limit))
        for video_id in videos:
            del self._leaving[video_id]
        return videos

    def _touch(self, video_id: str, route: Route, now: float) -> None:
        route.used_at = now
        self._routes.move_to_end(video_id)

    def _make_room(self) -> None:
        while len(self._routes) >= self._max_routes:
            idle = (video_id for video_id, route in self._routes.items() if not route.reading)
            oldest = next(idle, None)
            if oldest is None:
                return
            self._drop(oldest)

    def _drop(self, video_id: str) -> None:
        route = self._routes.pop(video_id)
        if route.watched:
            self._leaving[video_id] = None
        self._stale -= route.state is not RouteState.KNOWN
        self.evicted += 1

    def _mark(self, video_id: str, route: Route, now: float) -> None:
        self._set_state(route, _doubted(route.state))
        self._enqueue(video_id, route, now)

    def _enqueue(self, video_id: str, route: Route, now: float) -> None:
        if route.queued:
            return
        route.queued = True
        if not route.reading:  # else `read` puts it in, when it is known how long it took
            self._push(video_id, route, now)

    def _push(self, video_id: str, route: Route, now: float) -> None:
        route.due_at = max(now, route.asked_at + self._coalesce_s)
        heapq.heappush(self._queue, (route.due_at, video_id))

    def _set_state(self, route: Route, state: RouteState) -> None:
        self._stale += (state is not RouteState.KNOWN) - (route.state is not RouteState.KNOWN)
        route.state = state


def _doubted(state: RouteState) -> RouteState:
    return RouteState.STALE if state is RouteState.KNOWN else state
