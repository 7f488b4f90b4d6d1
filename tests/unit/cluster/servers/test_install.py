"""What is said where nothing can be installed."""

from __future__ import annotations

import pytest

from cluster.errors import NotInstalled
from cluster.parts import Kind
from cluster.progress import NoProgress
from cluster.servers.install import (
    ensure_browser,
    ensure_packages,
    ensure_prometheus,
    find_browser,
    find_prometheus,
    missing_packages,
)


class Notes(NoProgress):
    """Remembers what was worth knowing."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def note(self, text: str) -> None:
        self.lines.append(text)


@pytest.fixture(autouse=True)
def _bare_machine(monkeypatch: pytest.MonkeyPatch, tmp_path: object) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("JAVA_HOME", raising=False)


def test_without_apt_a_missing_browser_is_a_note_in_one_line() -> None:
    notes = Notes()
    ensure_browser(notes)
    assert find_browser() is None
    (line,) = notes.lines
    assert "install Chromium" in line
    assert "\n" not in line


def test_without_apt_a_missing_prometheus_is_a_note_in_one_line() -> None:
    notes = Notes()
    ensure_prometheus(notes)
    assert find_prometheus() is None
    (line,) = notes.lines
    assert "install Prometheus" in line


def test_without_apt_what_the_cluster_needs_is_told_to_the_person() -> None:
    with pytest.raises(NotInstalled, match=r"no apt-get; install .*Java 17.*, Maven"):
        ensure_packages([Kind.ZOOKEEPER, Kind.CASSANDRA], NoProgress(), maven=True)


def test_only_what_the_parts_need_is_asked_for() -> None:
    assert missing_packages([Kind.WRITER, Kind.NODE], maven=False) == []
