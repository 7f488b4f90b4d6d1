"""Failpoints: named places between two steps, where a test may end or stop this process.

Invariants: all of them are named here. Without `FAILPOINT` nothing is armed and reaching one costs
one read of an empty dict; only the process's own start arms them. A signal is sent to the
process itself, so what follows the place does not happen (kill) or happens when somebody lets it go
on.

`FAILPOINT=writer.after_commit:kill@50,node.in_round:pause`: the 50th time, and the first time.
"""

from __future__ import annotations

import os
import re
import signal
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

_ACTIONS = {"kill": signal.SIGKILL, "pause": signal.SIGSTOP}
_TEXT = re.compile(r"(?P<point>[a-z_.]+):(?P<action>[a-z]+)(?:@(?P<count>[1-9][0-9]{0,8}))?")


class Failpoint(StrEnum):
    """The places."""

    WRITER_BEFORE_COMMIT = "writer.before_commit"  # a group is about to go to the store
    WRITER_IN_COMMIT = "writer.in_commit"  # its rows are written or sent, outcome unknown
    WRITER_AT_EDGE = "writer.at_edge"  # Cassandra: the first part of a group that was cut is stored
    WRITER_REDACTED = "writer.redacted"  # Cassandra: hidden, or shown; its notice has no number yet
    WRITER_RULED = "writer.ruled"  # Cassandra: the rule is stored; its entry has no number yet
    WRITER_DECIDED = "writer.decided"  # a held comment is approved, and not posted yet
    WRITER_AFTER_COMMIT = "writer.after_commit"  # stored; nobody has been told
    WRITER_BEFORE_REPLY = "writer.before_reply"  # queued for the dispatcher, the client waits
    DISPATCHER_BEFORE_FORWARD = "dispatcher.before_forward"  # batches taken, nothing sent on
    DISPATCHER_AFTER_FORWARD = "dispatcher.after_forward"  # one node has it, others may not
    NODE_BEFORE_APPEND = "node.before_append"  # a forward came, the ring is as before
    NODE_IN_ROUND = "node.in_round"  # some viewers have been written to, others not


@dataclass(frozen=True, slots=True)
class Armed:
    """What happens at a failpoint, the `count`-th time it is reached."""

    point: Failpoint
    action: str
    count: int = 1


def parse_failpoints(text: str) -> tuple[Armed, ...]:
    """What the variable says. Raises ValueError with the first thing that is wrong."""
    found = []
    for word in filter(None, (word.strip() for word in text.split(","))):
        match = _TEXT.fullmatch(word)
        if match is None or match["action"] not in _ACTIONS:
            raise ValueError(f"{word} is not point:{'|'.join(_ACTIONS)}[@count]")
        if match["point"] not in set(Failpoint):
            raise ValueError(f"{match['point']} is none of {', '.join(Failpoint)}")
        found.append(Armed(Failpoint(match["point"]), match["action"], int(match["count"] or 1)))
    return tuple(found)


def arm(wanted: Sequence[Armed]) -> None:
    """Arm these and no others, counting from now."""
    with _lock:
        _armed.clear()
        _armed.update({one.point: one for one in wanted})
        _reached.clear()


def reach(point: Failpoint) -> None:
    """This process is at that place now."""
    if _armed:
        _reach(point)


_armed: dict[Failpoint, Armed] = {}
_reached: dict[Failpoint, int] = {}
_lock = threading.Lock()  # a store commits on a thread of its own


def _reach(point: Failpoint) -> None:
    with _lock:
        armed = _armed.get(point)
        count = _reached[point] = _reached.get(point, 0) + 1
    if armed is not None and count == armed.count:
        os.kill(os.getpid(), _ACTIONS[armed.action])
