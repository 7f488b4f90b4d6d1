"""What all rooms of a node share."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import Protocol, TypeVar

from rtms_node.limits import Limits
from rtms_node.ring import FrameMemory
from rtms_node.stats import Stats
from rtms_node.waits import Waits
from wire.internal import RangeReply, State

OnHead = Callable[[str, int, int], None]  # epoch, head, ticket
OnState = Callable[[State, int], None]  # and the head that it is as of, or of later
OnRange = Callable[[RangeReply | None], None]
Item = TypeVar("Item")


class StoreReads(Protocol):
    """Reads of the store, asked for without waiting; answers come by callback on the event loop."""

    @property
    def last_ticket(self) -> int:
        """The newest ticket given out. A reply with a higher one is of a read sent after now."""

    def want_head(
        self, video_id: str, on_head: OnHead, seen: int, on_state: OnState | None = None
    ) -> int:
        """Ask for a video's head; asks are batched, retried until they succeed, and one reply
        answers all asks for the video up to its ticket. Returns this ask's ticket.

        seen: a number that is said to exist. A lower head must come from a read of the store itself
        that was sent after this, not from a writer's cache. on_state: told the video's state too,
        before the head.
        """

    def want_range(self, video_id: str, after: int, through: int, on_range: OnRange) -> None:
        """Ask once for comments after < seq <= through; the callback gets None if no writer could
        answer.
        """

    def forget(self, video_id: str) -> None:
        """Nobody waits for this video's head any more."""


@dataclass(frozen=True, slots=True)
class NodeContext:
    """observe: told of a post's wall clock (seconds) when its comment has been written to
    viewers.
    """

    node_id: str
    loop: asyncio.AbstractEventLoop
    limits: Limits
    stats: Stats
    reads: StoreReads
    observe: Callable[[float], None]
    waits: Waits = field(default_factory=Waits)
    memory: FrameMemory = field(default_factory=FrameMemory)

    def walk(
        self,
        items: Iterator[Item],
        act: Callable[[list[Item]], None],
        done: Callable[[], None] | None = None,
    ) -> None:
        """A long walk in slices, so that other work gets its turn between two of them: call `act`
        with the first slice now and with the others in later turns of the loop, and `done` after
        the last. `items` is read slice by slice: what it walks over may change meanwhile, so give
        it a copy.
        """
        part = list(islice(items, self.limits.slice_size))
        act(part)
        if len(part) == self.limits.slice_size:
            self.loop.call_soon(self.walk, items, act, done)
        elif done is not None:
            done()
