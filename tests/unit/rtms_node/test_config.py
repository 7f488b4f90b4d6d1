from __future__ import annotations

import pytest

from rtms_node.config import Config
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
