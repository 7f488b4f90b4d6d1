"""Which channels a node hears, and why.

Invariants: a channel is wanted while a video of this node lies on it (or for good, if it is one of
`always`). What was sent on this connection is `_sent`, what Redis has confirmed is `_held`; a new
connection begins with nothing. A channel that is left and wanted again before Redis has answered is
confirmed twice, and its videos announced twice, which is harmless. A video that joins a channel
that is held already causes no confirmation: see `hears`.
"""

from __future__ import annotations

from collections.abc import Iterable

from pubsub.channels import Channels


class Subscriptions:
    """Decides; `subscriber.py` sends. Bounded by the videos that the node serves."""

    def __init__(self, channels: Channels, always: Iterable[str] = ()) -> None:
        self._channels = channels
        self._always = frozenset(always)
        self._videos: dict[str, dict[str, None]] = {}  # channel -> its videos, in order of joining
        self._sent: set[str] = set()
        self._held: set[str] = set()

    @property
    def held(self) -> int:
        """Channels that Redis has confirmed."""
        return len(self._held)

    @property
    def pending(self) -> int:
        """Channels for which something is still to be sent or confirmed."""
        return len(self._wanted() ^ self._sent | self._sent ^ self._held)

    def subscribe(self, video_id: str) -> None:
        """A video is served from now on."""
        self._videos.setdefault(self._channels.channel(video_id), {})[video_id] = None

    def unsubscribe(self, video_id: str) -> bool:
        """A video is no longer served; whether its channel is to be left."""
        channel = self._channels.channel(video_id)
        videos = self._videos.get(channel, {})
        videos.pop(video_id, None)
        if not videos:
            self._videos.pop(channel, None)
        return not videos and channel in self._sent and channel not in self._always

    def hears(self, video_id: str) -> bool:
        """Whether its channel is confirmed, and is not being left."""
        channel = self._channels.channel(video_id)
        return channel in self._held and channel in self._sent

    def take_changes(self) -> tuple[list[str], list[str]]:
        """Channels to subscribe to and to leave now; they count as sent."""
        wanted = self._wanted()
        new, old = sorted(wanted - self._sent), sorted(self._sent - wanted)
        self._sent = wanted
        return new, old

    def confirm(self, channel: str) -> list[str]:
        """Redis has subscribed us: the videos that are heard from now on."""
        if channel not in self._sent:
            return []
        self._held.add(channel)
        return list(self._videos.get(channel, ()))

    def confirm_left(self, channel: str) -> None:
        """Redis has unsubscribed us."""
        self._held.discard(channel)

    def forget_connection(self) -> None:
        """Everything is to be sent again."""
        self._sent, self._held = set(), set()

    def _wanted(self) -> set[str]:
        return {*self._always, *self._videos}
