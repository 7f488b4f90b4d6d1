"""The table of docs/clients.md."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from tests.clients.judge import Finding
from tests.clients.menu import Client

_COLUMNS = (
    "client", "language", "whole", "a node killed", "drained", "no node for 5 s",
    "no gateway for 5 s", "12 s of quiet", "late", "its user must",
)  # fmt: skip


def promised(clients: Sequence[Client]) -> list[str]:
    """The names under which the clients are whole."""
    return [client.ways()[-1][0] for client in clients if not client.excuse]


def table(clients: Sequence[Client], findings: Mapping[str, Mapping[str, Finding]]) -> str:
    """A row for each way in which a client was run."""
    rows = [_COLUMNS, ("---",) * len(_COLUMNS)]
    rows += [row for client in clients for row in _rows(client, findings)]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def _rows(client: Client, findings: Mapping[str, Mapping[str, Finding]]) -> list[tuple[str, ...]]:
    rows = []
    for name, mode in client.ways():
        found = {scenario: by_name[name] for scenario, by_name in findings.items()}
        late_s = max(one.late_s for one in found.values())
        cells = (
            name if not mode else "... so",
            client.language,
            "yes" if all(one.whole for one in found.values()) else "no",
            *(one.text() for one in found.values()),
            f"{late_s:.1f} s",
            client.must_set if mode else client.excuse,
        )
        rows.append(cells)
    return rows
