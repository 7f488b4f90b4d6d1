"""Every bound of a node in one place, each with what happens there."""

from __future__ import annotations

from dataclasses import dataclass

# When a session ends, ZooKeeper writes the paths of all that it had registered into one record, and
# does not start again on one of more than 2 MiB (docs/capacity.md).
PATH_BUDGET_BYTES = 2_000_000
_PATH_BYTES = 90  # of a registration with the longest video id, beside the node's id


def videos_in_budget(node_id: str) -> int:
    """How many videos a node of this id can register without harm to ZooKeeper."""
    return PATH_BUDGET_BYTES // (_PATH_BYTES + len(node_id))


@dataclass(frozen=True, slots=True)
class Limits:
    """Times in seconds, sizes in bytes."""

    max_replay: int = 1_000  # comments a resume may replay; older ones become a `gap`
    max_frames: int = 4_096  # frames kept per video; the oldest go first
    frame_budget_bytes: int = 256 * 1024 * 1024  # frames of all videos; least recently active first
    max_held: int = 2_000  # comments of a video that wait for an earlier one; more are dropped
    max_write_bytes: int = 64 * 1024  # frames of one write; the rest follows in the next
    max_videos: int = 20_000  # videos served at once; a stream of one more is shed
    max_streams: int = 19_000  # streams at once; one more is shed
    max_streams_per_address: int = 2_000  # the same for one forwarded address
    hello_wait_s: float = 10.0  # for a hello or a backfill; then `bye` unavailable
    repair_after_s: float = 0.1  # from a missing number until it is read from the store
    retry_read_s: float = 0.5  # pause after a read that failed or brought nothing
    slow_after_s: float = 10.0  # a stream that takes no bytes for this long gets `bye` slow
    abort_after_s: float = 1.0  # from `bye` slow to the reset of the connection
    parting_s: float = 0.2  # from any `bye` to the end of the connection, if the viewer is slower
    max_partings: int = 250  # streams in that wait; of more, the oldest are closed at once
    linger_s: float = 3.0  # a video without viewers stays subscribed this long
    heartbeat_s: float = 3.0  # comment line on an idle stream; many clients give up after 5 s
    pause_s: float = 30.0  # a comment after this long makes sure that its video counts as active
    tick_min_s: float = 0.010  # frames of a busy video wait for others at most this long ...
    tick_max_s: float = 0.025  # ... and this long when a round over its viewers takes long
    slice_size: int = 256  # viewers, rooms or anti-entropy checks before other work gets its turn
