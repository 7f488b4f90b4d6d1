"""How the command reads its line."""

from __future__ import annotations

import click
import pytest

from cluster.cli.parts import drain
from cluster.cli.show import logs, route
from cluster.errors import ClusterError
from service.config import ConfigError


@pytest.mark.parametrize(
    ("line", "video", "as_json"),
    [
        ("-abc", "-abc", False),
        ("-h8 --json", "-h8", True),
        ("--json --long", "--long", True),
        ("-- --json", "--json", False),
        ("v1", "v1", False),
    ],
)
def test_a_video_id_may_begin_with_a_dash(line: str, video: str, as_json: bool) -> None:
    params = route.make_context("route", line.split()).params
    assert params == {"video": video, "as_json": as_json, "zookeeper": None}


@pytest.mark.parametrize(
    ("line", "video"),
    [
        ("-abc --zookeeper zk,b:2182", "-abc"),
        ("--zookeeper zk,b:2182 -h8", "-h8"),
        ("--zookeeper=zk,b:2182 v1", "v1"),
    ],
)
def test_the_value_of_an_option_is_no_video(line: str, video: str) -> None:
    params = route.make_context("route", line.split()).params
    assert params == {"video": video, "as_json": False, "zookeeper": "zk,b:2182"}


@pytest.mark.parametrize("servers", ["", ",", "a b", "zk:0", "zk:2181/root"])
def test_servers_that_cannot_be_are_told(servers: str) -> None:
    with pytest.raises(ConfigError, match="--zookeeper"):
        route.make_context("route", ["v1", "--zookeeper", servers])


@pytest.mark.parametrize(
    ("command", "line", "instead"),
    [
        (drain, "node-1 --zookeeper zk", "SIGTERM makes it drain"),
        (drain, "--zookeeper zk", "SIGTERM makes it drain"),
        (logs, "--zookeeper zk -f", "kubectl logs"),
    ],
)
def test_what_zookeeper_cannot_do_says_what_to_do(
    command: click.Command, line: str, instead: str
) -> None:
    with pytest.raises(ClusterError, match=instead):
        command.make_context("command", line.split())
