"""Comments that wait for a moderator: what is kept of them, and how one is decided."""

from __future__ import annotations

import secrets
from enum import StrEnum
from hashlib import blake2b

import msgspec

from wire.comment import NewComment
from wire.errors import AlreadyDecided, NotFound

HELD_FOR_MS = 600_000  # then it is too late to decide
HELD_KEPT_S = 25 * 3600.0  # as long as an idempotency key: a retry must find it
MAX_HELD = 500  # of a video, undecided ones; the next is refused


class HeldState(StrEnum):
    """What became of it."""

    PENDING = "pending"
    APPROVED = "approved"
    DENIED = "denied"


class Held(msgspec.Struct, frozen=True, omit_defaults=True):
    """A comment that is not numbered. key: the client's idempotency key, under which it is posted;
    by: who decided; seq: its number once it was posted, 0 if that is not known.
    """

    id: str
    author: str
    text: str
    held_ms: int
    author_id: str = ""
    badges: tuple[str, ...] = ()
    guest: bool = False
    rank: int = 0
    key: str | None = None
    state: HeldState = HeldState.PENDING
    by: str = ""
    seq: int = 0

    def comment(self) -> NewComment:
        """To be posted, now that it is approved."""
        return NewComment(
            self.author,
            self.text,
            self.author_id,
            self.badges,
            self.guest,
            self.rank,
            approved=True,
        )

    def same_words(self, other: Held) -> bool:
        """Whether the same author says the same."""
        mine = (self.author, self.author_id, self.text)
        return mine == (other.author, other.author_id, other.text)

    @property
    def unposted(self) -> bool:
        """Whether it is approved and not known to be posted: whoever approved it died before that,
        or its author might not post then.
        """
        return self.state is HeldState.APPROVED and not self.seq

    @property
    def waits(self) -> bool:
        """Whether it is for a moderator to see."""
        return self.state is HeldState.PENDING or self.unposted

    def is_open(self, now_ms: int) -> bool:
        """Whether it can be decided."""
        return self.state is HeldState.PENDING and now_ms < self.held_ms + HELD_FOR_MS


def hold(video_id: str, comment: NewComment, key: str | None, now_ms: int) -> Held:
    """What is kept of a comment. With a key the id follows from it: a retry finds the first one."""
    return Held(
        _held_id(video_id, key),
        comment.author,
        comment.text,
        now_ms,
        comment.author_id,
        comment.badges,
        comment.guest,
        comment.rank,
        key,
    )


def decide(held: Held | None, state: HeldState, by: str, now_ms: int) -> Held | None:
    """What it becomes; None if this moderator has decided the same before. Raises NotFound,
    AlreadyDecided.
    """
    if held is None:
        raise NotFound("no such held comment")
    if held.state is state and held.by == by:
        return None
    if held.state is not HeldState.PENDING:
        raise AlreadyDecided(f"it was {held.state}")
    if not held.is_open(now_ms):
        raise AlreadyDecided("nobody decided in time")
    return msgspec.structs.replace(held, state=state, by=by)


def _held_id(video_id: str, key: str | None) -> str:
    if key is None:
        return f"h_{secrets.token_hex(16)}"
    words = f"{video_id}\0{key}".encode()
    return f"h_{blake2b(words, digest_size=16).hexdigest()}"
