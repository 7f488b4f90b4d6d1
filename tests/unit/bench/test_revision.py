"""Another revision's tree: found in the history, unpacked, gone afterwards; or why not."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from bench.revision import NoRevision, unpacked, why_missing

Git = Callable[..., str]


@pytest.fixture
def git(tmp_path: Path) -> Git:
    """A repository with two commits, and its `git`."""

    def run(*arguments: str) -> str:
        who = ("-c", "user.name=Ann", "-c", "user.email=ann@example.org")
        done = subprocess.run(
            ["git", "-C", str(tmp_path), *who, *arguments],
            check=True,
            capture_output=True,
            text=True,
        )
        return done.stdout.strip()

    run("init", "-q")
    (tmp_path / "requirements.txt").write_text("aiohttp==1\n")
    for text in ("old", "new"):
        (tmp_path / "product.py").write_text(text)
        run("add", ".")
        run("commit", "-q", "-m", text)
    (tmp_path / "product.py").write_text("not committed")
    return run


def test_a_revision_is_unpacked_as_it_was_and_removed(tmp_path: Path, git: Git) -> None:
    old = git("rev-parse", "HEAD~1")
    with unpacked("HEAD~1", tmp_path) as tree:
        assert (tree.path / "product.py").read_text() == "old"
        assert tree.name == f"revision {old[:7]}"
        assert tree.python == Path(sys.executable), "it needs the same packages"
    assert not tree.path.exists()


def test_a_revision_with_other_packages_is_not_run_with_ours(tmp_path: Path, git: Git) -> None:
    """It cannot make an environment of its own here, having no script for that."""
    (tmp_path / "requirements.txt").write_text("aiohttp==2\n")
    with pytest.raises(NoRevision, match="bootstrap"), unpacked("HEAD", tmp_path):
        pass


def test_what_is_not_in_the_history_is_told(tmp_path: Path, git: Git) -> None:
    assert why_missing(git("rev-parse", "HEAD"), tmp_path) == ""
    missing = why_missing("0123456789", tmp_path)
    assert missing.startswith(f"no revision 0123456789 in {tmp_path}: git: ")
    assert "not a revision" in why_missing("--all", tmp_path)


def test_an_unpacked_archive_has_no_history_even_inside_a_repository(
    tmp_path: Path, git: Git
) -> None:
    inside = tmp_path / "unpacked"
    inside.mkdir()
    assert why_missing("HEAD", inside) == f"{inside} has no history (no .git)"


def test_without_git_there_is_no_revision(
    tmp_path: Path, git: Git, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    assert "No such file" in why_missing("HEAD", tmp_path)
