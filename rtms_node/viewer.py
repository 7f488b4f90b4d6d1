"""A viewer: one open stream, a cursor into its video's ring and nothing more.

Invariants: bytes go out in the order of `send`, whole frames only, each a chunk of its own;
`cursor` is the last number handed to the transport, -1 before the `hello`. A viewer has no task, no
queue and no timer: thousands of them must cost little. The kernel's buffer is the only one; when it
is full the viewer is paused, and skipped until what is left has gone out. So while a viewer is
neither paused nor closing, nothing waits in its transport and the descriptor is still its own:
bytes may go straight to the kernel and stay in order.
"""

from __future__ import annotations

import asyncio
import os
from typing import Protocol

from wire.chunks import chunk, unchunk
from wire.ids import parse_event_id
from wire.sse import ByeReason, bye_frame

# Whatever waits in a transport has paused its viewer: the invariants above depend on it.
WRITE_BUFFER_BYTES = 0


class Home(Protocol):
    """Who hears what happens to a viewer: the hub."""

    def viewer_paused(self, viewer: Viewer) -> None:
        """The kernel takes no more."""

    def viewer_resumed(self, viewer: Viewer) -> None:
        """The kernel has taken everything."""

    def leave(self, viewer: Viewer) -> None:
        """The stream has ended."""


class Viewer(asyncio.Protocol):
    """Takes over a transport after its request has been read and answered.

    asked_cursor: what it came with, until it is admitted. replay: how many comments it wants if it
    came without one. paused_at: loop time when the kernel took no more, or 0.
    """

    __slots__ = (
        "_fd", "_home", "_transport", "address", "asked_cursor", "closing", "cursor", "paused_at",
        "replay",
    )  # fmt: skip

    def __init__(
        self,
        home: Home,
        transport: asyncio.Transport,
        address: str,
        cursor: str | None,
        replay: int,
    ) -> None:
        self._home = home
        self._transport = transport
        self._fd = _plain_descriptor(transport)
        self.address = address
        self.asked_cursor = cursor
        self.replay = replay
        self.cursor = -1
        self.paused_at = 0.0
        self.closing = False
        transport.set_write_buffer_limits(high=WRITE_BUFFER_BYTES)

    @property
    def writable(self) -> bool:
        """Whether more bytes make sense now."""
        return not self.paused_at and not self.closing

    def say(self, *frames: bytes) -> None:
        """Send frames that are this viewer's alone."""
        self.send(b"".join(map(chunk, frames)))

    def send(self, payload: bytes) -> None:
        """Hand whole chunks to the kernel, and what it does not take to the transport; never
        blocks.
        """
        if self._fd >= 0 and not self.paused_at and not self.closing:
            try:
                sent = os.write(self._fd, payload)
            except OSError:
                sent = 0  # full, or broken: the transport finds out which
            if sent == len(payload):
                return
            payload = payload[sent:]
        self._transport.write(payload)

    def bye(self, reason: ByeReason) -> None:
        """Say why the stream ends, after which nothing more is sent. Idempotent."""
        if self.closing:
            return
        self.closing = True
        # As this viewer is closing, `send` goes through the transport: behind what waits there.
        self.say(bye_frame(reason, parse_event_id(self.asked_cursor or "")))

    def close(self) -> None:
        """Close the connection once the buffer is out. Idempotent."""
        self.closing = True
        self._transport.close()

    def abort(self) -> None:
        """Reset the connection, whatever its buffer holds."""
        self.closing = True
        self._transport.abort()

    # asyncio.Protocol

    def data_received(self, data: bytes) -> None:
        """A client has nothing to say after its request."""
        self.abort()

    def pause_writing(self) -> None:
        """The kernel's buffer is full."""
        self._home.viewer_paused(self)

    def resume_writing(self) -> None:
        """The kernel has taken everything."""
        self._home.viewer_resumed(self)

    def connection_lost(self, exc: Exception | None) -> None:
        """The stream is gone, whoever ended it."""
        self.closing = True
        self._home.leave(self)


class UnchunkedViewer(Viewer):
    """A viewer over HTTP/1.0, which knows no chunks: their framing is removed for each of these."""

    __slots__ = ()

    def send(self, payload: bytes) -> None:
        """As `Viewer.send`, without the framing of chunks."""
        super().send(unchunk(payload))


def _plain_descriptor(transport: asyncio.Transport) -> int:
    """The descriptor to write to, or -1 if bytes must go through the transport. It stays open until
    `connection_lost` has been called: both event loops close the socket after that.
    """
    sock = transport.get_extra_info("socket")
    if sock is None or transport.get_extra_info("sslcontext") is not None:
        return -1
    if transport.get_write_buffer_size():
        return -1  # what was written before the viewer took over, a reply perhaps, must go first
    return int(sock.fileno())
