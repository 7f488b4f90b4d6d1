"""The `livecomments` command: thin commands around `Cluster`."""

from cluster.cli.app import main

__all__ = ["main"]
