"""What the Cassandra store counts."""

from __future__ import annotations

from dataclasses import dataclass, field

from writer.cassandra.group import Verdict


@dataclass(slots=True)
class CassandraStats:
    """Totals since the start; owned by the event loop.

    lost_races: groups numbered anew because another writer was first; unanswered: groups that were
    sent and whose outcome had to be looked up; settled: what those looks said, by verdict;
    unsearched: comments that were not stored, for nobody could tell in time whether their key was
    used.
    """

    lost_races: int = 0
    unanswered: int = 0
    unsearched: int = 0
    settled: dict[str, int] = field(
        default_factory=lambda: dict.fromkeys((verdict.value for verdict in Verdict), 0)
    )
