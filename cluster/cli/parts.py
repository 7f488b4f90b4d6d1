"""Commands on single parts: start, stop, drain, and the faults that a test or a person injects."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import click

from cluster.cli.opening import console_progress, not_of_another_cluster, open_cluster
from cluster.cluster import Cluster
from cluster.errors import ClusterError
from cluster.progress import Update
from cluster.runtime import RUNNING
from cluster.status import fetch_figures

_REPORT_EVERY_S = 0.3

_Act = Callable[[Cluster, str, Update], Coroutine[Any, Any, object]]


@click.command()
@click.argument("names", nargs=-1, required=True)
def start(names: tuple[str, ...]) -> None:
    """Start parts that do not run, and wait until they are ready."""
    _each(names, lambda cluster, name, _: cluster.start(name), "starting")


@click.command()
@click.argument("names", nargs=-1, required=True)
def stop(names: tuple[str, ...]) -> None:
    """Stop parts cleanly, without a drain."""
    _each(names, lambda cluster, name, _: cluster.stop(name), "stopping")


@click.command()
@click.argument("names", nargs=-1, required=True)
@not_of_another_cluster(
    "ZooKeeper starts no drain: end the process where it runs (systemctl stop UNIT, kubectl delete"
    " pod POD); SIGTERM makes it drain"
)
def drain(names: tuple[str, ...]) -> None:
    """Let parts drain and end (SIGTERM)."""
    _each(names, _drain, "draining")


@click.command()
@click.argument("names", nargs=-1, required=True)
def kill(names: tuple[str, ...]) -> None:
    """Kill parts (SIGKILL)."""
    _each(names, lambda cluster, name, _: cluster.kill(name), "killing")


@click.command()
@click.argument("names", nargs=-1, required=True)
def pause(names: tuple[str, ...]) -> None:
    """Freeze parts; their sockets stay open (SIGSTOP)."""
    _each(names, _at_once(Cluster.pause), "pausing")


@click.command()
@click.argument("names", nargs=-1, required=True)
def resume(names: tuple[str, ...]) -> None:
    """Resume paused parts (SIGCONT)."""
    _each(names, _at_once(Cluster.resume), "resuming")


@click.command()
@click.argument("names", nargs=-1, required=True)
def partition(names: tuple[str, ...]) -> None:
    """Cut parts off from all others (in containers only)."""
    _each(names, _at_once(Cluster.partition), "cutting off")


@click.command()
@click.argument("names", nargs=-1, required=True)
def heal(names: tuple[str, ...]) -> None:
    """Connect parts again after `partition`."""
    _each(names, _at_once(Cluster.heal), "connecting")


COMMANDS = (start, stop, drain, kill, pause, resume, partition, heal)


def _at_once(act: Callable[[Cluster, str], None]) -> _Act:
    async def run(cluster: Cluster, name: str, _update: Update) -> None:
        act(cluster, name)

    return run


async def _drain(cluster: Cluster, name: str, update: Update) -> None:
    """Show how many viewers are left while it drains."""

    async def report() -> None:
        while True:
            figures = await fetch_figures(cluster, cluster.part(name))
            if figures.get("viewers") is not None:
                update(f"{figures['viewers']} viewers left")
            await asyncio.sleep(_REPORT_EVERY_S)

    reporting = asyncio.ensure_future(report())
    try:
        if not await cluster.drain(name):
            raise ClusterError(f"{name} did not end in time and was killed")
    finally:
        reporting.cancel()


def _each(names: tuple[str, ...], act: _Act, doing: str) -> None:
    """Do it to every named part, after all names were found to be right."""
    cluster = open_cluster()
    for name in names:
        if cluster.condition(name) not in RUNNING and doing != "starting":
            raise ClusterError(f"{name} does not run")
    progress = console_progress()
    with cluster.folder.lock():
        for name in names:
            with progress.step(f"{doing} {name}") as update:
                asyncio.run(act(cluster, name, update))
