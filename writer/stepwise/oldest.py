"""Which entries retention has removed."""

from __future__ import annotations

from collections.abc import Awaitable, Callable


async def search_first(
    first_at: Callable[[int], Awaitable[int | None]], oldest: int, head: int, step: int
) -> int:
    """The first number from `oldest` on that is stored, head + 1 if none is. `first_at`: the first
    number of what is stored there, which may lie a little above; None if nothing is. step: how many
    numbers are stored together.

    Steps forward that double until something is stored, then bisects: what was written first
    expires first. To read just "the first row" would scan all expired ones before it.
    """
    gone, stored, leap = oldest - 1, head + 1, 0
    while gone + 1 < stored:
        if stored > head:
            probe, leap = min(gone + 1 + leap, head), max(2 * leap, step)
        else:
            probe = (gone + stored) // 2
        found = await first_at(probe)
        if found is None:
            gone = probe
            continue
        first = max(found, oldest)
        if first > probe:
            return first  # and what is from `probe` to there is gone
        stored = first
    return stored
