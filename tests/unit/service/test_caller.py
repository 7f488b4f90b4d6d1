from __future__ import annotations

import asyncio
from contextlib import nullcontext

import pytest

from service.caller import Caller, caller, in_queue
from tests.support import eventually


class Request:
    """One that waits, in a queue or not, until `gate` is set."""

    def __init__(self, *, queued: bool, ended: bool = False) -> None:
        self._queued, self._ended = queued, ended
        self.gate, self.caller = asyncio.Event(), None
        self.task = asyncio.create_task(self._handle())

    caller: Caller | None

    async def _handle(self) -> str:
        self.caller = current = Caller()
        caller.set(current)
        if self._ended:
            current.ended_its_side()
        with in_queue() if self._queued else nullcontext():
            await self.gate.wait()
        return "reply"

    async def begun(self) -> Caller:
        await eventually(lambda: self.caller)
        assert self.caller is not None
        return self.caller


@pytest.mark.parametrize("queued", [True, False])
async def test_a_request_whose_caller_has_gone_is_given_up(queued: bool) -> None:
    request = Request(queued=queued)
    (await request.begun()).gone()
    with pytest.raises(asyncio.CancelledError):
        await request.task


@pytest.mark.parametrize("ended", [True, False])
async def test_who_ended_its_side_is_not_waited_for_in_a_queue(ended: bool) -> None:
    request = Request(queued=True, ended=ended)
    (await request.begun()).ended_its_side()
    with pytest.raises(asyncio.CancelledError):
        await request.task


@pytest.mark.parametrize("ended", [True, False])
async def test_who_ended_its_side_is_answered_where_there_is_no_queue(ended: bool) -> None:
    request = Request(queued=False, ended=ended)
    (await request.begun()).ended_its_side()
    request.gate.set()
    assert await request.task == "reply"


async def test_a_request_without_a_caller_may_wait() -> None:
    with in_queue():
        await asyncio.sleep(0)
