"""Requests to a client that answers when the test says so."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from kazoo.exceptions import ConnectionLoss, NoNodeError

from coordination.errors import NoNode, NotSent, OutcomeUnknown, Refused
from coordination.requests_in_flight import MAX_IN_FLIGHT, RequestsInFlight
from coordination.watchdog import Sent


class Result:
    """As kazoo's IAsyncResult when it is done."""

    def __init__(self, value: Any = None, exception: Exception | None = None) -> None:
        self.value, self.exception = value, exception

    def successful(self) -> bool:
        return self.exception is None


class Client:
    """`waiting`: what was asked and not answered, the oldest first."""

    def __init__(self) -> None:
        self.waiting: list[tuple[Any, Callable[[Any], None]]] = []

    def carry_out(self, request: Any, on_result: Callable[[Any], None]) -> None:
        if isinstance(request, Exception):
            raise request
        self.waiting.append((request, on_result))

    def answer(self, result: Result) -> Any:
        request, on_result = self.waiting.pop(0)
        on_result(result)
        return request


class Bench:
    """Requests in flight over `client`, which is None while there is no connection."""

    def __init__(self) -> None:
        self.now = 0.0
        self.client: Client | None = Client()
        self.requests = RequestsInFlight(lambda: self.client, clock=lambda: self.now)

    async def send(self, request: Any = "a") -> asyncio.Task[Any]:
        task = asyncio.create_task(self.requests.carry_out(request))
        await asyncio.sleep(0)
        return task


async def test_a_reply_is_the_value_and_nothing_is_left() -> None:
    bench = Bench()
    asked = await bench.send("what")
    assert (len(bench.requests), bench.client and bench.client.answer(Result("this"))) == (
        1,
        "what",
    )
    assert await asked == "this"
    assert (len(bench.requests), bench.requests.oldest) == (0, None)


@pytest.mark.parametrize(
    ("theirs", "ours"),
    [(NoNodeError(), NoNode), (ConnectionLoss(), OutcomeUnknown), (ValueError("odd"), Refused)],
)
async def test_an_error_is_one_of_ours(theirs: Exception, ours: type[Exception]) -> None:
    bench = Bench()
    asked = await bench.send()
    assert bench.client is not None
    bench.client.answer(Result(exception=theirs))
    with pytest.raises(ours):
        await asked


async def test_a_request_that_cannot_be_begun_is_refused_and_takes_no_turn() -> None:
    bench = Bench()
    for _ in range(MAX_IN_FLIGHT + 1):
        with pytest.raises(Refused, match="not today"):
            await bench.requests.carry_out(ValueError("not today"))
    assert len(bench.requests) == 0


async def test_without_a_connection_nothing_is_sent() -> None:
    bench = Bench()
    bench.client = None
    with pytest.raises(NotSent):
        await bench.requests.carry_out("a")


async def test_requests_beyond_the_bound_wait_for_their_turn() -> None:
    bench, client = Bench(), Client()
    bench.client = client
    asked = [await bench.send(number) for number in range(MAX_IN_FLIGHT + 2)]
    assert (len(bench.requests), len(client.waiting)) == (MAX_IN_FLIGHT, MAX_IN_FLIGHT)
    client.answer(Result())
    await asked[0]
    await asyncio.sleep(0)
    assert client.waiting[-1][0] == MAX_IN_FLIGHT
    bench.client = None  # one that waits when the connection goes was not sent
    bench.requests.connection_lost()
    ends = await asyncio.gather(*asked[1:], return_exceptions=True)
    assert {type(end) for end in ends[:-1]} == {OutcomeUnknown}
    assert type(ends[-1]) is NotSent


async def test_a_reply_that_comes_after_its_connection_is_ignored() -> None:
    bench, client = Bench(), Client()
    bench.client = client
    asked = await bench.send()
    bench.requests.connection_lost()
    client.answer(Result("too late"))
    with pytest.raises(OutcomeUnknown):
        await asked


async def test_the_oldest_is_the_one_that_was_sent_first_of_those_left() -> None:
    bench, client = Bench(), Client()
    bench.client = client
    bench.now = 1.0
    first = await bench.send()
    bench.now = 2.0
    second = await bench.send()
    assert bench.requests.oldest == Sent(0, 1.0)
    client.answer(Result())
    await first
    assert bench.requests.oldest == Sent(1, 2.0)
    second.cancel()
    await asyncio.wait([second])
    assert bench.requests.oldest is None
