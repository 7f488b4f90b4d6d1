from __future__ import annotations

from pathlib import Path

import pytest

from service.config import ConfigError
from service.edge import PublicEdge
from wire.roles import Role
from writer.config import Config
from writer.rate_limit import Rates


def test_defaults() -> None:
    config = Config.from_env({"SERVICE_ID": "writer-1", "SQLITE_PATH": "/data/comments.db"})
    assert config.service.role is Role.WRITER
    assert (config.topology, config.store.kind) == ("dispatcher", "sqlite")
    assert config.store.sqlite_path == Path("/data/comments.db")
    assert config.edge == PublicEdge()
    assert config.rates == Rates(posts=0, gets=0)


def test_every_fault_is_told_at_once() -> None:
    environ = {"SERVICE_ID": "Bad Name", "STORE": "paper", "PUBLIC_PORT": "99999"}
    with pytest.raises(ConfigError) as error:
        Config.from_env(environ)
    for name in ("SERVICE_ID", "STORE", "PUBLIC_PORT", "SQLITE_PATH"):
        assert name in str(error.value)


def test_lists_are_separated_by_commas() -> None:
    environ = {
        "SERVICE_ID": "w",
        "SQLITE_PATH": "x",
        "CORS_ORIGINS": "https://a.example, https://b.example",
        "ZOOKEEPER": "z1:2181,z2:2181",
    }
    config = Config.from_env(environ)
    assert config.edge.origins == {"https://a.example", "https://b.example"}
    assert config.zookeeper == ("z1:2181", "z2:2181")
