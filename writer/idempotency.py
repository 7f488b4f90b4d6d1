"""What it means to use an idempotency key again; the same on every store."""

from __future__ import annotations

from hashlib import blake2b
from typing import NamedTuple

from wire.comment import NewComment
from wire.entry import is_comment
from writer.store import Appended, Outcome


class Earlier(NamedTuple):
    """The comment that a key stands for, and the digest of the body that was sent with it."""

    seq: int
    digest: bytes
    raw: bytes


def body_digest(comment: NewComment) -> bytes:
    """16 bytes that tell two bodies apart, and the same body of two authors."""
    # NUL can be in none (control characters are refused), so it separates them. Without an author
    # id the digest is what it was before there were any: keys stay good over an upgrade. Badges
    # and the like are no part of it: a role that changed must not turn a retry into a conflict.
    whole = f"{comment.author}\0{comment.text}"
    if comment.author_id:
        whole += f"\0{comment.author_id}"
    return blake2b(whole.encode(), digest_size=16).digest()


def used_again(earlier: Earlier, digest: bytes) -> Appended:
    """The answer to a body with this digest under a key that stands for `earlier`."""
    if digest != earlier.digest:
        return Appended(Outcome.CONFLICT, 0, b"")
    if not is_comment(earlier.raw):
        return Appended(Outcome.REMOVED, earlier.seq, b"")
    return Appended(Outcome.REPLAYED, earlier.seq, earlier.raw)
