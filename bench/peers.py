"""`python -m bench.peers`: installs what ours is compared with, where that can be done."""

from __future__ import annotations

import os

from rich.console import Console

from bench import nchan
from cluster.errors import ClusterError
from cluster.folder import FetchedFolders, home_folder
from cluster.parts import Kind, kinds_of
from cluster.progress import ConsoleProgress
from cluster.servers.install import ensure_installed, try_to_install
from cluster.settings import Settings


def main() -> None:
    """ZooKeeper, HAProxy and Cassandra too: most benchmarks start a cluster, or a part of one."""
    progress = ConsoleProgress(Console())
    fetched = FetchedFolders.of(home_folder(os.environ))
    for kinds, what in (
        (kinds_of(Settings()), "benchmarks that need a cluster"),
        ([Kind.CASSANDRA], "the benchmark of Cassandra"),
        ([Kind.DYNALITE], "the benchmark of DynamoDB"),
    ):
        try:
            ensure_installed(kinds, fetched, progress)
        except ClusterError as exc:
            progress.note(f"{what} will fail: {exc}")
    if nchan.find_nginx() is None:
        try_to_install(list(nchan.PACKAGES), progress, "nothing is compared with nchan")


if __name__ == "__main__":
    main()
