from __future__ import annotations

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
