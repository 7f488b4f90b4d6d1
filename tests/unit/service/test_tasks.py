from __future__ import annotations

import asyncio

import pytest

from service.tasks import TaskHome


class Broken(Exception):
    pass


async def fail() -> None:
    raise Broken


async def test_a_task_that_dies_is_reported_with_its_error() -> None:
    home = TaskHome()
    home.spawn(fail(), "broken")
    error = await asyncio.wait_for(home.wait_failed(), 10)
    assert isinstance(error, Broken)
    await home.aclose()


async def test_a_task_that_ends_well_or_is_cancelled_is_no_failure() -> None:
    home = TaskHome()
    home.spawn(asyncio.sleep(0), "short")
    cancelled = home.spawn(asyncio.sleep(1_000), "long")
    cancelled.cancel()
    await asyncio.gather(cancelled, return_exceptions=True)
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(home.wait_failed(), 0.01)
    await home.aclose()


async def test_closing_cancels_every_task_and_waits_for_it() -> None:
    home = TaskHome()
    ended = []

    async def slow_to_end() -> None:
        try:
            await asyncio.sleep(1_000)
        finally:
            await asyncio.sleep(0.01)
            ended.append(1)

    for number in range(3):
        home.spawn(slow_to_end(), f"task {number}")
    await asyncio.sleep(0)
    await home.aclose()
    await home.aclose()
    assert ended == [1, 1, 1]


async def test_only_the_first_error_counts() -> None:
    home = TaskHome()
    home.fail(Broken("first"))
    home.fail(RuntimeError("second"))
    assert str(await home.wait_failed()) == "first"


async def test_a_task_is_not_forgotten_while_it_runs() -> None:
    home = TaskHome()
    task = home.spawn(asyncio.sleep(0), "named")
    assert task.get_name() == "named"
    await task
    await home.aclose()


async def test_closing_also_ends_what_a_task_begins_at_its_end() -> None:
    home, ended = TaskHome(), asyncio.Event()

    async def wait_for_ever(then: asyncio.Event) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            then.set()

    async def begin_another() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            home.spawn(wait_for_ever(ended), "another")
            await asyncio.sleep(0)  # it has begun

    home.spawn(begin_another(), "first")
    await asyncio.sleep(0)
    await home.aclose()
    assert ended.is_set()
