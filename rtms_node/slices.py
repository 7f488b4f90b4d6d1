"""Long walks in slices: whatever is walked over, other work gets its turn between two slices."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from itertools import islice
from typing import TypeVar

Item = TypeVar("Item")


def walk(
    loop: asyncio.AbstractEventLoop,
    items: Iterator[Item],
    size: int,
    act: Callable[[list[Item]], None],
    done: Callable[[], None] | None = None,
) -> None:
    """Call `act` with the next `size` items now and with the others in later turns of the loop, and
    `done` after the last of them. `items` is read slice by slice: what it walks over may change
    meanwhile, so give it a copy.
    """
    chunk = list(islice(items, size))
    act(chunk)
    if len(chunk) == size:
        loop.call_soon(walk, loop, items, size, act, done)
    elif done is not None:
        done()
