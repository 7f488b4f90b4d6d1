"""Whether containers can be reached, and which compose is taken."""

from __future__ import annotations

from ipaddress import IPv4Network
from pathlib import Path
from typing import Any

import pytest

from cluster.docker.compose_command import find_compose, no_compose
from cluster.runtimes import why_not_reached

BRIDGE = [IPv4Network("172.17.0.0/16")]
HERE: dict[str, Any] = {
    "OperatingSystem": "Debian GNU/Linux 12 (bookworm)",
    "SecurityOptions": ["name=seccomp,profile=default"],
}
ROOTLESS = HERE | {"SecurityOptions": ["name=seccomp,profile=default", "name=rootless"]}
DESKTOP = HERE | {"OperatingSystem": "Docker Desktop"}


@pytest.mark.parametrize("host", ["", "unix:///var/run/docker.sock", "tcp://127.0.0.1:2375"])
def test_an_engine_on_this_machine_is_reached(host: str) -> None:
    assert why_not_reached(host, HERE, BRIDGE, BRIDGE) is None
    assert why_not_reached(host, HERE, [], []) is None, "there may be no such network"


@pytest.mark.parametrize(
    ("host", "info", "routes", "reason"),
    [
        ("unix:///run/user/1000/docker.sock", ROOTLESS, BRIDGE, "runs without root"),
        ("", DESKTOP, BRIDGE, "is Docker Desktop"),
        ("ssh://me@far", HERE, BRIDGE, "is on another machine:"),
        ("tcp://10.1.2.3:2376", HERE, BRIDGE, "is on another machine:"),
        ("tcp://127.0.0.1:2375", HERE, [IPv4Network("172.16.0.0/12")], "is on another machine, or"),
    ],
)
def test_an_engine_whose_containers_are_elsewhere_is_told(
    host: str, info: dict[str, Any], routes: list[IPv4Network], reason: str
) -> None:
    told = why_not_reached(host, info, BRIDGE, routes)
    assert told is not None
    assert reason in told
    assert "\n" not in told


def program(folder: Path, name: str, status: int) -> str:
    path = folder / name
    path.write_text(f"#!/bin/sh\nexit {status}\n")
    path.chmod(0o755)
    return str(path)


def test_the_newer_compose_is_taken_unless_another_is_asked_for(tmp_path: Path) -> None:
    new, old = program(tmp_path, "docker", 0), program(tmp_path, "docker-compose", 0)
    known = {"PATH": str(tmp_path)}
    assert find_compose(known) == [new, "compose"]
    assert find_compose(known | {"COMPOSE": ""}) == [new, "compose"]
    assert find_compose(known | {"COMPOSE": "docker-compose"}) == [old]
    assert find_compose(known | {"COMPOSE": "docker compose"}) == [new, "compose"]
    program(tmp_path, "docker", 1)  # without the plugin
    assert find_compose(known) == [old]


def test_no_other_compose_takes_the_place_of_the_one_that_is_asked_for(tmp_path: Path) -> None:
    program(tmp_path, "docker", 0)
    known = {"PATH": str(tmp_path), "COMPOSE": "docker-compose"}
    assert find_compose(known) is None
    assert no_compose(known).startswith("COMPOSE=docker-compose is no compose")
    assert "there is no compose" in no_compose({})
