from __future__ import annotations

import asyncio
import threading

from coordination.mailbox import SLICE, Mailbox


async def test_calls_of_many_threads_are_made_on_the_loop_each_threads_in_order() -> None:
    loop = asyncio.get_running_loop()
    box = Mailbox(loop.call_soon_threadsafe, loop.call_soon)
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
    wakes, again, made = [], [], []
    box = Mailbox(wakes.append, again.append)
    for number in range(SLICE + 1):
        box.post(made.append, number)
    assert len(wakes) == 1
    wakes[0]()
    assert (len(made), len(again)) == (SLICE, 1)
    again[0]()
    assert made == list(range(SLICE + 1))
    box.post(made.append, -1)
    assert len(wakes) == 2


def test_a_call_that_fails_does_not_stop_the_others() -> None:
    wakes, made = [], []
    box = Mailbox(wakes.append, wakes.append)
    box.post(lambda: 1 / 0)
    box.post(made.append, 1)
    wakes[0]()
    assert made == [1]


def test_nothing_is_kept_for_a_closed_loop() -> None:
    loop = asyncio.new_event_loop()
    loop.close()
    box = Mailbox(loop.call_soon_threadsafe, loop.call_soon)
    box.post(print)
    assert not box._calls
