from __future__ import annotations

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from service.link.flight import Flight
from service.outbox import Queued
from tests.unit.dispatcher.encoded import encoded
from wire.errors import BadRequest
from wire.link import Ack


def queued(seq: int) -> Queued:
    return Queued(encoded(seq), 0.0)


def flying(*sizes: int) -> Flight:
    """One frame of each size; frame n holds batch n and was sent at second n."""
    flight = Flight()
    for number, size in enumerate(sizes, 1):
        flight.add([queued(number)], size, float(number))
    return flight


def numbers(items: list[Queued]) -> list[str]:
    return [item.encoded.request_id for item in items]


def test_acknowledgements_are_cumulative() -> None:
    flight = flying(10, 20, 30)
    assert (flight.size, flight.batches, flight.oldest_at) == (60, 3, 1.0)
    assert [frame.number for frame in flight.acknowledge(Ack(2))] == [1, 2]
    assert (flight.size, flight.batches, flight.oldest_at) == (30, 1, 3.0)
    assert flight.acknowledge(Ack(2)) == []
    assert [frame.number for frame in flight.acknowledge(Ack(3, refused=(3,)))] == [3]
    assert (flight.size, flight.batches, flight.oldest_at, len(flight)) == (0, 0, None, 0)


@pytest.mark.parametrize(
    "ack", [Ack(4), Ack(0), Ack(2, refused=(3,)), Ack(2, refused=(1,)), Ack(1, refused=(1,))]
)
def test_an_acknowledgement_that_cannot_be_true_changes_nothing(ack: Ack) -> None:
    flight = flying(10, 20, 30)
    flight.acknowledge(Ack(1))
    with pytest.raises(BadRequest):
        flight.acknowledge(ack)
    assert numbers(flight.take_all()) == ["request-2", "request-3"]
    assert flight.size == 0


class FlightModel(RuleBasedStateMachine):
    """What is sent is acknowledged or taken back, each once and in order."""

    def __init__(self) -> None:
        super().__init__()
        self.flight = Flight()
        self.sizes: list[int] = []  # of all frames ever sent
        self.acked = 0

    @rule(size=st.integers(1, 1_000), count=st.integers(1, 3))
    def send(self, size: int, count: int) -> None:
        self.sizes.append(size)
        self.flight.add([queued(len(self.sizes))] * count, size, 0.0)

    @rule(data=st.data())
    def acknowledge(self, data: st.DataObject) -> None:
        taken = data.draw(st.integers(self.acked, len(self.sizes)))
        frames = self.flight.acknowledge(Ack(taken))
        assert [frame.number for frame in frames] == list(range(self.acked + 1, taken + 1))
        self.acked = taken

    @precondition(lambda self: self.sizes)
    @rule(more=st.integers(1, 5))
    def lie(self, more: int) -> None:
        with pytest.raises(BadRequest):
            self.flight.acknowledge(Ack(len(self.sizes) + more))

    @invariant()
    def size_is_what_flies(self) -> None:
        assert self.flight.size == sum(self.sizes[self.acked :])
        assert len(self.flight) == len(self.sizes) - self.acked


TestFlightModel = FlightModel.TestCase
