from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from rtms_node.antientropy import AntiEntropySchedule, AntiEntropyTimes

TIMES = AntiEntropyTimes(active_s=2.0, quiet_s=10.0, active_for_s=60.0)


def dues(schedule: AntiEntropySchedule, until: float, active_at: float) -> list[float]:
    found, now = [], 0.0
    while now < until:
        now += 0.25
        found += [now] * len(schedule.take_due(now, lambda video_id: active_at, 100))
    return found


def longest_wait(found: list[float]) -> float:
    return max(b - a for a, b in zip([0.0, *found], found, strict=False))


def test_an_active_video_is_checked_every_two_seconds() -> None:
    schedule = AntiEntropySchedule(TIMES)
    schedule.add("v1", 0.0)
    found = dues(schedule, 60.0, active_at=0.0)
    assert longest_wait(found) <= 2.25
    assert 26 <= len(found) <= 41


def test_a_quiet_video_is_checked_every_ten_seconds() -> None:
    schedule = AntiEntropySchedule(TIMES)
    schedule.add("v1", 0.0)
    found = dues(schedule, 100.0, active_at=-1000.0)
    assert longest_wait(found) <= 10.25
    assert len(found) <= 15


def test_a_quiet_video_that_wakes_up_is_checked_soon() -> None:
    schedule = AntiEntropySchedule(TIMES)
    schedule.add("v1", 0.0)
    assert schedule.take_due(2.0, lambda _: -1000.0, 100) == ["v1"]
    schedule.hasten("v1", 2.0)
    assert schedule.take_due(4.0, lambda _: 2.0, 100) == ["v1"]


def test_all_are_checked_often_while_zookeeper_is_away() -> None:
    schedule = AntiEntropySchedule(TIMES)
    schedule.add("v1", 0.0)
    assert schedule.take_due(2.0, lambda _: -1000.0, 100) == ["v1"]
    schedule.set_fast(True, 2.0)
    assert longest_wait(dues(schedule, 30.0, active_at=-1000.0)) <= 4.25


def test_a_video_that_left_is_not_checked() -> None:
    schedule = AntiEntropySchedule(TIMES)
    schedule.add("v1", 0.0)
    schedule.discard("v1")
    assert schedule.take_due(100.0, lambda _: 0.0, 100) == []
    assert len(schedule) == 0


def test_a_video_that_came_back_is_checked_once_per_interval() -> None:
    schedule = AntiEntropySchedule(TIMES)
    for _ in range(5):
        schedule.add("v1", 0.0)
        schedule.discard("v1")
    schedule.add("v1", 0.0)
    assert schedule.take_due(2.0, lambda _: 0.0, 100) == ["v1"]


def test_no_more_are_taken_at_once_than_asked_for_and_the_rest_stays_due() -> None:
    schedule = AntiEntropySchedule(TIMES)
    for number in range(5):
        schedule.add(f"v{number}", 0.0)
    taken = [schedule.take_due(2.0, lambda _: 0.0, 2) for _ in range(4)]
    assert [len(videos) for videos in taken] == [2, 2, 1, 0]
    assert len({video for videos in taken for video in videos}) == 5


def test_videos_that_become_active_together_are_due_together() -> None:
    schedule = AntiEntropySchedule(TIMES)
    for number in range(20):
        schedule.add(f"v{number}", 0.0)
    due = schedule.next_due
    assert due is not None
    assert len(schedule.take_due(due, lambda _: 0.0, 100)) == 20
    assert schedule.next_due == due + TIMES.active_s


def test_videos_that_join_later_are_asked_for_with_the_others() -> None:
    schedule = AntiEntropySchedule(TIMES)
    schedule.add("v1", 0.0)
    due = schedule.next_due
    assert due is not None
    schedule.take_due(due, lambda _: 0.0, 100)
    schedule.add("v2", due)
    assert schedule.take_due(due + TIMES.active_s, lambda _: 0.0, 100) == ["v1", "v2"]


def test_many_videos_that_come_at_once_are_spread() -> None:
    schedule = AntiEntropySchedule(TIMES, bunch_size=10)
    for number in range(400):
        schedule.add(f"v{number}", 0.0)
    sizes = []
    while (due := schedule.next_due) is not None and due <= TIMES.active_s / 2:
        sizes.append(len(schedule.take_due(due, lambda _: 0.0, 100)))
    assert max(sizes) <= 10
    assert 20 <= sum(sizes) <= 300


def test_nothing_is_due_without_videos() -> None:
    schedule = AntiEntropySchedule(TIMES)
    schedule.add("v1", 0.0)
    schedule.discard("v1")
    assert schedule.next_due is None


STEPS = st.lists(
    st.tuples(
        st.sampled_from(("add", "discard", "act", "act", "fast", "slow", "pass")),
        st.integers(0, 7),
        st.floats(0.0, 3.0),
    ),
    max_size=80,
)


@given(STEPS, st.integers(1, 4))
def test_no_video_waits_longer_than_its_interval(
    steps: list[tuple[str, int, float]], bunch_size: int
) -> None:
    schedule = AntiEntropySchedule(TIMES, bunch_size)
    now = 0.0
    active_at: dict[str, float] = {}
    must_be_checked_by: dict[str, float] = {}

    def let_pass(until: float) -> None:
        while (due := schedule.next_due) is not None and due <= until:
            for video_id in schedule.take_due(due, active_at.__getitem__, 2):
                assert due <= must_be_checked_by[video_id] + 1e-6
                active = schedule.fast or due - active_at[video_id] <= TIMES.active_for_s
                interval_s = TIMES.active_s if active else TIMES.quiet_s
                must_be_checked_by[video_id] = due + interval_s
        assert all(until <= by + 1e-6 for by in must_be_checked_by.values())

    def hurry(video_id: str) -> None:
        by = must_be_checked_by[video_id]
        must_be_checked_by[video_id] = min(by, now + TIMES.active_s)

    for step, number, passed_s in steps:
        video_id = f"v{number}"
        if step == "add" and video_id not in active_at:
            active_at[video_id] = now
            must_be_checked_by[video_id] = now + TIMES.active_s
            schedule.add(video_id, now)
        elif step == "discard" and video_id in active_at:
            del active_at[video_id], must_be_checked_by[video_id]
            schedule.discard(video_id)
        elif step == "act" and video_id in active_at:
            active_at[video_id] = now
            hurry(video_id)
            schedule.hasten(video_id, now)
        elif step in ("fast", "slow"):
            schedule.set_fast(step == "fast", now)
            if step == "fast":
                for watched in active_at:
                    hurry(watched)
        else:
            passed_s *= 40.0
        let_pass(now + passed_s)
        now += passed_s
        assert len(schedule) == len(active_at)
