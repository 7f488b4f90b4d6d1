"""Which runtime a cluster has."""

from __future__ import annotations

from collections.abc import Mapping

from cluster.folder import ClusterFolder
from cluster.local_runtime import LocalRuntime
from cluster.runtime import Runtime
from cluster.settings import Settings


def open_runtime(settings: Settings, folder: ClusterFolder, environ: Mapping[str, str]) -> Runtime:
    """The runtime that the cluster was made with; asks nothing of it yet."""
    if settings.runtime == "docker":
        from cluster.docker_runtime import DockerRuntime  # the SDK takes 0.2 s to import

        return DockerRuntime(folder, environ)
    return LocalRuntime(folder, environ)
