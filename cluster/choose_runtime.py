"""Which runtime a new cluster gets when nobody has said so.

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
_ANSWERS_WITHIN_S = 3.0


def choose_runtime(kinds: Collection[Kind], environ: Mapping[str, str], progress: Progress) -> str:
    """`docker` or `local`, for a cluster of such parts; says why it is not docker where an engine
    answers.
    """
    from cluster.containers import connect  # the SDK takes 0.2 s to import

    try:
        client = connect(environ.get("DOCKER_HOST"), _ANSWERS_WITHIN_S)
        client.ping()
    except Exception:
        return "local"
    if find_compose(environ) is None:
        progress.note("A Docker engine answers, but there is no compose: RUNTIME=local")
        return "local"
    if trouble := find_missing_image(client, kinds, progress):
        progress.note(f"{trouble}: RUNTIME=local")
        return "local"
    return "docker"


def find_missing_image(client: Any, kinds: Collection[Kind], progress: Progress) -> str | None:
    """Why an image is not there and could not be pulled either, in one line; None if all are."""
    from cluster.containers import told

    for image in (BASE_IMAGE, *(IMAGES[kind] for kind in kinds if kind in IMAGES)):
        try:
            with told():
                if not client.images.list(name=image):
                    with progress.step(f"image {image}"):
                        client.images.pull(image)
        except ClusterError as exc:
            return f"the image {image} is not there and cannot be pulled ({exc})"
    return None
