"""The table of docs/clients.md."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from tests.clients.catalogue import Client, Way
from tests.clients.judge import Finding

_COLUMNS = (
    "client", "language", "whole", "a node killed", "drained", "no node for 5 s",
    "no gateway for 5 s", "12 s of quiet", "late", "its user must",
)  # fmt: skip


def promised(clients: Sequence[Client], built: Path) -> list[str]:
    """The names of the ways in which the clients are whole."""
    return [client.ways(built)[-1].name for client in clients if not client.excuse]


def table(
    clients: Sequence[Client], findings: Mapping[str, Mapping[str, Finding]], built: Path
) -> str:
    """A row for each way in which a client was run; findings: by scenario and way."""
    rows = [_COLUMNS, ("---",) * len(_COLUMNS)]
    rows += [
        _row(client, way, {name: found[way.name] for name, found in findings.items()})
        for client in clients
        for way in client.ways(built)
    ]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def _row(client: Client, way: Way, found: Mapping[str, Finding]) -> tuple[str, ...]:
    return (
        "... set so" if way.mode else way.name,
        client.language,
        "yes" if all(one.whole for one in found.values()) else "no",
        *(one.text() for one in found.values()),
        f"{max(one.late_s for one in found.values()):.1f} s",
        client.must_set if way.mode else client.excuse,
    )
