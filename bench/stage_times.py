"""Stage by stage: how long a comment was where, from the timestamps of all processes.

A comment is known by the wall clock of its acceptance, which travels with its batch. The first
comment of a batch stands for all in it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence

from bench.open_loop import due_of
from service.stages import Stage

# What each stage ends with; "accept" begins when the post was due.
STAGES = ("accept", "commit", "dispatch", "forward", "write")
_ENDS = (Stage.COMMITTED, Stage.DISPATCHED, Stage.FORWARDED, Stage.WRITTEN)

Note = Sequence[float | str]  # as service.stages.Note, through JSON


def stage_times(notes: Iterable[Note]) -> dict[str, list[float]]:
    """Milliseconds by stage, of the comments whose every stage was seen. The slowest node's word
    counts where there are several.
    """
    seen: dict[float, dict[str, float]] = defaultdict(dict)
    for stage, accepted_at, at, request_id in notes:
        times = seen[float(accepted_at)]
        times[str(stage)] = max(float(at), times.get(str(stage), 0.0))
        due = due_of(str(request_id))
        if due is not None:
            times["due"] = due
    found: dict[str, list[float]] = {stage: [] for stage in STAGES}
    for accepted_at, times in seen.items():
        if "due" in times and all(end in times for end in _ENDS):
            marks = [times["due"], accepted_at, *(times[end] for end in _ENDS)]
            for stage, begin, end in zip(STAGES, marks, marks[1:], strict=False):
                found[stage].append((end - begin) * 1e3)
    return found
