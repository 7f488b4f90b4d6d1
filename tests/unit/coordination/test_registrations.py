from __future__ import annotations

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from coordination.registrations import Held, Registrations
from tests.support import examples


def test_a_wanted_video_is_taken_once_and_then_held() -> None:
    table = Registrations()
    table.want("v", True)
    assert table.take(10) == (["v"], True)
    assert table.take(10) == ([], True)
    assert table.pending == 1
    table.done("v", Held.YES)
    assert (table.registered, table.pending, table.take(10)) == (1, 0, ([], True))


def test_what_is_wanted_twice_is_done_once() -> None:
    table = Registrations()
    table.want("v", True)
    table.want("v", True)
    assert table.take(10) == (["v"], True)


def test_a_wish_taken_back_before_anything_was_done_leaves_nothing() -> None:
    table = Registrations()
    table.want("v", True)
    table.want("v", False)
    assert (table.pending, table.take(10)) == (0, ([], True))


def test_a_wish_that_changes_while_the_video_is_taken_counts_afterwards() -> None:
    table = Registrations()
    table.want("v", True)
    table.take(1)
    table.want("v", False)
    table.done("v", Held.YES)
    assert table.take(1) == (["v"], False)
    table.want("v", True)
    table.done("v", Held.NO)
    assert table.take(1) == (["v"], True)


def test_an_unknown_outcome_is_looked_at_again() -> None:
    table = Registrations()
    table.want("v", True)
    table.take(1)
    table.done("v", Held.UNKNOWN)
    assert table.take(1) == (["v"], True)


def test_a_batch_is_of_one_kind() -> None:
    table = Registrations()
    for video_id in ("a", "b"):
        table.want(video_id, True)
    table.take(2)
    for video_id in ("a", "b"):
        table.done(video_id, Held.YES)
    table.want("a", False)
    table.want("c", True)
    table.want("b", False)
    assert table.take(10) == (["a", "b"], False)
    assert table.take(10) == (["c"], True)


def test_a_new_session_makes_everything_wanted_due_again() -> None:
    table = Registrations()
    for video_id in ("a", "b"):
        table.want(video_id, True)
    table.take(2)
    table.done("a", Held.YES)
    table.done("b", Held.YES)
    table.want("b", False)
    table.new_session()
    assert (table.registered, table.take(10)) == (0, (["a"], True))


def test_a_reply_from_the_old_session_counts_for_nothing() -> None:
    table = Registrations()
    table.want("v", True)
    table.take(1)
    table.new_session()
    table.done("v", Held.YES)
    assert (table.registered, table.take(1)) == (0, (["v"], True))


def test_what_was_put_off_waits() -> None:
    table = Registrations()
    table.want("v", True)
    table.take(1)
    table.put_off("v")
    assert (table.take(1), table.pending) == (([], True), 1)
    table.retry_put_off()
    assert table.take(1) == (["v"], True)


def test_what_was_put_off_and_is_no_longer_wanted_is_looked_at_once_more() -> None:
    table = Registrations()
    table.want("v", True)
    table.take(1)
    table.put_off("v")
    table.want("v", False)
    assert table.take(1) == (["v"], False)
    table.done("v", Held.NO)
    assert table.pending == 0


def test_a_lost_registration_is_due_again() -> None:
    table = Registrations()
    table.want("v", True)
    table.take(1)
    table.done("v", Held.YES)
    assert table.held() == ["v"]
    assert table.lost(["v", "other"]) == 1
    assert (table.lost(["v"]), table.take(1)) == (0, (["v"], True))


class Model(RuleBasedStateMachine):
    """Wishes, replies, losses and sessions in any order; in the end ZooKeeper is as wanted."""

    videos = st.sampled_from(["a", "b", "c"])

    def __init__(self) -> None:
        super().__init__()
        self.table = Registrations()
        self.wanted: set[str] = set()
        self.there: set[str] = set()
        self.taken: list[tuple[str, bool]] = []

    @rule(video=videos, wanted=st.booleans())
    def want(self, video: str, wanted: bool) -> None:
        self.table.want(video, wanted)
        (self.wanted.add if wanted else self.wanted.discard)(video)

    @rule(limit=st.integers(1, 3))
    def take(self, limit: int) -> None:
        videos, wanted = self.table.take(limit)
        assert not {video for video, _ in self.taken} & set(videos)
        self.taken += [(video, wanted) for video in videos]

    @rule(how=st.sampled_from(["done", "reply lost", "not done", "put off"]))
    def give_back(self, how: str) -> None:
        if not self.taken:
            return
        video, wanted = self.taken.pop(0)
        if how in ("done", "reply lost"):
            (self.there.add if wanted else self.there.discard)(video)
        if how == "done":
            self.table.done(video, Held.YES if wanted else Held.NO)
        elif how == "put off":
            self.table.put_off(video)
        else:
            self.table.done(video, Held.UNKNOWN)

    @rule()
    def session_expires(self) -> None:
        self.there.clear()
        self.table.new_session()

    @rule(video=videos)
    def operator_removes(self, video: str) -> None:
        self.there.discard(video)

    @invariant()
    def counts_are_sane(self) -> None:
        assert 0 <= self.table.registered <= 3
        assert len(self.taken) <= self.table.pending

    def teardown(self) -> None:
        while self.taken:
            self.give_back("done")
        self.table.lost(set(self.table.held()) - self.there)
        self.table.retry_put_off()
        for _ in range(10):
            self.take(3)
            while self.taken:
                self.give_back("done")
        assert (self.table.pending, self.there) == (0, self.wanted)
        assert self.table.registered == len(self.wanted)


TestModel = Model.TestCase
TestModel.settings = settings(max_examples=examples(150), stateful_step_count=40, deadline=None)
