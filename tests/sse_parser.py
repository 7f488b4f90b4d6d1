"""An EventSource parser by the letter of the WHATWG standard (HTML, section 9.2.6).

It knows nothing of our stream: it is what a browser does with the bytes, so that what we send is
judged by somebody else's rules.
- Bytes are UTF-8 (bad ones become U+FFFD); one byte order mark at the very start is skipped.
- A line ends at CR LF, LF or CR. The CR of a half-received CR LF ends its line at once.
- An event is dispatched at its blank line; what has none yet at the end of the stream is dropped,
  its id with it.
- `id` with a NUL, and `retry` with anything but ASCII digits, are ignored; so are unknown fields.
- The last event id changes only when a blank line comes; an event without data moves it too.
"""

from __future__ import annotations

import codecs
from typing import NamedTuple


class SseEvent(NamedTuple):
    """What `addEventListener` would be given."""

    type: str
    data: str
    last_event_id: str


class SseParser:
    """Feed it bytes as they come; it gives the events that they complete.

    `last_event_id` is what a browser would send when it reconnects, `retry_ms` how long it would
    wait (None until the stream has said so). Comments are kept in `comments` for tests of
    heartbeats.
    """

    def __init__(self, last_event_id: str = "") -> None:
        self.last_event_id = last_event_id
        self.retry_ms: int | None = None
        self.comments: list[str] = []
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._at_start = True
        self._after_cr = False
        self._line = ""
        self._id = last_event_id
        self._type = ""
        self._data = ""

    def feed(self, chunk: bytes) -> list[SseEvent]:
        """The events completed by `chunk`, in order."""
        text = self._decoder.decode(chunk)
        if self._at_start and text:
            self._at_start = False
            text = text.removeprefix("\ufeff")
        events: list[SseEvent] = []
        # One plain loop: thousands of events a second go through here in a test of load.
        for line in self._lines(text):
            if not line:
                self._dispatch(events)
            elif line[0] == ":":
                self.comments.append(line[1:])
            else:
                name, _, value = line.partition(":")
                self._field(name, value.removeprefix(" "))
        return events

    def _lines(self, text: str) -> list[str]:
        if self._after_cr and text:
            self._after_cr = False
            text = text.removeprefix("\n")
        self._after_cr = text.endswith("\r") or (self._after_cr and not text)
        if "\r" in text:
            text = text.replace("\r\n", "\n").replace("\r", "\n")
        parts = text.split("\n")
        parts[0] = self._line + parts[0]
        self._line = parts.pop()
        return parts

    def _field(self, name: str, value: str) -> None:
        if name == "data":
            self._data += value + "\n"
        elif name == "event":
            self._type = value
        elif name == "id" and "\0" not in value:
            self._id = value
        elif name == "retry" and value and set(value) <= set("0123456789"):
            self.retry_ms = int(value)

    def _dispatch(self, events: list[SseEvent]) -> None:
        self.last_event_id = self._id
        type_, data = self._type, self._data
        self._type = self._data = ""
        if data:
            events.append(SseEvent(type_ or "message", data[:-1], self.last_event_id))
