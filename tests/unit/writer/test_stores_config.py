from __future__ import annotations

from pathlib import Path

import pytest

from service.config import ConfigError, EnvReader
from writer.stores import StoreConfig


def read(**environ: str) -> StoreConfig:
    env = EnvReader(environ)
    config = StoreConfig.read(env)
    env.done()
    return config


def test_cassandra_needs_no_file_and_has_defaults() -> None:
    config = read(STORE="cassandra")
    assert config.kind == "cassandra"
    assert config.cassandra.contact_points == (("127.0.0.1", 9042),)
    assert (config.cassandra.keyspace, config.cassandra.replication) == ("livecomments", 1)
    assert (config.cassandra.datacenter, config.cassandra.worldwide) == ("", False)
    assert config.cassandra.retention_s == 0


def test_everything_about_cassandra_can_be_told() -> None:
    config = read(
        STORE="cassandra",
        CASSANDRA="cas-1:9043, [::1]:9044 ,10.0.0.1",
        CASSANDRA_KEYSPACE="other",
        CASSANDRA_REPLICATION="3",
        CASSANDRA_DC="west",
        CASSANDRA_CONSISTENCY="global",
        CASSANDRA_USER="app",
        CASSANDRA_PASSWORD_FILE="/run/secret",
        CASSANDRA_CA_FILE="/run/ca.pem",
        RETENTION_S="86400",
    ).cassandra
    assert config.contact_points == (("cas-1", 9043), ("::1", 9044), ("10.0.0.1", 9042))
    assert (config.keyspace, config.replication, config.datacenter) == ("other", 3, "west")
    assert (config.worldwide, config.retention_s, config.user) == (True, 86400, "app")
    assert (config.password_file, config.ca_file) == (Path("/run/secret"), Path("/run/ca.pem"))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("CASSANDRA", "host:0"),
        ("CASSANDRA", "host:99999"),
        ("CASSANDRA", "http://host"),
        ("CASSANDRA_KEYSPACE", "Drop table"),
        ("CASSANDRA_REPLICATION", "0"),
        ("CASSANDRA_CONSISTENCY", "one"),
        ("CASSANDRA_USER", "app"),
        ("CASSANDRA_PASSWORD_FILE", "/run/secret"),
        ("RETENTION_S", "3600"),  # a key would lose its comment within its 24 h
        ("STORE", "paper"),
    ],
)
def test_what_cannot_be_is_told(name: str, value: str) -> None:
    with pytest.raises(ConfigError, match=name):
        read(**{"STORE": "cassandra", name: value})


def test_retention_is_not_silently_ignored() -> None:
    with pytest.raises(ConfigError, match="RETENTION_S"):
        read(SQLITE_PATH="x", RETENTION_S="86400")


def test_a_file_must_be_named() -> None:
    with pytest.raises(ConfigError, match="SQLITE_PATH"):
        read()
