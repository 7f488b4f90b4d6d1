"""What clients did and saw, with times: the only thing that the judge looks at.

Invariants: nothing in here is taken from the system's own word but `stored` (the public log,
read at the end) and `forwards` (which node was called for which video). Times are monotonic seconds
of the recording process. An event that many viewers saw is one object; a delivery is a place in two
lists.
"""

from __future__ import annotations

import math
from array import array
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

VIEWERS = "viewers"  # an event, and a member of `state`


class Outcome(Enum):
    """What a client may conclude about one call, or about one post after all its calls."""

    ACKED = "acked"  # 200 or 201: stored, with the number it was told
    REFUSED = "refused"  # not stored: 4xx, or a 503 that says so
    HELD = "held"  # 202: not stored, unless a moderator approves it
    UNKNOWN = "unknown"  # other 5xx, a lost connection, a timeout: stored or not, at most once


@dataclass(slots=True)
class Call:
    """One exchange over HTTP. `status` is 0 if no whole reply came; `answer` what was told: of a
    post the comment. `patience_s`: how long the client was willing to wait. `code`: of the problem
    that it was told.
    """

    invoked_at: float
    returned_at: float
    patience_s: float = 4.0
    outcome: Outcome = Outcome.UNKNOWN
    status: int = 0
    answer: dict[str, Any] | None = None
    code: str = ""


class _Called:
    """Something for which calls are made, one after the other."""

    __slots__ = ()
    calls: list[Call]

    @property
    def outcome(self) -> Outcome:
        """Acked by one call is acked; else one unknown call leaves everything open."""
        outcomes = {call.outcome for call in self.calls}
        for outcome in (Outcome.ACKED, Outcome.HELD, Outcome.UNKNOWN, Outcome.REFUSED):
            if outcome in outcomes:
                return outcome
        return Outcome.REFUSED  # never sent

    @property
    def invoked_at(self) -> float:
        """When the first call began."""
        return self.calls[0].invoked_at

    @property
    def acks(self) -> list[Call]:
        """The calls that were acknowledged."""
        return [call for call in self.calls if call.outcome is Outcome.ACKED]

    @property
    def answered_at(self) -> float:
        """When it was first acknowledged; infinity if it never was."""
        return min((call.returned_at for call in self.acks), default=math.inf)

    @property
    def lost(self) -> int:
        """Calls without an answer: each of them may be carried out at any later time."""
        return sum(call.outcome is Outcome.UNKNOWN for call in self.calls)


@dataclass(slots=True)
class Post(_Called):
    """One comment to post: a key, a body, and every call made for it (one after the other).
    `valid`: whether the body is one that must be taken. `author_id`: of whoever posts with a token.
    `held`: whether filters hold it for a moderator.
    """

    video_id: str
    key: str
    author: str
    text: str
    calls: list[Call] = field(default_factory=list)
    valid: bool = True
    author_id: str = ""
    held: bool = False


class Deed(Enum):
    """What a moderator does; the value is the type of its notice."""

    REMOVE = "removed"
    RESTORE = "restored"


@dataclass(slots=True)
class Decision(_Called):
    """What a moderator decided about comments of a video, and every call made for it (one after the
    other). Their `answer`: of a removal its notice, or `{"notices"}`; of a restoration the comment.
    """

    video_id: str
    deed: Deed
    targets: tuple[int, ...]
    calls: list[Call] = field(default_factory=list)

    @property
    def notices(self) -> list[tuple[float, dict[str, Any]]]:
        """The notices that a removal was told, with the time; again for each acknowledged call."""
        found = []
        for call in self.acks if self.deed is Deed.REMOVE else ():
            told = call.answer or {}
            found += [(call.returned_at, one) for one in told.get("notices", [told])]
        return found


@dataclass(slots=True)
class Choice(_Called):
    """What one moderator said about the held comment of a post, by its key, and every call made for
    it (one after the other). Their `answer`: `{"id","state","comment"?}`.
    """

    video_id: str
    key: str
    by: str
    approve: bool
    calls: list[Call] = field(default_factory=list)


class Rule(Enum):
    """What a ruling is about; the value is the type of its entry."""

    SETTINGS = "settings"
    SANCTION = "sanctioned"
    PIN = "pinned"


@dataclass(slots=True)
class Ruling(_Called):
    """What a moderator said about the rules of a video. `said`: of settings those that change, none
    of them for other filters (an entry in which all is as it was); of a
    sanction its `author_id`, `until` (None: lifted) and `purge`; of a pin the `seq`, 0 for nothing.
    About one subject the next one begins when the calls of the last one have ended.
    """

    video_id: str
    rule: Rule
    said: dict[str, Any]
    calls: list[Call] = field(default_factory=list)

    @property
    def notices(self) -> list[tuple[float, dict[str, Any]]]:
        """The entries that a pin was told, with the time."""
        acks = self.acks if self.rule is Rule.PIN else ()
        return [(call.returned_at, call.answer) for call in acks if call.answer]


@dataclass(frozen=True, slots=True)
class Event:
    """An event as the standard dispatches it, its data decoded."""

    type: str
    id: str
    data: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Seen:
    """An event on one viewer's screen."""

    at: float
    event: Event


