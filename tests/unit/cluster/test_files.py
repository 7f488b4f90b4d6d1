"""Files that are replaced whole."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from cluster.files import replace_file


def test_a_file_is_replaced_whole_and_nothing_is_left_beside_it(tmp_path: Path) -> None:
    replace_file(tmp_path / "x", b"old")
    replace_file(tmp_path / "x", b"new", 0o600)
    assert (tmp_path / "x").read_bytes() == b"new"
    assert stat.S_IMODE((tmp_path / "x").stat().st_mode) == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["x"]


def test_what_is_written_is_on_the_disk_before_it_has_the_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Or a power cut leaves an empty file under it."""
    replace_file(tmp_path / "x", b"old")

    def no_room(_descriptor: int) -> None:
        assert (tmp_path / "x").read_bytes() == b"old"
        raise OSError("no room")

    monkeypatch.setattr("os.fsync", no_room)
    with pytest.raises(OSError, match="no room"):
        replace_file(tmp_path / "x", b"new")
    assert (tmp_path / "x").read_bytes() == b"old"
    assert [path.name for path in tmp_path.iterdir()] == ["x"]
