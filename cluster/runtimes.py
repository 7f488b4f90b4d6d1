"""Which runtime a cluster has, and which a new one gets when nobody has said so.

Containers, if an engine answers, this machine reaches the addresses of its containers, compose is
installed, and the images are there or can be pulled; else processes. The choice holds for the life
of the cluster.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from ipaddress import IPv4Network
from typing import Any
from urllib.parse import urlsplit

from cluster.docker.compose_command import find_compose, no_compose
from cluster.docker.subnets import read_routes
from cluster.errors import ClusterError
from cluster.folder import ClusterFolder
from cluster.local.runtime import LocalRuntime
from cluster.parts import Kind
from cluster.progress import Progress
from cluster.runtime import Runtime
from cluster.settings import Settings

# As compose/docker-compose.yml and compose/Dockerfile name them; a test compares.
IMAGES: Mapping[Kind, str] = {
    Kind.ZOOKEEPER: "zookeeper:3.9",
    Kind.CASSANDRA: "cassandra:5.0",
    Kind.REDIS: "redis:7-bookworm",
    Kind.HAPROXY: "haproxy:3.0",
}
BASE_IMAGE = "python:3.11-slim-bookworm"
NO_ENGINE = "no Docker engine answers"
NO_DYNALITE = "dynalite, which is DynamoDB here, has no image"
_ANSWERS_WITHIN_S = 3.0
_HERE = (None, "localhost", "127.0.0.1", "::1")


def open_runtime(settings: Settings, folder: ClusterFolder, environ: Mapping[str, str]) -> Runtime:
    """The runtime that the cluster was made with; asks nothing of it yet."""
    if settings.runtime == "docker":
        from cluster.docker.runtime import DockerRuntime  # the SDK takes 0.2 s to import

        return DockerRuntime(folder, environ)
    return LocalRuntime(folder, environ)


def choose_runtime(kinds: Collection[Kind], environ: Mapping[str, str], progress: Progress) -> str:
    """`docker` or `local`, for a cluster of such parts; says why it is not docker where an engine
    answers. May pull images.
    """
    reason = why_not_docker(kinds, environ, progress)
    if reason is None:
        return "docker"
    if reason != NO_ENGINE:
        progress.note(f"local processes instead of containers: {reason}")
    return "local"


def why_not_docker(
    kinds: Collection[Kind], environ: Mapping[str, str], progress: Progress
) -> str | None:
    """Why a cluster of such parts cannot run in containers, in one line; None if it can. Pulls the
    images that are not there yet.
    """
    from cluster.docker.containers import connect  # the SDK takes 0.2 s to import

    try:
        client = connect(environ.get("DOCKER_HOST"), _ANSWERS_WITHIN_S)
    except ClusterError:
        return NO_ENGINE
    if Kind.DYNALITE in kinds:
        return NO_DYNALITE
    if reason := _why_not_reached(client, environ.get("DOCKER_HOST", "")):
        return reason
    if find_compose(environ) is None:
        return no_compose(environ)
    wanted = (BASE_IMAGE, *(IMAGES[kind] for kind in kinds if kind in IMAGES))
    return next(filter(None, (_why_no_image(client, image, progress) for image in wanted)), None)


def _why_not_reached(client: Any, host: str) -> str | None:
    from cluster.docker.containers import engine_errors, subnets_of

    try:
        with engine_errors():
            info, bridges = client.info(), client.api.networks(names=["bridge"])
    except ClusterError as exc:
        return str(exc)
    bridge = [network for one in bridges for network in subnets_of(one)]
    return why_not_reached(host, info, bridge, read_routes())


def why_not_reached(
    host: str,
    info: Mapping[str, Any],
    bridge: Collection[IPv4Network],
    routes: Collection[IPv4Network],
) -> str | None:
    """Why this machine does not reach the addresses of an engine's containers, in one line; None if
    it does.

    `host` is DOCKER_HOST, `info` what the engine says of itself, `bridge` the network that it makes
    for itself when it starts: if the engine is on this machine, the kernel knows the way there.
    """
    where = ""
    address = urlsplit(host)
    if any("rootless" in option for option in info.get("SecurityOptions") or ()):
        where = "runs without root, in a network of its own"
    elif "Docker Desktop" in info.get("OperatingSystem", ""):
        where = "is Docker Desktop, in a machine of its own"
    elif address.scheme != "unix" and address.hostname not in _HERE:
        where = "is on another machine"
    elif bridge and not set(bridge) & set(routes):
        where = "is on another machine, or in a container"
    return (
        f"the Docker engine {where}: its containers cannot be reached from here" if where else None
    )


def _why_no_image(client: Any, image: str, progress: Progress) -> str | None:
    from cluster.docker.containers import engine_errors

    try:
        with engine_errors():
            if not client.images.list(name=image):
                with progress.step(f"image {image}"):
                    client.images.pull(image)
    except ClusterError as exc:
        return f"the image {image} is not there and cannot be pulled ({exc})"
    return None