@dataclass(slots=True)
class Stream:
    """One connection of a viewer that was answered: `node` is the gateway's word for who serves."""

    opened_at: float
    node: str
    closed_at: float | None = None


@dataclass(frozen=True, slots=True)
class Refusal:
    """An attempt of a viewer to connect that got no stream: nobody listened, the connection ended
    before an answer, or the answer was none that a stream may have.
    """

    tried_at: float
    failed_at: float
    why: str


@dataclass(slots=True)
class Poll:
    """One time that somebody asked how many watch. `status` is 0 if no whole reply came; `now` and
    `peak` are what a 200 told.
    """

    video_id: str
    invoked_at: float
    returned_at: float = math.inf
    status: int = 0
    now: int | None = None
    peak: int | None = None


@dataclass(slots=True, eq=False)
class Watch:
    """One viewer of one video, over all its reconnections. `fatal`: why a browser would give up.
    `cursor`: what it began with. `left_at`: when it closed its page, by its own will. `asked`: when
    it asked for a stream, each time, whatever came of it. `counts`: when it was told how many watch
    (now, and the peak); these events are not among `events`, as they are not of the log.
    """

    video_id: str
    name: str = ""
    cursor: str = ""
    times: array[float] = field(default_factory=lambda: array("d"))
    events: list[Event] = field(default_factory=list)
    streams: list[Stream] = field(default_factory=list)
    refused: list[Refusal] = field(default_factory=list)
    asked: array[float] = field(default_factory=lambda: array("d"))
    counts: list[tuple[float, int, int]] = field(default_factory=list)
    fatal: str | None = None
    left_at: float | None = None
    place: int | None = None  # the last number it knows about

    def add(self, at: float, event: Event) -> None:
        """Note an event that was dispatched now."""
        viewers = event.data if event.type == VIEWERS else event.data.get(VIEWERS)
        if viewers is not None:
            self.counts.append((at, viewers["now"], viewers["peak"]))
        if event.type == VIEWERS:
            return
        self.times.append(at)
        self.events.append(event)
        if event.id:
            self.place = int(event.id.rpartition("-")[2])

    def seen(self) -> Iterator[Seen]:
        """Everything that was on the screen, in order."""
        return map(Seen, self.times, self.events)

    @property
    def head(self) -> int:
        """The last number seen, -1 before the first hello."""
        return -1 if self.place is None else self.place


@dataclass(frozen=True, slots=True)
class Forward:
    """A node was called for a video."""

    at: float
    node: str
    video_id: str
    last_seq: int


@dataclass(frozen=True, slots=True)
class Trouble:
    """A time in which a fault may show: from its injection to its bound after its end.

    `began_at` and `ended_at` are the fault; after `ended_at + bound_s` all promises to viewers and
    posts hold again. `healed_at`: when the last part of it was mended, which may be later where the
    others take over; until `bound_s` after that the calls of nodes may be wrong. `only_routes`:
    neither viewers nor posts may feel it beyond the bound that always holds. `joins_wait`: all the
    same, who asks for a stream may have to wait.
    """

    name: str
    began_at: float
    ended_at: float
    bound_s: float
    only_routes: bool = False
    joins_wait: bool = False
    healed_at: float = 0.0

    @property
    def over_at(self) -> float:
        """From here on nothing may be observed of it."""
        return self.ended_at + self.bound_s

    @property
    def calm_at(self) -> float:
        """From here on nothing at all may be seen of it."""
        return max(self.ended_at, self.healed_at) + self.bound_s


@dataclass(slots=True)
class History:
    """A whole run. `stored`: video -> its log, read from the public entries at the end.

    `began_at`: viewers had settled and posting began; `ended_at`: posting ended; `looked_until`:
    the viewers that stayed were looked at until then. `nodes`: how many there were. `lag_s`: the
    most that the recorder itself came late to its own clock. `moderated`: a moderator was there;
    `ruled`: who ruled too; `screened`: filters held and blocked comments. `counted`: viewers are to
    be told how many watch. `wall_s`: what the wall clock was ahead of the times in here.
    """

    posts: list[Post] = field(default_factory=list)
    decisions: list[Decision] = field(default_factory=list)
    rulings: list[Ruling] = field(default_factory=list)
    choices: list[Choice] = field(default_factory=list)
    watches: list[Watch] = field(default_factory=list)
    stored: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    forwards: list[Forward] = field(default_factory=list)
    polls: list[Poll] = field(default_factory=list)
    troubles: list[Trouble] = field(default_factory=list)
    began_at: float = 0.0
    ended_at: float = 0.0
    looked_until: float = 0.0
    nodes: int = 1
    lag_s: float = 0.0
    moderated: bool = False
    ruled: bool = False
    screened: bool = False
    counted: bool = False
    wall_s: float = 0.0

    @property
    def moderation(self) -> Iterator[Decision | Ruling]:
        """All that a moderator called for."""
        yield from self.decisions
        yield from self.rulings

    @property
    def first_fault_at(self) -> float:
        """Where the undisturbed part of the run ends, in which its load is measured."""
        begins = [trouble.began_at for trouble in self.troubles]
        return min(begins, default=self.ended_at)
