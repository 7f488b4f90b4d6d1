"""Which Java is taken, on a machine with several."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from cluster.servers import java


def put_java(home: Path, told: str) -> str:
    """A command that tells its version, as java does."""
    command = home / "bin" / "java"
    command.parent.mkdir(parents=True)
    command.write_text(f"#!/bin/sh\necho '{told}' >&2\n")
    command.chmod(0o755)
    return str(command)


@pytest.fixture(autouse=True)
def _nothing_installed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    monkeypatch.setattr(java, "_JAVA_HOMES", tmp_path / "jvm")
    monkeypatch.setenv("PATH", str(tmp_path / "path" / "bin"))
    monkeypatch.delenv("JAVA_HOME", raising=False)
    java.find_java.cache_clear()
    yield
    java.find_java.cache_clear()


def test_the_version_that_is_needed_is_found_among_newer_ones(tmp_path: Path) -> None:
    put_java(tmp_path / "path", 'openjdk version "25.0.1" 2025-10-21')
    put_java(tmp_path / "jvm" / "a", 'openjdk version "21" 2023-09-19')
    wanted = put_java(tmp_path / "jvm" / "b", 'openjdk version "17.0.15" 2025-04-15')
    assert java.find_java(17) == wanted


def test_java_home_comes_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put_java(tmp_path / "path", 'openjdk version "17.0.1"')
    mine = put_java(tmp_path / "mine", 'java version "17" 2021-09-14 LTS')
    monkeypatch.setenv("JAVA_HOME", str(tmp_path / "mine"))
    assert java.find_java(17) == mine


def test_another_java_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put_java(tmp_path / "path", 'java version "1.8.0_392"')
    put_java(tmp_path / "jvm" / "odd", "Segmentation fault")
    monkeypatch.setenv("JAVA_HOME", str(tmp_path / "gone"))
    assert java.find_java(17) is None
