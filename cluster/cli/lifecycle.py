"""Commands that start, stop and remove a whole cluster."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Coroutine
from typing import Any

import click

from cluster import readable
from cluster.cli.opening import console_progress, find_fetched, find_folder, open_or_rescue
from cluster.cluster import Cluster
from cluster.errors import ClusterError
from cluster.parts import kinds_of
from cluster.progress import Progress
from cluster.runtimes import choose_runtime, why_not_docker
from cluster.servers.install import ensure_installed
from cluster.settings import Settings, find_left_alone, read_settings
from cluster.terminal import say


@click.command()
def up() -> None:
    """Start all parts that do not run, and wait until they are ready.

    Variables: NODES, DISPATCHERS, WRITERS, ZOOKEEPERS and CASSANDRAS (1 or 3), STORE, TOPOLOGY,
    PLACEMENT (hash, round_robin), RUNTIME, BIND, HTTP_PORT, HTTPS_PORT, CLUSTER. A setting whose
    variable is missing stays as it was.
    """
    folder, progress = find_folder(), console_progress()
    with folder.lock():
        known = folder.load().settings if folder.exists() else None
        settings = read_settings(os.environ, known or _new_settings(folder.name, progress))
        if left := find_left_alone(os.environ):
            progress.note(
                f"{', '.join(left)}: set in this shell, and not used. For one part or all of them,"
                f" put it into {folder.path}/cluster.json (docs/operations.md, Run)."
            )
        if settings.runtime == "local":
            ensure_installed(kinds_of(settings), find_fetched(), progress)
        elif reason := why_not_docker(kinds_of(settings), os.environ, progress):
            raise ClusterError(f"RUNTIME=docker: {reason}; RUNTIME=local works without it")
        cluster = Cluster.create(settings)
        asyncio.run(cluster.up(progress))
    if known is not None and settings.environment != known.environment:
        say("Parts that already ran keep their old variables until they are started again.")
    say("\n".join(readable.closing_words(cluster)))


@click.command()
def down() -> None:
    """Stop all parts; keep the data."""
    cluster = _change(lambda cluster: cluster.down(console_progress()))
    say(f"The cluster {cluster.settings.name} is stopped; its data is in {cluster.folder.path}")


@click.command()
def clean() -> None:
    """Stop all parts and delete the cluster, comments included."""
    folder = find_folder()
    if not folder.has_remains():
        say(f"there is no cluster {folder.name}")
        return
    _change(lambda cluster: cluster.clean(console_progress()))
    say(f"The cluster {folder.name} is deleted")


COMMANDS = (up, down, clean)


def _new_settings(name: str, progress: Progress) -> Settings:
    """The settings of a new cluster where the environment says nothing."""
    runtime = os.environ.get("RUNTIME")
    if not runtime:
        asked = read_settings(os.environ, Settings(name))
        runtime = choose_runtime(kinds_of(asked), os.environ, progress)
    # An ensemble costs as little as one server there, and is what people run.
    zookeepers = 3 if runtime == "docker" else 1
    return Settings(name, runtime=runtime, zookeepers=zookeepers)


def _change(act: Callable[[Cluster], Coroutine[Any, Any, object]]) -> Cluster:
    cluster, _lost = open_or_rescue()
    with cluster.folder.lock():
        asyncio.run(act(cluster))
    return cluster
