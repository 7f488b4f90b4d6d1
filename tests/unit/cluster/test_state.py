"""What of a cluster's settings may change now."""

from __future__ import annotations

import dataclasses
import os
import socket
from pathlib import Path
from typing import Any

import pytest

from cluster.errors import PortTaken, SettingsConflict
from cluster.folder import ClusterFolder, SavedState
from cluster.local.processes import mark_of, write_mark
from cluster.local.runtime import LocalRuntime
from cluster.parts import find_part
from cluster.ports import free_ports
from cluster.settings import Settings
from cluster.state import ClusterState
from service.config import ConfigError

SETTINGS = Settings("m", topology="partitioned")


def state_of(home: Path, **variables: str) -> ClusterState:
    """Of a cluster with these variables for all its parts; none of them runs."""
    folder = ClusterFolder(home, SETTINGS.name)
    settings = with_variables(**variables)
    return ClusterState(folder, LocalRuntime(folder, {}), SavedState(settings))


def with_variables(**variables: str) -> Settings:
    return dataclasses.replace(SETTINGS, environment={"all": variables})


def let_a_part_run(home: Path) -> None:
    """This very process stands for it."""
    mark = mark_of(os.getpid())
    assert mark is not None
    folder = ClusterFolder(home, SETTINGS.name)
    folder.run.mkdir(parents=True)
    write_mark(folder.run / "node-1.pid", mark)


@pytest.mark.parametrize(
    ("name", "known", "asked"),
    [
        ("CASSANDRA_CONSISTENCY", "local", "global"),
        ("CASSANDRA_KEYSPACE", "livecomments", "other"),
        ("CHANNELS", "64", "32"),
        ("ZOOKEEPER_SESSION_S", "6", "7.5"),
    ],
)
def test_what_all_parts_share_stays_while_one_runs(
    tmp_path: Path, name: str, known: str, asked: str
) -> None:
    state = state_of(tmp_path)
    let_a_part_run(tmp_path)
    with pytest.raises(
        SettingsConflict, match=f"{name}={known}; `make cluster-down` first.*{asked}"
    ):
        state.change_to(with_variables(**{name: asked}))
    assert state.settings == with_variables()
    state.change_to(with_variables(**{name: known}))  # what is in effect already


def test_a_default_does_not_come_back_unseen(tmp_path: Path) -> None:
    state = state_of(tmp_path, CHANNELS="32")
    let_a_part_run(tmp_path)
    with pytest.raises(SettingsConflict, match=r"CHANNELS=32; .*64"):
        state.change_to(with_variables())


def test_what_all_parts_share_may_change_on_a_cluster_that_is_down(tmp_path: Path) -> None:
    state = state_of(tmp_path)
    state.change_to(with_variables(CHANNELS="32", ZOOKEEPER_SESSION_S="7"))
    assert state.settings.variables_for("node", "node-1")["CHANNELS"] == "32"


def test_other_variables_and_the_number_of_nodes_may_change_at_any_time(tmp_path: Path) -> None:
    state = state_of(tmp_path)
    let_a_part_run(tmp_path)
    settings = dataclasses.replace(with_variables(LOG_LEVEL="debug"), nodes=5)
    state.change_to(settings)
    assert state.settings == settings


def gateway(**ports: Any) -> Settings:
    return dataclasses.replace(SETTINGS, **ports)


def test_one_port_for_http_and_https_is_refused(tmp_path: Path) -> None:
    state = state_of(tmp_path)
    http, https = free_ports(2)
    with pytest.raises(ConfigError, match=f"HTTP_PORT and HTTPS_PORT are both {http}"):
        state.change_to(gateway(http_port=http, https_port=http))
    state.change_to(gateway(http_port=http, https_port=https))
    with pytest.raises(ConfigError, match=f"both {https}"):  # the other one was saved
        state.change_to(gateway(http_port=https))


def test_a_port_that_is_taken_is_not_saved(tmp_path: Path) -> None:
    state = state_of(tmp_path)
    state.change_to(SETTINGS)
    before = find_part(state.parts, "haproxy").ports
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(PortTaken, match=f"port {port} .*HTTP_PORT="):
            state.change_to(gateway(http_port=port))
    assert find_part(state.parts, "haproxy").ports == before


def test_a_part_makes_room_for_the_port_that_a_person_asks_for(tmp_path: Path) -> None:
    state = state_of(tmp_path)
    state.change_to(SETTINGS)
    port = find_part(state.parts, "node-1").ports["public"]
    state.change_to(gateway(http_port=port))
    state.choose_ports_again_if_nothing_runs()
    assert find_part(state.parts, "haproxy").ports["http"] == port
    assert find_part(state.parts, "node-1").ports["public"] != port
