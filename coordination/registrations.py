"""What this node wants registered, what ZooKeeper holds of it, and what to do next. No I/O.

Invariants:
- A video is dirty when what is wanted and what is held differ; only dirty videos are taken, and
  each by one taker at a time. What is asked for while it is taken counts when it is given back.
- What is held is known only within one session and only from replies: a new session makes it
  unknown, and so does a reply that never came. Unknown means "read it first".
- A video that could not be done now (`put_off`) is dirty again at `retry_put_off`, not before.
An entry exists while its video is wanted, held or taken. Only the registrar changes this.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum


class Held(Enum):
    """Whether ZooKeeper holds a registration of this session."""

    NO = "no"
    YES = "yes"
    UNKNOWN = "unknown"


@dataclass(slots=True)
class _Entry:
    wanted: bool = False
    held: Held = Held.NO
    taken_in: int = 0  # the session (counted from 1) in which it was taken; 0 when it is not

    @property
    def settled(self) -> bool:
        return self.held is (Held.YES if self.wanted else Held.NO)


class Registrations:
    """The registrations of one node."""

    def __init__(self) -> None:
        self._entries: dict[str, _Entry] = {}
        self._dirty: dict[str, None] = {}  # in the order in which they became so
        self._put_off: set[str] = set()
        self._taken = 0
        self._session = 1
        self._held = 0

    @property
    def registered(self) -> int:
        """How many are held."""
        return self._held

    @property
    def pending(self) -> int:
        """How many are not as wanted, those being worked on included."""
        return len(self._dirty) + len(self._put_off) + self._taken

    def want(self, video_id: str, wanted: bool) -> None:
        """The node serves the video, or no longer."""
        entry = self._entries.get(video_id)
        if entry is None:
            if not wanted:
                return
            entry = self._entries[video_id] = _Entry()
        entry.wanted = wanted
        self._put_off.discard(video_id)
        self._sort_in(video_id, entry)

    def take(self, limit: int) -> tuple[list[str], bool]:
        """The next videos to work on, at most `limit`, and whether they are to be registered or
        deregistered. Each must be given back by `done` or `put_off`.
        """
        first = next(iter(self._dirty), None)
        if first is None:
            return [], True
        wanted = self._entries[first].wanted
        videos: list[str] = []
        for video_id in self._dirty:
            if self._entries[video_id].wanted is wanted:
                videos.append(video_id)
                if len(videos) == limit:
                    break
        for video_id in videos:
            del self._dirty[video_id]
            self._entries[video_id].taken_in = self._session
        self._taken += len(videos)
        return videos, wanted

    def done(self, video_id: str, held: Held) -> None:
        """Give a taken video back with what is held now."""
        entry = self._give_back(video_id)
        self._set_held(entry, held if entry.taken_in == self._session else Held.UNKNOWN)
        entry.taken_in = 0
        self._sort_in(video_id, entry)

    def put_off(self, video_id: str) -> None:
        """Give a taken video back as one that cannot be done now."""
        self.done(video_id, Held.UNKNOWN)
        if video_id in self._dirty:
            del self._dirty[video_id]
            self._put_off.add(video_id)

    def retry_put_off(self) -> None:
        """Make dirty again what was put off."""
        for video_id in self._put_off:
            self._dirty[video_id] = None
        self._put_off.clear()

    def new_session(self) -> None:
        """The old session has expired, and its znodes with it: nothing is known to be held."""
        self._session += 1
        self.retry_put_off()
        for video_id, entry in list(self._entries.items()):
            self._set_held(entry, Held.UNKNOWN if entry.wanted else Held.NO)
            self._sort_in(video_id, entry)

    def lost(self, video_ids: Iterable[str]) -> int:
        """These were found missing in ZooKeeper. How many of them were believed to be held."""
        count = 0
        for video_id in video_ids:
            entry = self._entries.get(video_id)
            if entry is not None and entry.held is Held.YES and not entry.taken_in:
                self._set_held(entry, Held.UNKNOWN)
                self._sort_in(video_id, entry)
                count += 1
        return count

    def held(self) -> list[str]:
        """The videos that are held and wanted."""
        return [
            video_id
            for video_id, entry in self._entries.items()
            if entry.wanted and entry.held is Held.YES
        ]

    def _give_back(self, video_id: str) -> _Entry:
        entry = self._entries[video_id]
        assert entry.taken_in, video_id
        self._taken -= 1
        return entry

    def _set_held(self, entry: _Entry, held: Held) -> None:
        self._held += (held is Held.YES) - (entry.held is Held.YES)
        entry.held = held

    def _sort_in(self, video_id: str, entry: _Entry) -> None:
        if entry.taken_in:
            return
        if not entry.settled:
            self._dirty[video_id] = None
            return
        self._dirty.pop(video_id, None)
        if not entry.wanted:
            del self._entries[video_id]
