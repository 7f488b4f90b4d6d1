from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from service.outbox import Dropped, Outbox, OutboxLimits, Queued
from tests.unit.dispatcher.encoded import encoded
from wire.encoded_batch import EncodedBatch

LIMITS = OutboxLimits(
    max_bytes=2_000, max_batches=8, max_age_s=5.0, message_bytes=600, message_batches=3
)


class Drops:
    def __init__(self) -> None:
        self.batches: list[EncodedBatch] = []
        self.reasons: Counter[str] = Counter()

    def __call__(self, reason: Dropped, dropped: EncodedBatch) -> None:
        self.batches.append(dropped)
        self.reasons[reason] += 1


def seqs(items: list[Queued]) -> list[str]:
    return [item.encoded.request_id.removeprefix("request-") for item in items]


def filled(count: int, limits: OutboxLimits = LIMITS, size: int = 10) -> tuple[Outbox, Drops]:
    drops = Drops()
    outbox = Outbox(limits, drops)
    for seq in range(1, count + 1):
        outbox.put(Queued(encoded(seq, size=size), float(seq) / 100))
    return outbox, drops


def test_a_message_takes_the_oldest_up_to_its_number() -> None:
    outbox, _ = filled(5)
    assert seqs(outbox.take(1.0)) == ["1", "2", "3"]
    assert seqs(outbox.take(1.0)) == ["4", "5"]
    assert outbox.take(1.0) == []
    assert (len(outbox), outbox.size) == (0, 0)


def test_a_message_takes_no_more_than_its_bytes() -> None:
    outbox, _ = filled(3, size=200)
    assert seqs(outbox.take(1.0)) == ["1"]


def test_a_batch_over_the_bytes_of_a_message_travels_alone() -> None:
    outbox, _ = filled(1, size=1_000)
    outbox.put(Queued(encoded(2), 0.0))
    assert seqs(outbox.take(1.0)) == ["1"]


def test_a_full_queue_drops_the_oldest() -> None:
    outbox, drops = filled(10)
    assert drops.reasons == {"queue_full": 2}
    assert seqs(outbox.take(1.0)) == ["3", "4", "5"]


def test_a_queue_full_of_bytes_drops_the_oldest() -> None:
    outbox, drops = filled(8, size=500)
    assert outbox.size <= LIMITS.max_bytes
    assert drops.reasons["queue_full"] == 8 - len(outbox)


def test_what_has_waited_too_long_is_not_sent() -> None:
    outbox, drops = filled(3)
    assert seqs(outbox.take(5.025)) == ["3"]
    assert drops.reasons == {"late": 2}


def test_what_is_put_back_leaves_first_and_keeps_its_age() -> None:
    outbox, drops = filled(5)
    outbox.put_back(outbox.take(1.0))
    assert seqs(outbox.take(1.0)) == ["1", "2", "3"]
    outbox, drops = filled(5)
    outbox.put_back(outbox.take(1.0))
    assert outbox.take(6.0) == []
    assert drops.reasons == {"late": 5}


def test_what_is_put_back_into_a_full_queue_is_the_first_to_go() -> None:
    outbox, drops = filled(8)
    taken = outbox.take(1.0)
    for seq in range(9, 12):
        outbox.put(Queued(encoded(seq), 1.0))
    outbox.put_back(taken)
    assert seqs([Queued(one, 0) for one in drops.batches]) == ["1", "2", "3"]


def test_smaller_limits_drop_at_once() -> None:
    outbox, drops = filled(8)
    outbox.set_limits(OutboxLimits(max_batches=2))
    assert seqs(outbox.take(1.0)) == ["7", "8"]
    assert drops.reasons == {"queue_full": 6}


def test_the_queue_of_a_receiver_that_does_not_answer_is_small() -> None:
    small = OutboxLimits(max_bytes=8 * 1024 * 1024).small()
    assert small.max_bytes <= 512 * 1024
    assert small.max_batches <= 200


def test_everything_can_be_given_up() -> None:
    outbox, drops = filled(4)
    outbox.drop_all(Dropped.STOPPED)
    assert (len(outbox), outbox.size, drops.reasons) == (0, 0, {"stopped": 4})


def test_everything_can_be_taken_whatever_its_age() -> None:
    outbox, drops = filled(4)
    assert seqs(outbox.take_all()) == ["1", "2", "3", "4"]
    assert (len(outbox), outbox.size, drops.reasons) == (0, 0, {})


class OutboxModel(RuleBasedStateMachine):
    """Whatever is done, nothing vanishes unreported, order is kept, no bound is passed."""

    def __init__(self) -> None:
        super().__init__()
        self.drops = Drops()
        self.outbox = Outbox(LIMITS, self.drops)
        self.taken: list[Queued] = []
        self.sent: list[int] = []
        self.now = 0.0
        self.count = 0

    @rule(size=st.integers(0, 900))
    def put(self, size: int) -> None:
        self.count += 1
        self.outbox.put(Queued(encoded(self.count, size=size), self.now))

    @rule()
    def take(self) -> None:
        if not self.taken:
            self.taken = self.outbox.take(self.now)
            assert len(self.taken) <= LIMITS.message_batches
            total = sum(item.encoded.size for item in self.taken)
            assert total <= LIMITS.message_bytes or len(self.taken) == 1

    @rule()
    def succeed(self) -> None:
        self.sent += map(int, seqs(self.taken))
        self.taken = []

    @rule()
    def fail(self) -> None:
        self.outbox.put_back(self.taken)
        self.taken = []

    @rule(seconds=st.floats(0, 3))
    def wait(self, seconds: float) -> None:
        self.now += seconds

    @invariant()
    def nothing_vanishes_and_order_is_kept(self) -> None:
        accounted = len(self.sent) + len(self.taken) + len(self.outbox) + len(self.drops.batches)
        assert accounted == self.count
        assert self.sent == sorted(self.sent)

    @invariant()
    def bounds_hold(self) -> None:
        assert self.outbox.size <= LIMITS.max_bytes
        assert len(self.outbox) <= LIMITS.max_batches


TestOutboxModel = OutboxModel.TestCase


@given(st.lists(st.integers(0, 300), max_size=8))
def test_size_is_the_sum_of_what_is_queued(sizes: list[int]) -> None:
    outbox = Outbox(OutboxLimits(), Drops())
    batches = [encoded(seq, size=size) for seq, size in enumerate(sizes, 1)]
    for one in batches:
        outbox.put(Queued(one, 0.0))
    assert outbox.size == sum(one.size for one in batches)
