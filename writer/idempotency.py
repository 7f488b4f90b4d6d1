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
    """16 bytes that tell two bodies apart."""
    # NUL can be in neither (control characters are refused), so it separates them.
    return blake2b(f"{comment.author}\0{comment.text}".encode(), digest_size=16).digest()


def used_again(earlier: Earlier, digest: bytes) -> Appended:
    """The answer to a body with this digest under a key that stands for `earlier`."""
    if digest != earlier.digest:
        return Appended(Outcome.CONFLICT, 0, b"")
    if not is_comment(earlier.raw):
        return Appended(Outcome.REMOVED, earlier.seq, b"")
    return Appended(Outcome.REPLAYED, earlier.seq, earlier.raw)
