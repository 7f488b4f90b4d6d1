"""How many watch: what nodes report to writers, and what writers know of all nodes together.

A node tells every writer how many streams of each video it holds. Counts are absolute and reports
are numbered, so each may be lost, repeated or come late.
"""

from __future__ import annotations

from typing import Annotated

import msgspec

from wire.errors import BadRequest
from wire.ids import is_boot_id, is_video_id

COUNTS = "/internal/counts"
MAX_COUNTS = 2_000  # videos of one report, and of those that a reply tells of without being asked
MAX_COUNTS_BYTES = 320 * 1024  # with as many peaks

Number = Annotated[int, msgspec.Meta(ge=0, le=10**12)]
Count = Annotated[int, msgspec.Meta(ge=0, le=10**8)]


class CountsReport(msgspec.Struct, frozen=True, omit_defaults=True):
    """How many streams a node holds of each video that changed since the report `base`; of all of
    its videos if that is 0.

    boot: which life of the node (see `new_boot_id`). number: higher than that of every report
    before. peaks: the highest totals that the node knows, for a writer that has forgotten them.
    table, seen: up to where it was told totals, as a reply said.
    """

    boot: str
    number: Number
    base: Number
    counts: dict[str, Count]
    peaks: dict[str, Count] = {}
    table: str = ""
    seen: Number = 0


class CountsReply(msgspec.Struct, frozen=True, omit_defaults=True):
    """Viewers of all nodes, and their peak as far as it is sure, which may be less than they are
    now: of the videos in the report, and of those of the node's that changed after `seen`.

    table: which life of the writer. seen: up to where totals are told; 0, and no totals, while it
    has not heard from all nodes. again: it does not have the report `base`: tell everything. more:
    ask on, there are more changes.
    """

    table: str
    seen: Number = 0
    totals: dict[str, tuple[Count, Count]] = {}
    again: bool = False
    more: bool = False


def check_report(report: CountsReport) -> None:
    """Raises BadRequest unless it can be a node's."""
    if not is_boot_id(report.boot) or report.base >= report.number or len(report.table) > 64:
        raise BadRequest("a report of counts has an invalid boot id, number or table")
    if max(len(report.counts), len(report.peaks)) > MAX_COUNTS:
        raise BadRequest(f"at most {MAX_COUNTS} counts")
    if not all(map(is_video_id, report.counts)) or not report.peaks.keys() <= report.counts.keys():
        raise BadRequest("counts of impossible videos")
