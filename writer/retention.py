"""For how long comments stay, where a store can let them expire."""

from __future__ import annotations

from service.config import EnvReader

# A key must find its comment for 24 h, so no comment may go before.
SHORTEST_RETENTION_S = 24 * 3600
LONGEST_RETENTION_S = 20 * 365 * 24 * 3600  # what Cassandra takes as a TTL


def read_retention(env: EnvReader) -> int:
    """Seconds that comments stay, 0 (the default): for ever. Faults are left in `env`."""
    retention_s = env.integer("RETENTION_S", 0, 0, LONGEST_RETENTION_S)
    if 0 < retention_s < SHORTEST_RETENTION_S:
        env.fault(f"RETENTION_S must be 0 (for ever) or at least {SHORTEST_RETENTION_S}")
    return retention_s


def kept_for(removed_kept_s: float, retention_s: int) -> float:
    """For how long the text of a removed comment stays: no longer than comments do, which it could
    be put back into no more.
    """
    return min(removed_kept_s, retention_s) if retention_s else removed_kept_s
