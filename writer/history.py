"""Pages of a video's log: all of it, or only the comments that may be shown.

A page covers a stretch of numbers and gives what may be shown of it, so a reader pages across what
is gone: what `last` names goes into the next `after`, what `first` names into the next `before`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from writer.store import CommentStore, Page

MAX_SCANNED = 5_000  # entries read for one page; it is then short, and says that there is more
_NEXT_READ = 500  # once a first read has shown that there is little to show

Shown = Callable[[bytes], bool]


class Stretch(NamedTuple):
    """entries: what may be shown, oldest first; `first` to `last`: the numbers that are covered
    (none if `first` is `last` + 1); more: whether the log goes on in the direction of reading.
    """

    entries: tuple[bytes, ...]
    first: int
    last: int
    head: int
    more: bool


async def read_after(
    store: CommentStore, video_id: str, after: int, limit: int, shown: Shown
) -> Stretch:
    """Up to `limit` entries that follow number `after`. Raises StoreUnavailable."""
    found, at, first, scanned, size = list[bytes](), after, after + 1, 0, limit
    while True:
        page = await store.range(video_id, at, at + size, for_history=True)
        if page.comments:
            scanned += len(page.comments)
            at = _take(page, found, limit, shown)
        elif at + 1 < page.oldest <= page.head:  # retention took the first ones
            at = page.oldest - 1
            continue
        if not page.comments or len(found) == limit or at >= page.head or scanned >= MAX_SCANNED:
            return Stretch(tuple(found), first, at, page.head, at < page.head)
        size = _NEXT_READ


async def read_before(
    store: CommentStore, video_id: str, before: int | None, limit: int, shown: Shown
) -> Stretch:
    """Up to `limit` entries, the nearest before number `before`, or the newest. Raises
    StoreUnavailable.
    """
    found, first, last, scanned, size = list[bytes](), before, None, 0, limit
    while True:
        page = await store.recent(video_id, size, first)
        if last is None:
            last = page.head if before is None else min(before - 1, page.head)
            head = page.head
            first = last + 1
        if page.comments:
            scanned += len(page.comments)
            first = _take_back(page, found, limit, shown)
        assert first is not None
        done = not page.comments or first <= page.oldest or len(found) == limit
        if done or scanned >= MAX_SCANNED:
            more = bool(page.comments) and first > page.oldest
            return Stretch(tuple(reversed(found)), first, last, head, more)
        size = _NEXT_READ


def _take(page: Page, found: list[bytes], limit: int, shown: Shown) -> int:
    """Add what may be shown, until `limit`; the number of the last entry that was looked at."""
    seq = page.first_seq - 1
    for raw in page.comments:
        seq += 1
        if shown(raw):
            found.append(raw)
            if len(found) == limit:
                break
    return seq


def _take_back(page: Page, found: list[bytes], limit: int, shown: Shown) -> int:
    """As `_take`, from the newest to the oldest."""
    seq = page.first_seq + len(page.comments)
    for raw in reversed(page.comments):
        seq -= 1
        if shown(raw):
            found.append(raw)
            if len(found) == limit:
                break
    return seq
