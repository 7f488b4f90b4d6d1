"""Cassandra's jars: exactly what the list names, or nothing. Maven is a program that we bring."""

from __future__ import annotations

import hashlib
import threading
from pathlib import Path

import pytest

from cluster.errors import NotInstalled
from cluster.servers import cassandra_jars

JARS = {"a.jar": b"one", "b.jar": b"two"}
STRANGER = "for-another-system.jar"


@pytest.fixture(autouse=True)
def _two_jars(monkeypatch: pytest.MonkeyPatch) -> None:
    sums = {name: hashlib.sha256(content).hexdigest() for name, content in JARS.items()}
    monkeypatch.setattr(cassandra_jars, "read_sums", lambda: sums)


class Maven:
    """A command `mvn` that puts files where it is told, and ends as it is told."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self._command = folder / "bin" / "mvn"
        self._command.parent.mkdir()
        monkeypatch.setenv("PATH", f"{self._command.parent}:/usr/bin:/bin")
        self.brings(JARS)

    def brings(self, jars: dict[str, bytes], status: int = 0) -> None:
        lines = [
            "#!/bin/sh",
            f"echo run >>{self._command}.runs",
            "for word; do case $word in -DoutputDirectory=*) to=${word#*=};; esac; done",
            "mkdir -p $to",
            *(f"printf '%s' '{content.decode()}' >$to/{name}" for name, content in jars.items()),
            "echo what went on",
            f"exit {status}",
        ]
        self._command.write_text("\n".join(lines))
        self._command.chmod(0o755)

    @property
    def runs(self) -> int:
        runs = self._command.with_name("mvn.runs")
        return len(runs.read_text().splitlines()) if runs.exists() else 0


@pytest.fixture
def maven(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Maven:
    return Maven(tmp_path, monkeypatch)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "jars" / "cassandra"


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_what_is_listed_is_kept_and_the_rest_is_not(maven: Maven, folder: Path) -> None:
    maven.brings(JARS | {STRANGER: b"x"})
    assert not cassandra_jars.are_there(folder)
    cassandra_jars.fetch(folder)
    assert cassandra_jars.are_there(folder)
    assert names(folder) == ["a.jar", "b.jar"]


def test_what_is_there_is_not_fetched_again(maven: Maven, folder: Path) -> None:
    cassandra_jars.fetch(folder)
    cassandra_jars.fetch(folder)
    assert maven.runs == 1


def test_a_jar_that_is_not_what_it_should_be_is_refused_by_name(maven: Maven, folder: Path) -> None:
    maven.brings(JARS | {"b.jar": b"evil"})
    with pytest.raises(NotInstalled, match=r"b\.jar has another checksum"):
        cassandra_jars.fetch(folder)
    assert not folder.exists()


def test_a_jar_that_is_missing_is_told_by_name(maven: Maven, folder: Path) -> None:
    maven.brings({"a.jar": b"one"})
    with pytest.raises(NotInstalled, match=r"b\.jar is missing"):
        cassandra_jars.fetch(folder)


def test_when_maven_fails_its_words_are_told_and_nothing_is_kept(
    maven: Maven, folder: Path
) -> None:
    maven.brings({"a.jar": b"one"}, status=1)
    with pytest.raises(NotInstalled, match="what went on"):
        cassandra_jars.fetch(folder)
    assert not folder.exists()


def test_a_changed_jar_is_noticed_and_fetched_again(maven: Maven, folder: Path) -> None:
    cassandra_jars.fetch(folder)
    (folder / "a.jar").write_bytes(b"eno")
    assert not cassandra_jars.are_there(folder)
    cassandra_jars.fetch(folder)
    assert cassandra_jars.are_there(folder)
    assert maven.runs == 2


def test_what_a_crash_left_is_never_taken_for_the_whole(maven: Maven, folder: Path) -> None:
    half = folder.with_name("cassandra.part") / "jars"
    half.mkdir(parents=True)
    (half / "a.jar").write_bytes(b"one")
    assert not cassandra_jars.are_there(folder)
    cassandra_jars.fetch(folder)
    assert names(folder.parent) == ["cassandra", "cassandra.lock"]


def test_two_that_fetch_at_once_fetch_once(maven: Maven, folder: Path) -> None:
    threads = [threading.Thread(target=cassandra_jars.fetch, args=(folder,)) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert cassandra_jars.are_there(folder)
    assert maven.runs == 1


def test_without_maven_the_reason_is_told(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(NotInstalled, match=r"Maven could not fetch Cassandra 5\.0"):
        cassandra_jars.fetch(folder)
