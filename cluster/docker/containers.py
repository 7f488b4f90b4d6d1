"""The containers of one compose project, through the Docker SDK.

Invariants: only what carries the project's label is changed; of everything else only the addresses
in use are read. The list may be LISTED_S old, unless we have changed something since.
"""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from ipaddress import IPv4Network
from typing import Any

import docker
import requests

from cluster.docker.compose_command import SOCKET
from cluster.errors import ClusterError

LISTED_S = 0.1
PROJECT = "com.docker.compose.project"
SERVICE = "com.docker.compose.service"
_ONE_OFF = "com.docker.compose.oneoff"  # made by `compose run`
_DEADLINE_S = 60.0
_CONFLICT = 409
_EXITED = re.compile(r"Exited \((\d+)\)")


@dataclass(frozen=True, slots=True)
class Container:
    """A container as the engine lists it. `addresses`: by network, for those that it is in;
    `networks`: their ids, perhaps none if it never ran.
    """

    id: str
    state: str
    exit_code: int
    image: str
    labels: dict[str, str]
    addresses: dict[str, str]
    networks: frozenset[str]


@dataclass(frozen=True, slots=True)
class Network:
    """One of the engine's, with its addresses."""

    id: str
    name: str
    subnets: list[IPv4Network]


@contextmanager
def engine_errors() -> Iterator[None]:
    """Turns the engine's errors into ClusterError, in one line."""
    try:
        yield
    except docker.errors.APIError as exc:
        raise ClusterError(f"the Docker engine refused: {exc.explanation or exc}") from exc
    except (docker.errors.DockerException, requests.RequestException) as exc:
        raise ClusterError(f"no Docker engine answers: {exc}") from exc


def connect(base_url: str | None, timeout_s: float = _DEADLINE_S) -> Any:
    """A client of the engine. Raises ClusterError if none answers."""
    with engine_errors():
        # Asks the engine for its version: an old one is spoken to in its own.
        return docker.DockerClient(
            base_url=base_url or SOCKET, version="auto", timeout=int(timeout_s)
        )


class Containers:
    """The containers of one project. Safe to use from several threads."""

    def __init__(self, project: str, base_url: str | None) -> None:
        self.project = project
        self._base_url = base_url
        self._lock = threading.Lock()
        self._listed: dict[str, Container] = {}
        self._listed_at = float("-inf")

    @cached_property
    def client(self) -> Any:
        """The SDK's client. Raises ClusterError."""
        return connect(self._base_url)

    def by_service(self) -> dict[str, Container]:
        """All containers by service, running or not. Raises ClusterError."""
        with self._lock:
            if time.monotonic() > self._listed_at + LISTED_S:
                labels = [f"{PROJECT}={self.project}", f"{_ONE_OFF}=False"]
                with engine_errors():
                    found = self.client.api.containers(all=True, filters={"label": labels})
                self._listed = {row["Labels"][SERVICE]: _container(row) for row in found}
                self._listed_at = time.monotonic()
            return self._listed

    def find(self, service: str) -> Container | None:
        """The container of a service. Raises ClusterError."""
        return self.by_service().get(service)

    def inspect(self, service: str) -> dict[str, Any]:
        """All that the engine knows of a container; {} if there is none. Raises ClusterError."""
        container = self.find(service)
        if container is None:
            return {}
        with engine_errors():
            try:
                found: dict[str, Any] = self.client.api.inspect_container(container.id)
            except docker.errors.NotFound:  # made anew since it was listed
                self.forget()
                return {}
            return found

    @contextmanager
    def changing(self, service: str) -> Iterator[tuple[Any, str]]:
        """The low-level client and the id of a container that is about to be changed. Raises
        ClusterError, also for what the engine refuses inside.
        """
        container = self.find(service)
        if container is None:
            raise ClusterError(f"{service} has no container; `make cluster-up` creates it")
        try:
            with engine_errors():
                yield self.client.api, container.id
        finally:
            self.forget()

    def signal(self, service: str, name: str) -> None:
        """Send a signal to the first process of a container that runs; nothing happens if it has
        just ended. Raises ClusterError.
        """
        with self.changing(service) as (api, container):
            try:
                api.kill(container, name)
            except docker.errors.APIError as exc:
                if exc.status_code != _CONFLICT:  # "is not running"
                    raise

    def networks(self) -> list[Network]:
        """All of the engine, whosever they are. Raises ClusterError."""
        with engine_errors():
            rows = self.client.api.networks()
        return [Network(row["Id"], row["Name"], list(subnets_of(row))) for row in rows]

    def forget(self) -> None:
        """Drop the list, which may be out of date."""
        with self._lock:
            self._listed_at = float("-inf")

    def remove_network(self, name: str) -> None:
        """Raises ClusterError while a container that runs is connected to it."""
        try:
            with engine_errors():
                self.client.api.remove_network(name)
        except ClusterError as exc:
            raise ClusterError(
                f"the network {name} must be created again; first: make cluster-down ({exc})"
            ) from exc
        self.forget()

    def remove(self, service: str) -> None:
        """Remove a container that does not run, and its volumes. Raises ClusterError."""
        mounts = self.inspect(service).get("Mounts", [])
        with self.changing(service) as (api, container):
            api.remove_container(container, v=True)
            for mount in mounts:
                if mount["Type"] == "volume":
                    api.remove_volume(mount["Name"])

    def remove_all(self, image: str) -> None:
        """Remove containers, networks and volumes of the project, and the image of that name, as
        far as they are there. Raises ClusterError.
        """
        label = {"label": f"{PROJECT}={self.project}"}
        with engine_errors():
            api = self.client.api
            for row in api.containers(all=True, filters=label):
                api.remove_container(row["Id"], v=True, force=True)
            for network in self.client.networks.list(filters=label):
                network.remove()
            for volume in self.client.volumes.list(filters=label):
                volume.remove()
            for found in self.client.images.list(name=image):
                api.remove_image(image, force=len(found.tags) > 1)
        self.forget()


def subnets_of(network: dict[str, Any]) -> Iterator[IPv4Network]:
    """Addresses of a network as the engine lists it."""
    for config in network["IPAM"]["Config"] or []:
        if "." in config.get("Subnet", ""):
            yield IPv4Network(config["Subnet"])


def _container(row: dict[str, Any]) -> Container:
    networks = row["NetworkSettings"]["Networks"]
    exited = _EXITED.match(row["Status"])
    return Container(
        id=row["Id"],
        state=row["State"],
        exit_code=int(exited[1]) if exited else 0,
        image=row["ImageID"],
        labels=row["Labels"],
        addresses={name: network["IPAddress"] for name, network in networks.items()},
        networks=frozenset(network["NetworkID"] for network in networks.values()) - {""},
    )
