"""A cluster's folder and its saved state."""

from __future__ import annotations

from pathlib import Path

import pytest

from cluster.cluster import Cluster
from cluster.errors import ClusterError, NoCluster, StateLost
from cluster.folder import ClusterFolder, SavedState, require_own_environment
from cluster.settings import Settings


def test_a_saved_state_is_read_back_as_it_was(tmp_path: Path) -> None:
    state = SavedState(Settings("x", nodes=7, environment={"node": {"A": "1"}}), {"node-1/ops": 5})
    ClusterFolder(tmp_path, "x").save(state)
    assert ClusterFolder(tmp_path, "x").load() == state


def test_a_cluster_that_was_never_made_is_told(tmp_path: Path) -> None:
    with pytest.raises(NoCluster, match="make cluster-up"):
        ClusterFolder(tmp_path, "x").load()


def test_a_state_that_cannot_be_read_is_reported_with_its_path(tmp_path: Path) -> None:
    folder = ClusterFolder(tmp_path, "x")
    folder.save(SavedState(Settings("x")))
    (folder.path / "cluster.json").write_text("{")
    with pytest.raises(ClusterError, match=r"cluster\.json cannot be read"):
        folder.load()


def test_two_commands_do_not_change_a_cluster_at_the_same_time(tmp_path: Path) -> None:
    with ClusterFolder(tmp_path, "x").lock():
        with (
            pytest.raises(ClusterError, match="another command"),
            ClusterFolder(tmp_path, "x").lock(),
        ):
            pass
        with ClusterFolder(tmp_path, "y").lock():
            pass
    with ClusterFolder(tmp_path, "x").lock():
        pass


@pytest.mark.parametrize(
    "content", [b"", b"{", b"[]", b"\0\0\0\0", b'{"settings": {"nodes": "x"}}']
)
def test_whatever_the_state_file_holds_is_reported_in_one_line(
    tmp_path: Path, content: bytes
) -> None:
    folder = ClusterFolder(tmp_path, "x")
    folder.save(SavedState(Settings("x")))
    folder.state_file.write_bytes(content)
    with pytest.raises(StateLost, match="make cluster-down"):
        folder.load()
    assert folder.guess().settings.runtime == "local"
    (folder.path / "compose").mkdir()
    assert folder.guess().settings.runtime == "docker"


def test_a_state_without_its_ports_is_lost(tmp_path: Path) -> None:
    ClusterFolder(tmp_path, "x").save(SavedState(Settings("x")))
    with pytest.raises(StateLost, match="haproxy/http"):
        Cluster.open("x", tmp_path)


def test_the_command_of_a_copied_environment_is_refused(tmp_path: Path) -> None:
    """It runs the original's code, and would act on the original's clusters."""
    original, copy = tmp_path / "original", tmp_path / "copy"
    for place in (original, copy):
        (place / ".venv" / "bin").mkdir(parents=True)
        (place / ".venv" / "bin" / "livecomments").touch()
    link = tmp_path / "livecomments"
    link.symlink_to(copy / ".venv" / "bin" / "livecomments")
    for script in (copy / ".venv" / "bin" / "livecomments", link):
        with pytest.raises(ClusterError, match=r"`make setup` in .*/copy creates"):
            require_own_environment(str(script), original)
    require_own_environment(str(original / ".venv" / "bin" / "livecomments"), original)
    require_own_environment("/livecomments", original)
