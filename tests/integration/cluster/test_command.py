"""The command as a person runs it: pipes that end, closed streams, odd names."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import jwt
import pytest
from jwt import PyJWK

from cluster.cluster import Cluster
from cluster.folder import CHECKOUT, HOME_VARIABLE
from cluster.issuer import AUDIENCE, ISSUER, DevelopmentIssuer
from cluster.ports import free_ports
from cluster.settings import Settings
from tests.support import TIMEOUT_FACTOR

NAME = "command"
ENDS_WITHIN_S = 60 * TIMEOUT_FACTOR


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """With a cluster that does not run, and that has printed a lot."""
    cluster = Cluster.create(Settings(NAME, topology="single"), tmp_path)
    cluster.folder.logs.mkdir()
    (cluster.folder.logs / "single-1.log").write_text("a line\n" * 20_000)
    return tmp_path


def run(home: Path, line: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """A line of a shell in which `livecomments` is the command."""
    limited = f"timeout {ENDS_WITHIN_S} {sys.executable}"  # none is left behind
    command = f'livecomments() {{ {limited} -m cluster "$@"; }}; {line}'
    return subprocess.run(
        ["bash", "-c", command],
        cwd=CHECKOUT,
        env=dict(os.environ) | {HOME_VARIABLE: str(home), "CLUSTER": NAME} | variables,
        capture_output=True,
        text=True,
        timeout=3 * ENDS_WITHIN_S,
    )


@pytest.mark.parametrize(
    ("command", "status"),
    [
        ("logs -n 20000", 0),
        ("logs -f -n 20000", 0),
        ("logs -f -n 0", 0),  # it prints nothing, so it meets no broken pipe
        ("status", 1),  # the cluster does not run
        ("status --json", 1),
        ("down", 0),
        ("clean", 0),
    ],
)
def test_a_reader_that_has_seen_enough_is_no_error(home: Path, command: str, status: int) -> None:
    done = run(home, f"livecomments {command} | head -0; echo ${{PIPESTATUS[0]}}")
    assert (done.stdout, done.stderr) == (f"{status}\n", "")
    assert command != "clean" or not (home / NAME).exists()


def test_closed_streams_change_nothing(home: Path) -> None:
    done = run(home, "livecomments status >&-; echo $?; livecomments clean >&- 2>&- <&-; echo $?")
    assert (done.stdout, done.stderr) == ("1\n0\n", "")
    assert not (home / NAME).exists()


def test_a_letter_that_the_terminal_does_not_know_is_no_error(tmp_path: Path) -> None:
    home = tmp_path / "jürgen"
    Cluster.create(Settings(NAME), home)
    done = run(home, "livecomments down", LC_ALL="C", PYTHONIOENCODING="ascii")
    assert r"j\xfcrgen" in done.stdout
    assert (done.returncode, done.stderr) == (0, "")


def test_a_home_that_cannot_be_is_told_with_its_variable(home: Path) -> None:
    file = home / "file"
    file.touch()
    for command in ("up", "dev"):
        done = run(file, f"livecomments {command}", RUNTIME="local", HTTP_PORT="")
        assert (done.returncode, done.stdout) == (1, "")
        assert done.stderr.startswith(f"livecomments: {file}")
        assert done.stderr.endswith(f"set {HOME_VARIABLE} to another folder\n")


def test_up_says_where_the_pages_and_the_map_are(tmp_path: Path) -> None:
    http, https = map(str, free_ports(2))
    shape = {"TOPOLOGY": "single", "RUNTIME": "local", "HTTP_PORT": http, "HTTPS_PORT": https}
    try:
        done = run(tmp_path, "livecomments up", **shape)
        assert done.returncode == 0, done.stderr
        said = [line.strip() for line in done.stdout.splitlines()]
        for page in ("embed", "moderate"):
            assert f"http://127.0.0.1:{http}/{page}/v1" in said
        assert any(line.startswith("map") and line.endswith("/map") for line in said)
    finally:
        assert run(tmp_path, "livecomments clean").returncode == 0


def test_a_token_is_signed_with_the_clusters_key(home: Path) -> None:
    issuer = DevelopmentIssuer.load_or_create(home / NAME / "issuer")
    roles = "--role moderator:launch-* --role owner:launch-* --role admin:x"
    done = run(home, f"livecomments token --sub ann --name 'Ann B.' {roles} --hours 1")
    assert (done.returncode, done.stderr) == (0, "")
    key = PyJWK(dict(issuer.private))
    claims = jwt.decode(done.stdout.strip(), key, ["ES256"], audience=AUDIENCE, issuer=ISSUER)
    assert (claims["sub"], claims["name"]) == ("ann", "Ann B.")
    assert claims["exp"] - claims["iat"] == 3600
    assert claims["lc.roles"] == {"launch-*": ["moderator", "owner"], "x": ["admin"]}


@pytest.mark.parametrize("grant", ["moderator", "god:v", "owner:a b", "owner:", ":v"])
def test_a_role_that_no_token_could_hold_is_told(home: Path, grant: str) -> None:
    DevelopmentIssuer.load_or_create(home / NAME / "issuer")
    done = run(home, f"livecomments token --sub ann --role '{grant}'")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("livecomments: --role")


def test_without_a_key_it_is_told_what_makes_one(home: Path) -> None:
    for option, make in (("", "make cluster-up"), ("--dev", "make dev")):
        done = run(home, f"livecomments token --sub ann {option}")
        assert done.returncode == 1
        assert done.stderr.endswith(f"`{make}` creates one\n")
