"""What is measured comes before the rest of the machine, until it has been measured."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from bench import favour
from bench.child import BenchFailed

OWN, OTHER = str(os.getpid()), "2"


@pytest.fixture
def groups(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Files in place of those of the kernel, which only root may write."""
    monkeypatch.setattr(favour, "_group", lambda pid: tmp_path / str(pid))
    for pid in (OWN, OTHER):
        (tmp_path / pid).write_text("/autogroup-12 nice 3\n")
    return tmp_path


def test_our_session_is_as_it_was_afterwards(groups: Path) -> None:
    with favour.favoured([int(OTHER)]):
        assert [(groups / pid).read_text() for pid in (OWN, OTHER)] == ["-15\n", "-15\n"]
    assert [(groups / pid).read_text() for pid in (OWN, OTHER)] == ["3\n", "-15\n"]


def test_what_cannot_be_favoured_is_told_and_leaves_us_as_we_were(groups: Path) -> None:
    (groups / OTHER).unlink()
    (groups / OTHER).mkdir()
    with pytest.raises(BenchFailed, match="needs root"), favour.favoured([int(OTHER)]):
        pass
    assert (groups / OWN).read_text() == "3\n"


def test_where_there_are_no_sessions_nobody_is_favoured(groups: Path) -> None:
    (groups / OWN).unlink()
    with pytest.raises(BenchFailed, match="autogroups"), favour.favoured([]):
        pass
