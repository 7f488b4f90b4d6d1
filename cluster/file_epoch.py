"""A new identity for a SQLite store's file, told in the words of this package."""

from __future__ import annotations

from pathlib import Path

from cluster.errors import ClusterError
from wire.errors import StoreUnavailable
from writer.new_epoch import renew_epoch


def renew_file_epoch(path: Path) -> tuple[str, str]:
    """The old epoch and the new one of a file that no writer uses. Raises ClusterError."""
    try:
        return renew_epoch(path)
    except StoreUnavailable as exc:
        raise ClusterError(str(exc)) from exc
