from __future__ import annotations

import pytest

from dispatcher.config import Config
from service.config import ConfigError

NEEDED = {"SERVICE_ID": "d1", "ZOOKEEPER": "127.0.0.1:2181"}


def test_defaults_are_those_of_the_design() -> None:
    config = Config.from_env(NEEDED)
    assert (config.zookeeper, config.zookeeper_session_s) == (("127.0.0.1:2181",), 6)
    assert (config.drain_serve_s, config.ack_deadline_s) == (2, 2)


def test_all_faults_are_told_at_once() -> None:
    with pytest.raises(ConfigError) as told:
        Config.from_env(
            {"QUEUE_MIB": "3", "FORWARD_DEADLINE_S": "soon", "ZOOKEEPER_SESSION_S": "0"}
        )
    for name in ("SERVICE_ID", "ZOOKEEPER_SESSION_S", "QUEUE_MIB", "FORWARD_DEADLINE_S"):
        assert name in str(told.value)
