"""`python -m bench.peers`: installs what ours is compared with, where that can be done."""

from __future__ import annotations

from rich.console import Console

from bench import nchan
from cluster.errors import ClusterError
from cluster.parts import kinds_of
from cluster.progress import Spoken
from cluster.settings import Settings
from cluster.system_packages import ensure_packages, try_to_install


def main() -> None:
    """ZooKeeper and HAProxy too: most benchmarks start a cluster."""
    progress = Spoken(Console())
    try:
        ensure_packages(kinds_of(Settings()), progress, maven=False)
    except ClusterError as exc:
        progress.note(f"benchmarks that need a cluster will fail: {exc}")
    if nchan.find_nginx() is None:
        try_to_install(list(nchan.PACKAGES), progress, "nothing is compared with nchan")


if __name__ == "__main__":
    main()
