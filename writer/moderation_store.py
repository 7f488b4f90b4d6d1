"""What a store keeps beside the logs, for moderation: held comments, the calls of moderators,
erased authors, revoked tokens. See tests/contracts/test_moderation_store.py.
"""

from __future__ import annotations

from typing import NamedTuple, Protocol

from writer.held import Held, HeldState


class Call(NamedTuple):
    """A call of a moderator. at_ms: wall clock; nonce: tells calls of one moment apart."""

    at_ms: int
    nonce: int
    body: bytes


class Erasure(NamedTuple):
    """An author whose comments are to be destroyed, or were. at_ms: when that was asked for last.
    restored: it was known once, and a backup that was put back does not know of it.
    """

    author_id: str
    at_ms: int
    done: bool
    restored: bool = False


class ModerationStore(Protocol):
    """Every method may raise StoreUnavailable; all may be called again when that happened."""

    async def hold(self, video_id: str, held: Held) -> Held:
        """Keep a comment; what is there already under its id is left as it is, and returned. Its
        author has something on this video from then on (`CommentStore.authored_videos`).

        Raises Overloaded if too many wait (`writer.held.MAX_HELD`).
        """

    async def find_held(self, video_id: str, held_id: str) -> Held | None:
        """One of them, None if it is not there."""

    async def list_held(self, video_id: str, limit: int, held_after_ms: int) -> list[Held]:
        """Those that were held after a time and wait (`writer.held.Held.waits`), oldest first."""

    async def decide_held(
        self, video_id: str, held_id: str, state: HeldState, by: str, now_ms: int
    ) -> Held:
        """Decide as `writer.held.decide` says, once, whoever else decides at the same time.

        Raises NotFound, AlreadyDecided.
        """

    async def note_held_seq(self, video_id: str, held_id: str, seq: int) -> None:
        """Its comment has this number. May be lost."""

    async def note_call(self, video_id: str, call: Call) -> None:
        """Keep a call; `video_id` "" is of no video."""

    async def calls(self, video_id: str, limit: int, before: tuple[int, int]) -> list[Call]:
        """The newest calls before (at_ms, nonce), newest first."""

    async def note_erasure(self, erasure: Erasure) -> None:
        """Remember an erasure, or that it is done. Of two the later one counts (by `at_ms`; that
        it is done is later than that it is asked for), in whichever order they are written.
        """

    async def open_erasures(self, limit: int, after: str = "") -> list[Erasure]:
        """Those that are not done, ids above `after`, in their order. Costs no more than they."""

    async def find_erasure(self, author_id: str) -> Erasure | None:
        """The erasure of an author, None if there is none."""

    async def forget_author(self, author_id: str, video_id: str) -> None:
        """Destroy what is kept of an author beside comments: what is held, and the name."""

    async def scrub(self) -> None:
        """See to it that no file has bytes of what was destroyed, as far as this store can."""

    async def revoke(self, author_id: str, not_before: int) -> None:
        """Tokens issued before a time (seconds since 1970) do not count. The latest time counts.
        The version of the rules of every video ("") moves.
        """

    async def revocations(self, limit: int, after: str = "") -> list[tuple[str, int]]:
        """All of them, author ids above `after`, in their order."""
