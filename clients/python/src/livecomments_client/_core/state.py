"""How a video's iterator stands, and what its stream has said of the video beside its entries.

Invariants: only the flow of the iterator changes these; `pinned` is never a comment that was
removed after it was pinned and not restored since.
"""

from __future__ import annotations

from livecomments_client.events import (
    Comment,
    Event,
    Pinned,
    Removed,
    Reset,
    Restored,
    Settings,
    SettingsChanged,
    State,
    StateChanged,
    Viewers,
)


class ConnectionState:
    """One of `State`, and the reason for it."""

    def __init__(self) -> None:
        self.state, self.reason = State.CLOSED, ""

    @property
    def is_closed(self) -> bool:
        """Whether there is nothing more to come."""
        return self.state is State.CLOSED

    def change(self, state: State, reason: str) -> StateChanged | None:
        """None if it was that already; the reason is the new one all the same."""
        previous, self.state, self.reason = self.state, state, reason
        return None if previous is state else StateChanged(state, previous, reason)


class VideoFacts:
    """The newest settings, pin and viewer counts; None while they are not known."""

    def __init__(self) -> None:
        self.settings: Settings | None = None
        self.viewers: Viewers | None = None
        self._pin: Comment | None = None
        self._pin_removed = False

    @property
    def pinned(self) -> Comment | None:
        """What is shown above the others."""
        return None if self._pin_removed else self._pin

    def note(self, event: Event) -> None:
        """Whatever the iterator gives passes here."""
        if isinstance(event, SettingsChanged):
            self.settings = event.settings
        elif isinstance(event, Viewers):
            self.viewers = event
        elif isinstance(event, Pinned):
            self._pin, self._pin_removed = event.comment, False
        elif isinstance(event, Removed) and self._pin is not None:
            self._pin_removed = self._pin_removed or self._pin.seq in event.targets
        elif isinstance(event, Restored) and self._pin is not None:
            self._pin_removed = self._pin_removed and self._pin.seq != event.comment.seq
        elif isinstance(event, Reset):
            self.settings = self.viewers = self._pin = None
