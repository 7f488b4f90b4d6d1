"""Processes that cannot do what they were told: each says so in one line and exits with 2."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from cluster.ca import DevelopmentCa
from wire.roles import Role

ROOT = Path(__file__).parents[3]
MODULES = {"writer": "writer", "dispatcher": "dispatcher", "node": "rtms_node"}
WITH_KEYS = {"AUTH_JWKS": "https://issuer.example/keys", "AUTH_ISSUER": "i", "AUTH_AUDIENCE": "a"}
NOWHERE = "127.0.0.1:1"  # none of these processes gets as far as that

Refused = Callable[..., str]


@pytest.fixture
def refused(tmp_path: Path) -> Refused:
    """`refused("node", BIND_HOST="::")`: what a node says that is told so and exits with 2."""

    def run(role: str, **variables: str) -> str:
        told = {
            "PATH": os.environ["PATH"],
            "PYTHONPATH": str(ROOT),
            "SERVICE_ID": f"{role}-1",
            "ZOOKEEPER": NOWHERE,
            "SQLITE_PATH": str(tmp_path / "comments.sqlite3"),
            "TLS_DIR": str(tmp_path / "tls"),
        }
        command = [sys.executable, "-m", MODULES[role]]
        done = subprocess.run(
            command, env=told | variables, cwd=tmp_path, capture_output=True, text=True, timeout=60
        )
        assert done.returncode == 2, done.stderr
        assert done.stderr.count("\n") == 1
        assert done.stderr.startswith("configuration: ")
        return done.stderr

    return run


@pytest.mark.parametrize("role", MODULES)
@pytest.mark.parametrize("host", ["0.0.0.0", "::"])
def test_who_listens_everywhere_must_be_told_where_others_find_it(
    refused: Refused, role: str, host: str
) -> None:
    said = refused(role, BIND_HOST=host)
    assert f"BIND_HOST={host} is every address" in said
    assert "set ADVERTISE_HOST to the one at which others reach this process" in said


@pytest.mark.parametrize("role", MODULES)
def test_a_certificate_of_another_process_is_not_started_with(
    refused: Refused, tmp_path: Path, role: str
) -> None:
    DevelopmentCa.new().issue(Role(role), "another").write(tmp_path / "tls")
    said = refused(role, BIND_HOST="127.0.0.1")
    assert f"TLS_DIR={tmp_path / 'tls'}: cert.pem would be refused by other processes" in said
    assert f"{role}-1.{role}.livecomments.internal" in said


@pytest.mark.parametrize("role", MODULES)
def test_without_its_files_a_process_says_which_is_missing(
    refused: Refused, tmp_path: Path, role: str
) -> None:
    folder = tmp_path / "tls"
    assert f"TLS_DIR={folder}: ca.pem: No such file or directory" in refused(role)
    DevelopmentCa.new().issue(Role(role), f"{role}-1").write(folder)
    (folder / "key.pem").unlink()
    assert f"TLS_DIR={folder}: key.pem: No such file or directory" in refused(role)
    (folder / "key.pem").mkdir()
    assert f"TLS_DIR={folder}: key.pem: Is a directory" in refused(role)


def test_files_that_a_writer_needs_for_cassandra_are_tried_at_once(
    refused: Refused, tmp_path: Path
) -> None:
    DevelopmentCa.new().issue(Role.WRITER, "writer-1").write(tmp_path / "tls")
    missing, junk = tmp_path / "missing", tmp_path / "junk"
    junk.write_text("junk")
    with_cassandra = {"STORE": "cassandra", "CASSANDRA": NOWHERE}
    said = refused("writer", CASSANDRA_CA_FILE=str(missing), **with_cassandra)
    assert f"CASSANDRA_CA_FILE={missing}: No such file or directory" in said
    said = refused("writer", CASSANDRA_CA_FILE=str(junk), **with_cassandra)
    assert f"CASSANDRA_CA_FILE={junk} holds no certificate" in said
    user = {"CASSANDRA_USER": "u", "CASSANDRA_PASSWORD_FILE": str(missing)}
    said = refused("writer", **user, **with_cassandra)
    assert f"CASSANDRA_PASSWORD_FILE={missing}: No such file or directory" in said


def test_the_ca_of_a_key_set_is_tried_at_once(refused: Refused, tmp_path: Path) -> None:
    DevelopmentCa.new().issue(Role.WRITER, "writer-1").write(tmp_path / "tls")
    site_key = tmp_path / "site.key"
    site_key.write_bytes(bytes(range(32)))
    variables = WITH_KEYS | {"AUTHOR_ID_KEY_FILE": str(site_key)}
    said = refused("writer", AUTH_JWKS_CA_FILE="missing.pem", **variables)
    assert "AUTH_JWKS_CA_FILE=missing.pem: No such file or directory" in said


@pytest.mark.parametrize("name", ["n" * 64, "Node-1", "node.1"])
def test_a_name_that_is_too_long_or_no_label_is_told(refused: Refused, name: str) -> None:
    said = refused("node", SERVICE_ID=name)
    assert f"SERVICE_ID={name} must be 1 to 63 lower-case letters, digits and inner hyphens" in said
