from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry

from service.config import ConfigError, EnvReader
from writer import stores
from writer.cassandra.config import CassandraConfig
from writer.dynamodb.config import DynamoConfig
from writer.metrics import WriterMetrics
from writer.stores import StoreConfig, build_store


def read(**environ: str) -> DynamoConfig:
    env = EnvReader(environ)
    config = DynamoConfig.read(env)
    env.done()
    return config


def test_defaults() -> None:
    assert read() == DynamoConfig("livecomments", "", "", 0)


def test_all_of_it() -> None:
    assert read(
        DYNAMODB_TABLE="Comments-2.a",
        DYNAMODB_ENDPOINT="https://dynamodb.example:8443",
        AWS_REGION="eu-west-1",
        RETENTION_S="86400",
    ) == DynamoConfig("Comments-2.a", "https://dynamodb.example:8443", "eu-west-1", 86_400)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DYNAMODB_TABLE", "ab"),
        ("DYNAMODB_TABLE", "no spaces"),
        ("AWS_REGION", "EU West"),
        ("RETENTION_S", "60"),
        ("DYNAMODB_ENDPOINT", "dynamodb.example:8000"),
        ("DYNAMODB_ENDPOINT", "ftp://dynamodb.example"),
        ("DYNAMODB_ENDPOINT", "https://"),
        ("DYNAMODB_ENDPOINT", "https://dynamodb.example:99999"),
        ("DYNAMODB_ENDPOINT", "https://dynamodb.example/path"),
    ],
)
def test_a_fault_is_told_with_its_name(name: str, value: str) -> None:
    with pytest.raises(ConfigError, match=name):
        read(**{name: value})


def test_a_password_in_the_endpoint_is_refused_and_not_told() -> None:
    with pytest.raises(ConfigError) as caught:
        read(DYNAMODB_ENDPOINT="https://user:hunter2@dynamodb.example")
    assert "hunter2" not in str(caught.value)


def test_without_the_sdk_a_sentence_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stores, "find_spec", lambda _name: None)
    config = StoreConfig("dynamodb", Path("-"), CassandraConfig(()))
    registry = CollectorRegistry()
    with pytest.raises(ConfigError, match=r"aiobotocore.*livecomments\[dynamodb\]"):
        build_store(config, registry, WriterMetrics(registry), lambda _: None)


def test_it_is_imported_by_nobody_who_does_not_use_it() -> None:
    program = "import sys, writer.app; sys.exit(bool({'aiobotocore', 'botocore'} & {*sys.modules}))"
    assert subprocess.run([sys.executable, "-c", program]).returncode == 0
