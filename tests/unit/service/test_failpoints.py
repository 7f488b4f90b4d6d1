"""Failpoints: nothing unless armed, and then exactly once."""

from __future__ import annotations

import signal
import subprocess
import sys

import pytest

from service import failpoints
from service.failpoints import Armed, Failpoint, parse_failpoints, reach

AFTER = Failpoint.WRITER_AFTER_COMMIT


def test_what_the_variable_may_say() -> None:
    assert parse_failpoints("") == ()
    assert parse_failpoints("writer.after_commit:kill, node.in_round:pause@7") == (
        Armed(AFTER, "kill", 1),
        Armed(Failpoint.NODE_IN_ROUND, "pause", 7),
    )


@pytest.mark.parametrize(
    "text",
    ["writer.after_commit", "nowhere:kill", "writer.after_commit:wait", "node.in_round:kill@0"],
)
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is no"):
        parse_failpoints(text)


def test_reaching_one_that_is_not_armed_does_nothing() -> None:
    reach(AFTER)
    failpoints.arm([Armed(Failpoint.NODE_IN_ROUND, "kill")])
    try:
        reach(AFTER)
    finally:
        failpoints.arm([])
    reach(Failpoint.NODE_IN_ROUND)


def test_a_process_ends_exactly_at_the_count() -> None:
    program = (
        "from service.failpoints import *\n"
        "arm([Armed(Failpoint.WRITER_AFTER_COMMIT, 'kill', 3)])\n"
        "while True:\n"
        "    print('before', flush=True)\n"
        "    reach(Failpoint.WRITER_AFTER_COMMIT)\n"
    )
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, timeout=60)
    assert ended.returncode == -signal.SIGKILL
    assert ended.stdout.split() == [b"before"] * 3
