"""The page has what the program that follows it looks for, and shells can read its blocks."""

from __future__ import annotations

import subprocess

import pytest

from tests.hosts.debian.page import VERSION, read_blocks

_NO_SHELL = "Cassandra"  # lines of a configuration
BLOCKS = {
    "The programs": 1, "ZooKeeper": 1, "Cassandra": 1, "Certificates and keys": 2, "Settings": 1,
    "The gateway": 1, "Start": 3, "Another version": 2,
}  # fmt: skip


def test_each_step_has_its_blocks() -> None:
    assert {name: len(blocks) for name, blocks in read_blocks("/srv/x").items()} == BLOCKS


@pytest.mark.parametrize("name", sorted(BLOCKS.keys() - {_NO_SHELL}))
def test_a_shell_reads_them(name: str) -> None:
    for block in read_blocks("/srv/x")[name]:
        said = block.replace(VERSION, "1")
        done = subprocess.run(["bash", "-n"], input=said, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr


def test_the_place_of_the_repository_is_filled_in() -> None:
    assert "git clone /srv/x /opt/livecomments" in read_blocks("/srv/x")["The programs"][0]
