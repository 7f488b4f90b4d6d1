"""Messages between our processes, and where they are sent. Bodies are JSON.

A batch is a run of consecutive comments of one video. A comment travels as the bytes that the
writer encoded (`msgspec.Raw`): nobody on the way parses or re-encodes it. Every message may be
repeated, reordered or lost; the sequence numbers make that harmless.
"""

from __future__ import annotations

from typing import Annotated, TypeVar

import msgspec

from wire.counts import CountsReply, CountsReport
from wire.errors import BadRequest
from wire.ids import MAX_SEQ, is_epoch, is_video_id
from wire.rulings import Settings

DISPATCH = "/internal/dispatch"
FORWARD = "/internal/forward"
HEADS = "/internal/heads"
RANGE = "/internal/videos/{video_id}/range"
REVOCATIONS = "/internal/revocations"

MAX_BATCH = 500
MAX_INTERNAL_BYTES = 4 * 1024 * 1024
MAX_HEADS = 1_000
MAX_RANGE = 1_000

T = TypeVar("T")
Seq = Annotated[int, msgspec.Meta(ge=0, le=MAX_SEQ)]


class Batch(msgspec.Struct, frozen=True, gc=False):
    """Comments `first_seq`, `first_seq + 1`, ... of one video, as public JSON.

    accepted_at: wall clock in seconds when the first of them was accepted, for latency figures
    only. request_id: the request that posted the first of them, for logs only.
    """

    video_id: str
    epoch: str
    first_seq: Seq
    comments: tuple[msgspec.Raw, ...]
    accepted_at: float = 0.0
    request_id: str = ""

    @property
    def last_seq(self) -> int:
        """The sequence number of the last comment."""
        return self.first_seq + len(self.comments) - 1


class Batches(msgspec.Struct, frozen=True, gc=False):
    """A frame of a link (`wire.link`), and a message on Redis."""

    batches: tuple[Batch, ...]


class HeadsRequest(msgspec.Struct, frozen=True, omit_defaults=True):
    """Ask for the newest sequence numbers of up to MAX_HEADS videos.

    known: for some of them a number that has been seen. A writer may answer from memory, half a
    second old, but never with less than that: it reads the store first. states: of which of them
    the state is asked for too. counts: how many watch, if that is to be told now.
    """

    videos: tuple[str, ...]
    known: dict[str, Seq] = {}
    states: tuple[str, ...] = ()
    counts: CountsReport | None = None


class State(msgspec.Struct, frozen=True):
    """Under which rules a video is. settings_seq, pin_seq: numbers of the entries that say so, 0 if
    there are none; pin: number of the pinned comment, 0 for none; pinned: the comment itself, null
    while it is removed.
    """

    settings: Settings = Settings()
    settings_seq: Seq = 0
    pin: Seq = 0
    pin_seq: Seq = 0
    pinned: msgspec.Raw = msgspec.Raw(b"null")


class HeadsReply(msgspec.Struct, frozen=True, omit_defaults=True):
    """Newest sequence numbers; 0 for a video that has no comment. states: of those that were asked
    for and have rules, read after the heads. counts: the reply to a report of counts.
    """

    epoch: str
    heads: dict[str, Seq]
    states: dict[str, State] = {}
    counts: CountsReply | None = None


class RangeReply(msgspec.Struct, frozen=True):
    """Stored comments of one video in order, starting at `first_seq`.

    oldest: the first number still stored (head + 1 when none is); head: the newest, both read with
    the comments.
    """

    epoch: str
    oldest: Seq
    head: Seq
    first_seq: Seq
    comments: tuple[msgspec.Raw, ...]


class CountsAnswer(msgspec.Struct, frozen=True, omit_defaults=True):
    """Of a report of counts that went alone; no counts: this writer does not count."""

    counts: CountsReply | None = None


class RevocationsReply(msgspec.Struct, frozen=True):
    """By author id: when the oldest ticket that counts was issued, in seconds since 1970. version:
    of all of them.
    """

    version: int
    not_before: dict[str, int]


def encode(message: msgspec.Struct) -> bytes:
    """A message as JSON bytes."""
    return msgspec.json.encode(message)


def decode(body: bytes, kind: type[T]) -> T:
    """The message of type `kind` in `body`; raises BadRequest if it is not one."""
    try:
        return msgspec.json.decode(body, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as exc:
        raise BadRequest(f"not a {kind.__name__}: {exc}") from exc


def decode_batches(body: bytes) -> tuple[Batch, ...]:
    """The batches in a frame; raises BadRequest if one is not well formed."""
    batches = decode(body, Batches).batches
    for batch in batches:
        if not (is_video_id(batch.video_id) and is_epoch(batch.epoch)):
            raise BadRequest("a batch has an invalid video id or epoch")
        if batch.first_seq < 1 or not 1 <= len(batch.comments) <= MAX_BATCH:
            raise BadRequest("a batch has an invalid number or size")
        _check_lines(batch.comments)
    return batches


def decode_heads(body: bytes) -> HeadsReply:
    """The heads reply in `body`; raises BadRequest if it is not well formed."""
    reply = decode(body, HeadsReply)
    _check_epoch(reply.epoch)
    _check_lines(tuple(state.pinned for state in reply.states.values()))
    return reply


def decode_range(body: bytes) -> RangeReply:
    """The range reply in `body`; raises BadRequest if it is not well formed."""
    reply = decode(body, RangeReply)
    _check_epoch(reply.epoch)
    _check_lines(reply.comments)
    return reply


def decode_counts(body: bytes) -> CountsReply | None:
    """The reply to a report of counts, None if the writer does not count; raises BadRequest if it
    is not well formed.
    """
    return decode(body, CountsAnswer).counts


def decode_revocations(body: bytes) -> RevocationsReply:
    """The reply in `body`; raises BadRequest if it is not well formed."""
    return decode(body, RevocationsReply)


def _check_epoch(epoch: str) -> None:
    # It becomes part of every event's id: a line end in it would be a field of its own.
    if not is_epoch(epoch):
        raise BadRequest("a reply has an invalid epoch")


def _check_lines(comments: tuple[msgspec.Raw, ...]) -> None:
    for comment in map(bytes, comments):
        # Not `in`: that tries whether the line end is a number first, which takes twice as long.
        if comment.find(b"\n") >= 0 or comment.find(b"\r") >= 0:
            raise BadRequest("a comment must be one line")
