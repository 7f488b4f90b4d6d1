"""Finding the cluster that a command is about."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import click

from cluster.cluster import Cluster
from cluster.errors import ClusterError, NoCluster, StateLost
from cluster.folder import ClusterFolder, FetchedFolders, home_folder
from cluster.progress import ConsoleProgress
from cluster.settings import read_name
from cluster.terminal import Screen
from service.config import EnvReader

_ZOOKEEPER = "--zookeeper"


def console_progress() -> ConsoleProgress:
    """Shows a person what is being done."""
    return ConsoleProgress(Screen(soft_wrap=True))


def find_folder() -> ClusterFolder:
    """The folder of the cluster that the environment names; perhaps there is none yet."""
    return ClusterFolder(home_folder(os.environ), read_name(os.environ))


def find_fetched() -> FetchedFolders:
    """Where programs are, or go, that no package of the system brings."""
    return FetchedFolders.of(home_folder(os.environ))


def open_cluster() -> Cluster:
    """The cluster that the environment names. Raises NoCluster, or StateLost."""
    return Cluster.open(read_name(os.environ))


def open_or_rescue() -> tuple[Cluster, str]:
    """That cluster and "", or what is left of it and why it could not be opened."""
    name = read_name(os.environ)
    try:
        return Cluster.open(name), ""
    except (StateLost, NoCluster) as exc:
        return Cluster.rescue(name), str(exc)


def of_another_cluster(help_text: str) -> Callable[[Any], Any]:
    """The option --zookeeper of a command that can ask it: `host:port,...` or None."""
    return click.option(_ZOOKEEPER, metavar="HOST:PORT,...", callback=_read_servers, help=help_text)


def not_of_another_cluster(why: str) -> Callable[[Any], Any]:
    """The same option of a command that cannot, which says why."""

    def refuse(_ctx: click.Context, _param: click.Parameter, value: str | None) -> None:
        if value is not None:
            raise ClusterError(why)

    return click.option(
        _ZOOKEEPER, metavar="HOST:PORT,...", callback=refuse, is_eager=True, expose_value=False,
        help="Not possible: says what to do instead.",
    )  # fmt: skip


def _read_servers(_ctx: click.Context, _param: click.Parameter, value: str | None) -> str | None:
    if value is None:
        return None
    env = EnvReader({_ZOOKEEPER: value})
    servers = env.servers(_ZOOKEEPER, "", 2181)
    if not servers:
        env.fault(f"{_ZOOKEEPER} names no server")
    env.done()
    return ",".join(servers)
