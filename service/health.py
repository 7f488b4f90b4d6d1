"""Whether a process is ready, and what it has to do without.

Ready means started and not draining. A dependency that is away makes the process `degraded`, never
unready: else one outage of ZooKeeper would take every node out of the gateway at once.
"""

from __future__ import annotations


class Health:
    """Owned by the service; the ops listener only reads it."""

    def __init__(self) -> None:
        self.started = False
        self.draining = False
        self._degraded: dict[str, str] = {}

    @property
    def ready(self) -> bool:
        """Whether new work should come here."""
        return self.started and not self.draining

    @property
    def degraded(self) -> dict[str, str]:
        """Dependency -> what is wrong with it, empty when all is well."""
        return dict(self._degraded)

    def mark(self, dependency: str, problem: str | None) -> None:
        """Note that a dependency is away (`problem` says how) or back (None)."""
        if problem is None:
            self._degraded.pop(dependency, None)
        else:
            self._degraded[dependency] = problem
