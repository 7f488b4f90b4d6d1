"""Bringing what a cluster needs and the machine lacks: packages, then Cassandra's jars."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from cluster.parts import Kind
from cluster.progress import Progress
from cluster.servers import cassandra_jars
from cluster.servers.system_packages import ensure_packages


def ensure_installed(kinds: Collection[Kind], jars: Path, progress: Progress) -> None:
    """Make sure that such parts can run; `jars` is where Cassandra's go.

    Raises NotInstalled with what a person has to do.
    """
    fetching = Kind.CASSANDRA in kinds and not cassandra_jars.are_there(jars)
    ensure_packages(kinds, progress, maven=fetching)
    if fetching:
        with progress.step(f"Cassandra {cassandra_jars.VERSION} by Maven"):
            cassandra_jars.fetch(jars)
