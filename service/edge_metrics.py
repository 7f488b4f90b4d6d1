"""What is told of the public listeners of a process."""

from __future__ import annotations

from prometheus_client import CollectorRegistry

from service.edge import PublicEdge
from service.metrics import Exports


def export_edge(registry: CollectorRegistry, edge: PublicEdge) -> None:
    """Figures of `edge`; once for each registry."""
    Exports(registry).counter(
        "forwarded_ignored",
        "Requests whose X-Forwarded-For was not believed",
        lambda: edge.stats.forwarded_ignored,
    )
