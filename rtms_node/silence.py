"""When each room has been silent for long enough to need a heartbeat.

Invariants: every room that was added is in one slot, that of a time at which it may have been
silent for a heartbeat interval. A room that has sent something meanwhile is moved when its slot is
due, not when it sends: a busy room costs nothing here, any other one look in an interval or two. A
room that has closed is forgotten when its slot is due.
"""

from __future__ import annotations

from rtms_node.room import Room

_SLOT_S = 0.5


class Silence:
    """Owned by the hub. Times are the event loop's, in seconds."""

    def __init__(self, heartbeat_s: float) -> None:
        self._heartbeat_s = heartbeat_s
        self._slots: dict[int, list[Room]] = {}

    def add(self, room: Room) -> None:
        """A room has opened."""
        self._put(room, room.sent_at + self._heartbeat_s)

    def take(self, now: float) -> list[Room]:
        """The rooms that have been silent for the interval; it begins anew for each of them."""
        found = []
        for slot in [slot for slot in self._slots if slot <= now // _SLOT_S]:
            for room in self._slots.pop(slot):
                if room.closed:
                    continue
                if room.sent_at <= now - self._heartbeat_s:
                    room.sent_at = now
                    found.append(room)
                self._put(room, max(room.sent_at + self._heartbeat_s, now + _SLOT_S))
        return found

    def _put(self, room: Room, due: float) -> None:
        self._slots.setdefault(int(due // _SLOT_S), []).append(room)
