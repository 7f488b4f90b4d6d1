"""Which node was called for which video, from what the nodes print at level debug."""

from __future__ import annotations

import datetime as dt
import json
import threading
import time

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
            if '"forwarded"' in line:
                self._take(name, line)

    def _take(self, name: str, line: str) -> None:
        try:
            told = json.loads(line)
            at = dt.datetime.fromisoformat(told["timestamp"]).timestamp() + self._offset_s
            if abs(at - time.monotonic()) > _SKEWED_S:
                at = time.monotonic()
            self.forwards.append(Forward(at, name, told["video_id"], told["last_seq"]))
        except (ValueError, KeyError, TypeError):
            return  # a line that was cut off when its process was killed
