from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable

import pytest

from tests.support import eventually
from writer.sqlite.thread import SqliteThread


class Work:
    """A thread whose work waits for `gate`; `done` are the turns that were carried out."""

    def __init__(self, max_turn: int) -> None:
        self.gate, self.done = threading.Event(), list[list[str]]()
        self.thread: SqliteThread[str, str] = SqliteThread(
            "work", self._work, lambda: None, max_turn=max_turn
        )

    def _work(self, payloads: list[str], fill: Callable[[], None]) -> list[str]:
        assert self.gate.wait(20)
        fill()
        self.done.append(list(payloads))
        return payloads

    def submit(self, payload: str) -> asyncio.Task[str]:
        return asyncio.create_task(self.thread.submit(payload))


@pytest.mark.parametrize(("max_turn", "turns"), [(1, [["a"], ["c"]]), (9, [["a", "c"]])])
async def test_what_nobody_waits_for_any_more_is_left_out(
    max_turn: int, turns: list[list[str]]
) -> None:
    work = Work(max_turn)
    work.thread.start()
    begun = work.submit("a")
    await eventually(lambda: work.thread.queued == 0)
    dead, alive = work.submit("b"), work.submit("c")
    await eventually(lambda: work.thread.queued == 2)
    dead.cancel()
    await asyncio.wait([dead])
    work.gate.set()
    assert list(await asyncio.gather(begun, alive)) == ["a", "c"]
    await work.thread.stop()
    assert work.done == turns
