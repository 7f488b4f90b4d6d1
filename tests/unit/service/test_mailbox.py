from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable

from service.mailbox import SLICE, Mailbox


class Loop:
    """Keeps what it is given; `turn` makes the calls of one turn."""

    def __init__(self) -> None:
        self.wakes = 0
        self.closed = False
        self._due: list[Callable[[], None]] = []

    def call_soon(self, callback: Callable[[], None]) -> None:
        self._due.append(callback)

    def call_soon_threadsafe(self, callback: Callable[[], None]) -> None:
        if self.closed:
            raise RuntimeError("closed")
        self.wakes += 1
        self._due.append(callback)

    def is_closed(self) -> bool:
        return self.closed

    def turn(self) -> None:
        due, self._due = self._due, []
        for callback in due:
            callback()


class ClosesMeanwhile(Loop):
    """Is closed between the question and the call."""

    def is_closed(self) -> bool:
        was_closed, self.closed = self.closed, True
        return was_closed


async def test_calls_of_many_threads_are_made_on_the_loop_each_threads_in_order() -> None:
    box = Mailbox(asyncio.get_running_loop())
    seen: list[tuple[int, int]] = []
    done = asyncio.Event()
    home = threading.get_ident()

    def note(thread: int, number: int) -> None:
        assert threading.get_ident() == home
        seen.append((thread, number))
        if len(seen) == 4 * 1_000:
            done.set()

    def post(thread: int) -> None:
        for number in range(1_000):
            box.post(note, thread, number)

    threads = [threading.Thread(target=post, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    await asyncio.wait_for(done.wait(), 10)
    for thread in threads:
        thread.join()
    for number in range(4):
        assert [count for thread, count in seen if thread == number] == list(range(1_000))


def test_many_calls_are_one_wake_up_and_one_slice_at_a_time() -> None:
    loop, made = Loop(), list[int]()
    box = Mailbox(loop)
    for number in range(SLICE + 1):
        box.post(made.append, number)
    assert loop.wakes == 1
    loop.turn()
    assert len(made) == SLICE
    loop.turn()
    assert made == list(range(SLICE + 1))
    assert loop.wakes == 1
    box.post(made.append, -1)
    assert loop.wakes == 2


def test_a_call_that_fails_does_not_stop_the_others() -> None:
    loop, made = Loop(), list[int]()
    box = Mailbox(loop)
    box.post(lambda: 1 / 0)  # type: ignore[arg-type]
    box.post(made.append, 1)
    loop.turn()
    assert made == [1]


def test_nothing_is_kept_for_a_closed_loop() -> None:
    loop = asyncio.new_event_loop()
    loop.close()
    box = Mailbox(loop)
    for _ in range(2):
        assert not box.post(print)
        assert not box._calls


def test_nothing_is_kept_for_a_loop_that_closes_while_it_is_called() -> None:
    box = Mailbox(ClosesMeanwhile())
    for _ in range(2):
        assert not box.post(print)
        assert not box._calls


def test_what_a_closed_loop_left_undone_is_dropped() -> None:
    loop = Loop()
    box = Mailbox(loop)
    assert box.post(print)
    loop.closed = True
    assert not box.post(print)
    assert not box._calls
