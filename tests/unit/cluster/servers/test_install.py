"""What is said where nothing can be installed."""

from __future__ import annotations

from pathlib import Path

import pytest

from cluster.errors import NotInstalled
from cluster.folder import FetchedFolders
from cluster.parts import Kind
from cluster.progress import NoProgress
from cluster.servers.dynalite import find_node
from cluster.servers.install import (
    ensure_browser,
    ensure_dynalite,
    ensure_helm,
    ensure_installed,
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
def _bare_machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
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


def test_without_node_a_cluster_with_dynamodb_is_told_what_it_needs(tmp_path: Path) -> None:
    with pytest.raises(NotInstalled, match="needs Node 20 or newer with npm"):
        ensure_installed([Kind.DYNALITE], FetchedFolders.of(tmp_path), NoProgress())


def test_an_old_node_is_none(tmp_path: Path) -> None:
    for name, version in (("node", "v18.20.1"), ("npm", "9.2.0")):
        program = tmp_path / name
        program.write_text(f"#!/bin/sh\necho {version}\n")
        program.chmod(0o755)
    assert find_node() is None


def test_without_node_tests_lack_dynalite_and_are_told_so(tmp_path: Path) -> None:
    notes = Notes()
    ensure_dynalite(FetchedFolders.of(tmp_path), notes)
    (line,) = notes.lines
    assert "skipped" in line


def test_without_go_a_missing_helm_is_a_note_in_one_line(tmp_path: Path) -> None:
    notes = Notes()
    ensure_helm(tmp_path / "tools", notes)
    (line,) = notes.lines
    assert "neither helm nor go" in line
    assert "skipped" in line


def test_a_helm_that_is_there_is_left_alone(tmp_path: Path) -> None:
    program = tmp_path / "helm"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    notes = Notes()
    ensure_helm(tmp_path, notes)
    assert notes.lines == []
    assert program.read_text() == "#!/bin/sh\n"


def test_a_go_that_fails_is_a_note(tmp_path: Path) -> None:
    """Such as one that is too old, or that reaches no modules."""
    program = tmp_path / "go"
    program.write_text("#!/bin/sh\necho 'requires go >= 9'\nexit 1\n")
    program.chmod(0o755)
    notes = Notes()
    ensure_helm(tmp_path / "tools", notes)
    assert "requires go >= 9" in notes.lines[-1]
    assert not (tmp_path / "tools" / "helm").exists()
