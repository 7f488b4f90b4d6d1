"""A new identity for a cluster's store, after an older copy was put in its place."""

from __future__ import annotations

from pathlib import Path

from cluster.cluster import Cluster
from cluster.errors import ClusterError, WritersRun
from cluster.parts import Kind
from cluster.runtime import RUNNING
from wire.errors import StoreUnavailable
from writer.new_epoch import renew_epoch


def renew_cluster_epoch(cluster: Cluster) -> tuple[str, str]:
    """The old epoch and the new one. Raises WritersRun while a writer of the cluster runs, and
    ClusterError if the file cannot be changed.
    """
    writers = [part.name for part in cluster.parts if part.kind is Kind.WRITER]
    running = [name for name in writers if cluster.condition(name) in RUNNING]
    if running:
        raise WritersRun(running)
    return renew_file_epoch(cluster.folder.sqlite)


def renew_file_epoch(path: Path) -> tuple[str, str]:
    """The same for a file that no cluster uses. Raises ClusterError."""
    try:
        return renew_epoch(path)
    except StoreUnavailable as exc:
        raise ClusterError(str(exc)) from exc
