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
