"""Which runtime a new cluster gets when nobody has said so, and whether it can have containers.

Containers, where an engine answers, compose is there, and the images are or can be had; else
processes. One that was chosen stays the cluster's for its life.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from cluster.compose_command import find_compose
from cluster.errors import ClusterError
from cluster.parts import Kind
from cluster.progress import Progress

# As compose/docker-compose.yml and compose/Dockerfile name them; a test compares.
IMAGES: Mapping[Kind, str] = {
    Kind.ZOOKEEPER: "zookeeper:3.9",
    Kind.CASSANDRA: "cassandra:5.0",
    Kind.REDIS: "redis:7-bookworm",
    Kind.HAPROXY: "haproxy:3.0",
}
BASE_IMAGE = "python:3.11-slim-bookworm"
NO_ENGINE = "no Docker engine answers"
_ANSWERS_WITHIN_S = 3.0


def choose_runtime(kinds: Collection[Kind], environ: Mapping[str, str], progress: Progress) -> str:
    """`docker` or `local`, for a cluster of such parts; says why it is not docker where an engine
    answers. May pull images.
    """
    reason = why_not_docker(kinds, environ, progress)
    if reason is None:
        return "docker"
    if reason != NO_ENGINE:
        progress.note(f"processes and not containers: {reason}")
    return "local"


def why_not_docker(
    kinds: Collection[Kind], environ: Mapping[str, str], progress: Progress
) -> str | None:
    """Why a cluster of such parts cannot run in containers, in one line; None if it can. Pulls the
    images that are not there yet.
    """
    from cluster.containers import connect  # the SDK takes 0.2 s to import

    try:
        client = connect(environ.get("DOCKER_HOST"), _ANSWERS_WITHIN_S)
    except ClusterError:
        return NO_ENGINE
    if find_compose(environ) is None:
        return "there is no compose (docker-compose-plugin, or docker-compose 1.29)"
    wanted = (BASE_IMAGE, *(IMAGES[kind] for kind in kinds if kind in IMAGES))
    return next(filter(None, (_why_no_image(client, image, progress) for image in wanted)), None)


def _why_no_image(client: Any, image: str, progress: Progress) -> str | None:
    from cluster.containers import told

    try:
        with told():
            if not client.images.list(name=image):
                with progress.step(f"image {image}"):
                    client.images.pull(image)
    except ClusterError as exc:
        return f"the image {image} is not there and cannot be pulled ({exc})"
    return None
