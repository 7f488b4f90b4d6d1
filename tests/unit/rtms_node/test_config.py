from __future__ import annotations

import pytest

from coordination import Paths
from rtms_node.config import Config
from rtms_node.limits import PATH_BUDGET_BYTES, Limits, videos_in_budget
from service.config import ConfigError
from wire.roles import Peer, Role


def test_without_zookeeper_somebody_has_to_tell_where_the_writers_are() -> None:
    environ = {"SERVICE_ID": "node-1", "TOPOLOGY": "partitioned"}
    with pytest.raises(ConfigError, match="WRITER_ADDRESSES is not set"):
        Config.from_env(environ)
    config = Config.from_env(environ | {"WRITER_ADDRESSES": "writer-1=127.0.0.1:7"})
    assert config.writers == (Peer(Role.WRITER, "writer-1", "127.0.0.1", 7),)


def test_a_variable_that_has_another_name_now_is_not_ignored() -> None:
    environ = {"SERVICE_ID": "node-1", "PROBE_QUIET_S": "5"}
    with pytest.raises(ConfigError, match="PROBE_QUIET_S is now called ANTIENTROPY_QUIET_S"):
        Config.from_env(environ)


def test_a_node_alone_is_not_a_single_process() -> None:
    with pytest.raises(ConfigError, match="TOPOLOGY=single must be one of broadcast"):
        Config.from_env({"SERVICE_ID": "node-1", "TOPOLOGY": "single"})


@pytest.mark.parametrize(
    ("node_id", "videos"), [("node-1", 20_000), ("n" * 10, 20_000), ("n" * 63, 13_071)]
)
def test_a_node_with_a_long_id_registers_fewer_videos(node_id: str, videos: int) -> None:
    assert Config.from_env({"SERVICE_ID": node_id}).limits.max_videos == videos
    told = Config.from_env({"SERVICE_ID": node_id, "MAX_VIDEOS": "30000"})
    assert told.limits.max_videos == 30_000
    without_zookeeper = {"TOPOLOGY": "gateway", "WRITER_ADDRESSES": "w=h:1"}
    config = Config.from_env({"SERVICE_ID": node_id} | without_zookeeper)
    assert config.limits.max_videos == Limits().max_videos


@pytest.mark.parametrize("length", [1, 6, 32, 63])
def test_what_a_node_registers_stays_in_the_budget(length: int) -> None:
    node_id = "n" * length
    longest = len(Paths().registration("v" * 64, node_id)) + 4  # its length goes before it
    assert PATH_BUDGET_BYTES - longest < videos_in_budget(node_id) * longest <= PATH_BUDGET_BYTES
