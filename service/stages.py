"""Where a comment is when: timestamps at the ends of its stages, for measurements only.

Invariants: without `STAGE_TIMES=on` nothing is kept and a stage costs one read of a name. At most
MAX_NOTES are kept, the newest ones. A comment is known by the wall clock of its acceptance, which
travels with its batch; the processes of one machine share that clock.
"""

from __future__ import annotations

import time
from collections import deque
from enum import StrEnum

MAX_NOTES = 100_000

Note = tuple[str, float, float, str]  # stage, accepted_at, now, request_id


class Stage(StrEnum):
    """What has just been done."""

    COMMITTED = "committed"  # by the writer
    DISPATCHED = "dispatched"  # the dispatcher has it
    FORWARDED = "forwarded"  # the node has it
    WRITTEN = "written"  # to every viewer that could take it


def keep(wanted: bool) -> None:
    """Begin or end to keep notes; what was kept is forgotten."""
    global _notes
    _notes = deque(maxlen=MAX_NOTES) if wanted else None


def note(stage: Stage, accepted_at: float, request_id: str = "") -> None:
    """The comments accepted at that wall clock (seconds) have passed a stage now."""
    if _notes is not None:
        _notes.append((stage, accepted_at, time.time(), request_id))


def take() -> list[Note]:
    """All notes since the last call."""
    taken = list(_notes or ())
    if _notes is not None:
        _notes.clear()
    return taken


_notes: deque[Note] | None = None
