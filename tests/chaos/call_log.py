"""Which node was called for which video, from what the nodes print at level debug."""

from __future__ import annotations

import datetime as dt
import json
import threading
import time
from dataclasses import replace

from cluster.cluster import Cluster
from cluster.parts import Kind
from tests.chaos.history import Forward

# A clock that is so far off was bent by a test (T65); then it counts when the line was read.
_SKEWED_S = 60.0


class CallLog:
    """`with CallLog(cluster) as log:` follows the nodes' logs; `forwards` grows. A cluster whose
    nodes do not print at level debug has none, and then P6 counts as not judged.
    """

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._over = False
        self._thread = threading.Thread(target=self._follow, name="call log", daemon=True)
        # Logs carry wall clock, the history does not.
        self._offset_s = time.monotonic() - time.time()
        self.forwards: list[Forward] = []

    def __enter__(self) -> CallLog:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over = True  # the thread ends with the next line, or with the process

    def _follow(self) -> None:
        nodes = [part.name for part in self._cluster.parts if part.kind is Kind.NODE]
        for name, line in self._cluster.runtime.follow_logs(nodes, lines=0):
            if self._over:
                return
            self._take(name, line)

    def _take(self, name: str, line: str) -> None:
        call = read_call(name, line, self._offset_s)
        if call is not None:
            if abs(call.at - time.monotonic()) > _SKEWED_S:
                call = replace(call, at=time.monotonic())
            self.forwards.append(call)


def read_call(node: str, line: str, offset_s: float) -> Forward | None:
    """What a line of a node's log tells, None if it is about something else. offset_s: what the
    history's clock is ahead of the log's.
    """
    if '"forwarded"' not in line:
        return None
    try:
        told = json.loads(line)
        at = dt.datetime.fromisoformat(told["timestamp"]).timestamp() + offset_s
        return Forward(at, node, told["video_id"], told["last_seq"])
    except (ValueError, KeyError, TypeError):
        return None  # it was cut off when its process was killed
