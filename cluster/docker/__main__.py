"""`python -m cluster.docker`: whether every kind of cluster can run in containers here.

Exit status 1 and one line if not; images that are not there are pulled. For `make test-docker`.
"""

from __future__ import annotations

import sys

from rich.console import Console

from cluster.parts import CONTAINER_PORTS
from cluster.progress import ConsoleProgress
from cluster.runtimes import why_not_docker
from service.config import process_environ


def main() -> None:
    """See above."""
    reason = why_not_docker(list(CONTAINER_PORTS), process_environ(), ConsoleProgress(Console()))
    if reason is not None:
        print(f"no tests in containers: {reason}", file=sys.stderr)
        sys.exit(1)


if __name__ == "__main__":
    main()
