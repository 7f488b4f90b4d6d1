"""Under which rules a video is, as far as this node has heard: what a stream is told at its start.

It is asked for with the first head of a room, and then kept by the entries that pass. A video that
never had rules has no state to tell.

Invariant: no reply to a read brings back what an entry has taken away. A state that was read before
an entry passed which may have changed it is not taken, and one that is known is not replaced.
"""

from __future__ import annotations

import msgspec

from wire.entry import TOMBSTONE, Pinned, Removed, Restored, decode_notice, entry_type, repeated_seq
from wire.internal import State
from wire.rulings import PINNED, SETTINGS, Settings
from wire.sse import state_frame

_NOTHING = msgspec.Raw(b"null")
_settings = msgspec.json.Decoder(Settings)


class VideoState:
    """Owned by one timeline. known: whether it was read; until then nobody can be told."""

    __slots__ = ("_frame", "_redacted", "_ruled", "_state", "_viewers", "known")

    def __init__(self) -> None:
        self._state, self.known = State(), False
        # While it is not known: numbers of the newest entries that may have changed it, or hid or
        # showed some comment, which may be the pinned one.
        self._ruled = self._redacted = 0
        self._frame: bytes | None = None  # encoded once for many streams
        self._viewers: tuple[int, int] | None = None  # that are told in it

    def learn(self, state: State, head: int) -> None:
        """As the store had it when its head was `head`, or later. Nothing changes if it is known
        (entries that have passed since are newer), or if this may lack one that has passed.
        Entries that pass later may be older.
        """
        if not self.known and head >= self._ruled and not (state.pin and head < self._redacted):
            self._state, self.known, self._frame = state, True, None

    def forget(self, through: int = 0) -> None:
        """Something may have passed unseen, up to the entry `through` of what is numbered now."""
        self._state, self.known, self._frame = State(), False, None
        self._ruled, self._redacted = through, 0

    def appended(self, number: int, raw: bytes) -> None:
        """An entry that is no comment has passed. Afterwards the state may not be known any more:
        have it read.
        """
        if not self.known:
            self._note_unread(number, entry_type(raw))
            return
        if entry_type(raw) == TOMBSTONE:  # it may have been a pin, which nobody can tell any more
            self.forget(number)
            return
        try:
            changed = self._changed(number, raw)
        except msgspec.DecodeError:  # not from a writer of ours
            return
        if changed is not None:
            self._state, self._frame = changed, None

    def frame(self, viewers: tuple[int, int] | None = None) -> bytes | None:
        """The `state` event, None if all is as at first. viewers: how many, and the peak; None
        while it is not known.
        """
        state = self._state
        if not state.settings_seq and not state.pin_seq:
            return None
        if self._frame is None or viewers != self._viewers:
            settings = msgspec.structs.asdict(state.settings)
            self._frame = state_frame(settings, bytes(state.pinned), viewers)
            self._viewers = viewers
        return self._frame

    def _note_unread(self, number: int, kind: str) -> None:
        if kind in (SETTINGS, PINNED, TOMBSTONE):
            self._ruled = number
        else:
            self._redacted = number

    def _changed(self, number: int, raw: bytes) -> State | None:
        kind, state = entry_type(raw), self._state
        replace = msgspec.structs.replace
        if kind == SETTINGS and number > state.settings_seq:
            return replace(state, settings=_settings.decode(raw), settings_seq=number)
        notice = decode_notice(raw) if state.pin or kind == PINNED else None
        if isinstance(notice, Pinned):
            if number <= state.pin_seq:
                return None
            comment = msgspec.Raw(bytes(notice.comment))
            return replace(state, pin=repeated_seq(notice) or 0, pin_seq=number, pinned=comment)
        if isinstance(notice, Removed) and state.pin in notice.targets:
            return replace(state, pinned=_NOTHING)
        if isinstance(notice, Restored) and repeated_seq(notice) == state.pin:
            return replace(state, pinned=msgspec.Raw(bytes(notice.comment)))
        return None
