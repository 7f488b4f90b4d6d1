"""A parser of Server-Sent Events by the WHATWG rules (HTML, section 9.2.6).

Invariants: lines end at CR, LF or CR LF and nowhere else; the CR of a half-received CR LF ends its
line at once. Bytes are decoded a whole line at a time, so a character that came in two pieces is
whole. An event counts at its blank line: what has none yet when the stream ends is dropped, with
its id. What is kept of an unfinished event is bounded.
"""

from __future__ import annotations

import re
from typing import NamedTuple

MAX_EVENT_BYTES = 1 << 20  # ours have some 16 KiB at most

_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_DIGITS = re.compile(r"[0-9]{1,9}")  # more would be eleven days


class SseEvent(NamedTuple):
    """id: the one that came with this event, None if it had none."""

    type: str
    data: str
    id: str | None


class EventTooLarge(ValueError):
    """An event that does not end: this is not our server, or something between us is broken."""


class SseParser:
    """Feed it bytes as they come; it gives the events that they complete. retry_ms: the last
    reconnection time that the stream has said.
    """

    def __init__(self) -> None:
        self.retry_ms: int | None = None
        self._rest = b""
        self._first_line = True
        self._skip_newline = False
        self._type = ""
        self._data: list[str] = []
        self._data_bytes = 0
        self._id: str | None = None

    def feed(self, chunk: bytes) -> list[SseEvent]:
        """The events completed by `chunk`, in order. Raises EventTooLarge."""
        events: list[SseEvent] = []
        for line in self._lines(chunk):
            if line:
                self._field(line)
            else:
                self._dispatch(events)
        if len(self._rest) + self._data_bytes > MAX_EVENT_BYTES:
            raise EventTooLarge(f"an event has more than {MAX_EVENT_BYTES} bytes")
        return events

    def _lines(self, chunk: bytes) -> list[bytes]:
        if self._skip_newline and chunk:
            self._skip_newline = False
            chunk = chunk.removeprefix(b"\n")
        if chunk.endswith(b"\r"):
            self._skip_newline = True
        whole = self._rest + chunk
        if b"\r" in chunk:
            whole = whole.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        *lines, self._rest = whole.split(b"\n")
        if lines and self._first_line:
            self._first_line = False
            lines[0] = lines[0].removeprefix(_BYTE_ORDER_MARK)
        return lines

    def _field(self, line: bytes) -> None:
        name, _, value = line.decode("utf-8", "replace").partition(":")
        value = value.removeprefix(" ")
        if name == "data":
            self._data.append(value)
            self._data_bytes += len(line)
        elif name == "event":
            self._type = value
        elif name == "id" and "\0" not in value:
            self._id = value
        elif name == "retry" and _DIGITS.fullmatch(value):
            self.retry_ms = int(value)

    def _dispatch(self, events: list[SseEvent]) -> None:
        event = SseEvent(self._type or "message", "\n".join(self._data), self._id)
        if self._data:
            events.append(event)
            self._id = None
        # An event without data is none, but its id moves the cursor: it counts for the next one.
        self._type, self._data, self._data_bytes = "", [], 0
