from __future__ import annotations

from collections import Counter

import msgspec
import pytest
from pubsub.outbox import Outbox

from pubsub import outbox
from pubsub.messages import MAX_MESSAGE_BYTES
from wire.internal import Batch
from wire.testing import MemoryComments


class Fixture:
    def __init__(self) -> None:
        self.now = 0.0
        self.dropped: Counter[str] = Counter()
        self.outbox = Outbox(lambda: self.now, self.drop)
        self.store = MemoryComments()

    def drop(self, reason: str, count: int) -> None:
        self.dropped[reason] += count

    def push(self, count: int = 1) -> None:
        for _ in range(count):
            self.outbox.push(self.store.post("v1"))

    def take(self) -> list[int]:
        return [queued.batch.first_seq for queued in self.outbox.take()]


@pytest.fixture
def box() -> Fixture:
    return Fixture()


def test_batches_are_taken_in_order(box: Fixture) -> None:
    box.push(3)
    assert box.take() == [1, 2, 3]
    assert box.take() == []


def test_what_was_not_published_comes_first_again(box: Fixture) -> None:
    box.push(2)
    taken = box.outbox.take()
    box.push()
    box.outbox.put_back(taken)
    assert box.take() == [1, 2, 3]
    assert not box.dropped


def test_of_too_many_the_oldest_go_and_are_counted(
    box: Fixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outbox, "MAX_QUEUED", 3)
    box.push(5)
    assert box.dropped == {"queue_full": 2}
    assert box.take() == [3, 4, 5]


def test_of_too_many_bytes_the_oldest_go(box: Fixture, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outbox, "MAX_QUEUED_BYTES", 1000)
    box.push(5)
    assert box.dropped["queue_full"] == 5 - len(box.outbox)
    assert len(box.outbox) == 2


def test_what_is_put_back_into_a_full_queue_goes_first(
    box: Fixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outbox, "MAX_QUEUED", 2)
    box.push(2)
    taken = box.outbox.take()
    box.push(2)
    box.outbox.put_back(taken)
    assert box.dropped == {"queue_full": 2}
    assert box.take() == [3, 4]


def test_what_waited_too_long_is_left_to_antientropy(box: Fixture) -> None:
    box.push()
    box.now = outbox.MAX_AGE_S + 0.1
    box.push()
    assert box.take() == [2]
    assert box.dropped == {"late": 1}


def test_one_write_is_bounded_but_one_batch_always_fits(
    box: Fixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outbox, "MAX_TAKEN_BYTES", 900)
    box.push(4)
    assert box.take() == [1, 2]
    monkeypatch.setattr(outbox, "MAX_TAKEN_BYTES", 1)
    assert box.take() == [3]
    assert box.take() == [4]


def test_a_batch_that_no_message_can_hold_is_refused(box: Fixture) -> None:
    raw = msgspec.Raw(b'"' + b"x" * MAX_MESSAGE_BYTES + b'"')
    box.outbox.push(Batch("v1", "testepoch001", 1, (raw,)))
    assert box.dropped == {"too_large": 1}
    assert len(box.outbox) == 0


def test_everything_can_be_let_go(box: Fixture) -> None:
    box.push(3)
    box.outbox.drop_all("stopped")
    assert box.dropped == {"stopped": 3}
    assert box.take() == []
