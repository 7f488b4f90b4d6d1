"""A peer of the store on Cassandra: the driver alone, one plain INSERT for each comment, as the
store sets the driver up. No order, no numbers that are sure, no keys.
"""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Sequence
from typing import Any

from cassandra.cluster import Session
from cassandra.query import PreparedStatement

from bench.cassandra_writer import COMMENT, KEYSPACE, Appends, config_of
from bench.child import BenchFailed, carry_out_all, cpu_s
from service.collector import collect_rarely
from wire.comment import encode_comment
from writer.cassandra.config import Endpoint
from writer.cassandra.driver import READ, new_cluster

_WITHIN_S = 30.0
_TABLE = f"""\
CREATE TABLE IF NOT EXISTS {KEYSPACE}.plain (
    video_id text, bucket bigint, seq bigint, comment blob, PRIMARY KEY ((video_id, bucket), seq))
"""
_INSERT = f"INSERT INTO {KEYSPACE}.plain (video_id, bucket, seq, comment) VALUES (?, ?, ?, ?)"


class PlainInserts:
    """Handlers of the process."""

    def __init__(self) -> None:
        self._numbers = itertools.count(1)
        self._session: Session | None = None
        self._insert: PreparedStatement | None = None

    def open(self, servers: Sequence[Endpoint]) -> None:
        """Make the table; the keyspace must be there."""
        self._session = new_cluster(config_of(servers)).connect()
        self._session.execute(_TABLE)
        self._insert = self._session.prepare(_INSERT)

    def insert(self, at_once: int, for_s: float) -> Appends:
        """So many under way, each followed by the next as soon as it is answered. Raises
        BenchFailed if one fails.
        """
        run = _Run(self._send, at_once, for_s)
        before = cpu_s()
        took_s = run.wait()
        return Appends.of(run.times_s, 0, took_s, cpu_s() - before)

    def _send(self) -> Any:
        assert self._session is not None
        assert self._insert is not None
        number = next(self._numbers)
        comment = encode_comment("testepoch001", "plain", number, COMMENT, "2026-01-01T00:00:00Z")
        values = ("plain", number // 20_000, number, comment)
        bound = self._insert.bind(values)
        return self._session.execute_async(bound, execution_profile=READ, timeout=_WITHIN_S)


class _Run:
    """The driver calls back on its own thread; only the first ones are sent from another."""

    def __init__(self, send: Any, at_once: int, for_s: float) -> None:
        self.times_s: list[float] = []
        self._send = send
        self._began = time.monotonic()
        self._end = self._began + for_s
        self._ended = threading.Semaphore(
            0
        )  # one permit for each of `at_once` that goes no further
        self._at_once = at_once
        self._error: Exception | None = None
        for _ in range(at_once):
            self._next()

    def wait(self) -> float:
        """Seconds until the last answer. Raises BenchFailed."""
        for _ in range(self._at_once):
            if not self._ended.acquire(timeout=_WITHIN_S):
                raise BenchFailed("an INSERT was not answered")
        if self._error is not None:
            raise BenchFailed(f"an INSERT failed: {self._error}")
        return time.monotonic() - self._began

    def _next(self) -> None:
        sent_at = time.monotonic()
        if sent_at >= self._end or self._error is not None:
            self._ended.release()
            return
        self._send().add_callbacks(self._done, self._failed, (sent_at,))

    def _done(self, _rows: Any, sent_at: float) -> None:
        self.times_s.append(time.monotonic() - sent_at)
        self._next()

    def _failed(self, error: Exception) -> None:
        self._error = error
        self._ended.release()


def run(pipe: Any) -> None:
    """The process."""
    collect_rarely()  # as a writer
    inserts = PlainInserts()
    carry_out_all(pipe, {"open": inserts.open, "insert": inserts.insert})
