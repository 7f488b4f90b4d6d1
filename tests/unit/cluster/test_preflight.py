from __future__ import annotations

import pytest

from cluster.preflight import check_variables
from cluster.settings import Settings, read_name, read_settings
from service.config import ConfigError


def test_a_variable_that_no_process_could_start_with_is_refused() -> None:
    with pytest.raises(ConfigError, match="writer-1 could not start: LOG_LEVEL=loud"):
        check_variables(Settings(environment={"all": {"LOG_LEVEL": "loud"}}))
    with pytest.raises(ConfigError, match="node-2 could not start: DRAIN_WINDOW_S=never"):
        check_variables(Settings(environment={"node-2": {"DRAIN_WINDOW_S": "never"}}))


def test_a_gateway_without_room_is_refused() -> None:
    with pytest.raises(ConfigError, match="GATEWAY_MIB=64 must be a number from 128"):
        check_variables(Settings(environment={"haproxy": {"GATEWAY_MIB": "64"}}))


def test_good_variables_pass() -> None:
    check_variables(Settings(environment={"all": {"LOG_LEVEL": "debug"}}))


@pytest.mark.parametrize("topology", ["single", "dispatcher"])
def test_the_gateways_of_all_parts_may_be_said(topology: str) -> None:
    check_variables(
        Settings(topology=topology, environment={"all": {"TRUSTED_PROXIES": "10.0.0.1"}})
    )


def test_who_brings_keys_is_told_what_is_missing() -> None:
    check_variables(Settings(environment={"all": {"AUTH": "jwt"}}))  # those of development
    keys = {"AUTH": "jwt", "AUTH_JWKS": "https://id.example/keys"}
    with pytest.raises(ConfigError, match="AUTH_ISSUER is not set; AUTH_AUDIENCE is not set"):
        check_variables(Settings(environment={"all": keys}))
    keys |= {"AUTH_ISSUER": "https://id.example", "AUTH_AUDIENCE": "comments"}
    check_variables(Settings(environment={"all": keys | {"AUTHOR_ID_KEY_FILE": "/data/there"}}))


def test_retention_is_for_cassandra_only() -> None:
    retention = {"all": {"RETENTION_S": "86400"}}
    check_variables(Settings(store="cassandra", environment=retention))
    with pytest.raises(ConfigError, match="RETENTION_S is only for STORE=cassandra"):
        check_variables(Settings(environment=retention))
    short = {"all": {"RETENTION_S": "60"}}
    with pytest.raises(ConfigError, match="RETENTION_S must be 0"):
        check_variables(Settings(store="cassandra", environment=short))


def test_dynamodb_in_containers_is_refused() -> None:
    with pytest.raises(ConfigError, match="STORE=dynamodb needs RUNTIME=local"):
        check_variables(Settings(runtime="docker", store="dynamodb"))


def test_a_variable_that_is_set_to_nothing_gets_its_default_back() -> None:
    known = Settings(environment={"all": {"LOG_LEVEL": "debug", "CORS_ORIGINS": "*"}})
    settings = read_settings({"CORS_ORIGINS": ""}, known)
    assert settings.environment == {"all": {"LOG_LEVEL": "debug"}}


def test_the_name_of_make_dev_is_taken() -> None:
    with pytest.raises(ConfigError, match="make dev"):
        read_name({"CLUSTER": "dev"})


def test_a_heap_that_cannot_be_is_told_before_anything_starts() -> None:
    heap = {"all": {"CASSANDRA_HEAP": "1M"}}
    check_variables(Settings(environment=heap))  # there is no Cassandra
    with pytest.raises(ConfigError, match="CASSANDRA_HEAP must be at least 200M"):
        check_variables(Settings(store="cassandra", environment=heap))
