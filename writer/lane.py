"""What waits for the store, one lane for each video: comments in groups, a decree by itself."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Iterable
from typing import Any

import msgspec

from wire.comment import NewComment
from writer.redaction import Redacted, Redaction
from writer.rules import Ruled, Ruling
from writer.store import MAX_GROUP

Decree = Redaction | Ruling  # what moderators and authors ask for, beside comments
Decreed = Redacted | Ruled


class Post(msgspec.Struct, frozen=True):
    """One comment or one decree on its way to the store. done: an Appended for a comment, a
    Decreed for a decree; Any, so that the two need no future of their own.
    """

    what: NewComment | Decree
    key: str | None
    request_id: str
    accepted_at: float
    done: asyncio.Future[Any]

    @property
    def is_comment(self) -> bool:
        """Whether it can go with others."""
        return isinstance(self.what, NewComment)


class Lane:
    """One video: who waits for the next group, and how many are at the store."""

    __slots__ = ("at_store", "waiting")

    def __init__(self) -> None:
        self.waiting: deque[Post] = deque()
        self.at_store = 0

    def __len__(self) -> int:
        return len(self.waiting) + self.at_store

    def take(self) -> tuple[list[Post], int]:
        """The next group, in order: comments, or one decree alone. Who has gone is left out; how
        many those were.
        """
        waiting, group, gone = self.waiting, list[Post](), 0
        while waiting and len(group) < MAX_GROUP:
            if group and not (group[-1].is_comment and waiting[0].is_comment):
                break
            post = waiting.popleft()
            if post.done.done():
                gone += 1
            else:
                group.append(post)
        self.at_store = len(group)
        return group, gone


def fail(posts: Iterable[Post], error: Exception) -> None:
    """Tell those who still wait."""
    for post in posts:
        if not post.done.done():
            post.done.set_exception(error)
