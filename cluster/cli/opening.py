"""Finding the cluster that a command is about."""

from __future__ import annotations

import os
from pathlib import Path

from cluster.cluster import Cluster
from cluster.errors import NoCluster, StateLost
from cluster.folder import ClusterFolder, home_folder, jars_folder
from cluster.progress import ConsoleProgress
from cluster.settings import read_name
from cluster.terminal import Screen


def console_progress() -> ConsoleProgress:
    """Shows a person what is being done."""
    return ConsoleProgress(Screen(soft_wrap=True))


def find_folder() -> ClusterFolder:
    """The folder of the cluster that the environment names; perhaps there is none yet."""
    return ClusterFolder(home_folder(os.environ), read_name(os.environ))


def find_jars() -> Path:
    """Where Cassandra's jars are, or go."""
    return jars_folder(home_folder(os.environ))


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
