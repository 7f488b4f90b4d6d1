"""The judge itself (T72): each planted fault is found, and by its name."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.chaos.floor import Floor
from tests.chaos.history import (
    Call,
    Event,
    Forward,
    History,
    Outcome,
    Post,
    Refusal,
    Stream,
    Trouble,
    Watch,
)
from tests.chaos.judge import judge
from tests.chaos.judge_times import felt_s

EPOCH = "testepoch001"
LIGHT = Floor(comments=0.5, viewers_per_node=2, deliveries=(1, 100))


def comment(seq: int, text: str = "") -> dict[str, Any]:
    return {
        "id": f"{EPOCH}-{seq}",
        "video_id": "v1",
        "seq": seq,
        "author": "ann",
        "text": text or f"text {seq}",
        "created_at": "2026-01-01T00:00:00.000Z",
    }


def shown(told: dict[str, Any]) -> Event:
    return Event("comment", told["id"], told)


def hello(start: int, head: int | None = None) -> Event:
    data = {"video_id": "v1", "node_id": "node-1", "epoch": EPOCH}
    data["head"] = f"{EPOCH}-{start if head is None else head}"
    return Event("hello", f"{EPOCH}-{start}", data)


def gap(first: int, last: int, reason: str = "limit") -> Event:
    return Event("gap", f"{EPOCH}-{last}", {"from": first, "to": last, "reason": reason})


def ack(seq: int, at: float, status: int = 201) -> Call:
    return Call(at - 0.1, at, 4.0, Outcome.ACKED, status, comment(seq))


def screen(*events: tuple[float, Event]) -> Watch:
    watch = Watch("v1", "viewer 1", streams=[Stream(0.2, "node-1")])
    for at, event in events:
        watch.add(at, event)
    return watch


def sound(count: int = 5) -> History:
    """A history in which every promise held: one comment a second, seen by two viewers."""
    stored = [comment(seq) for seq in range(1, count + 1)]
    history = History(stored={"v1": stored}, ended_at=count + 1.0)
    events = {told["seq"]: shown(told) for told in stored}
    for told in stored:
        seq = told["seq"]
        history.posts.append(Post("v1", f"key-{seq}", "ann", told["text"], [ack(seq, seq)]))
        history.forwards.append(Forward(seq, "node-1", "v1", seq))
    for _ in range(2):
        greeted = (0.3, hello(0))
        history.watches.append(screen(greeted, *((s + 0.1, event) for s, event in events.items())))
    return history


def broken(history: History) -> set[str]:
    return {line.split()[0] for line in judge(history).broken}


def first_line(history: History) -> str:
    return judge(history).broken[0]


def test_a_sound_history_passes_and_every_promise_was_looked_at() -> None:
    verdict = judge(sound(), LIGHT)
    assert verdict.broken == []
    assert verdict.void == ()
    assert verdict.good
    assert verdict.text().count(" held ") == 8


def test_a_lost_comment_is_found() -> None:
    history = sound()
    del history.watches[0].events[3], history.watches[0].times[3]
    assert broken(history) == {"P4"}
    assert "after 2 lost, then comment" in first_line(history)


def test_the_loss_of_the_last_comment_is_found() -> None:
    history = sound()
    del history.watches[0].events[-1], history.watches[0].times[-1]
    assert broken(history) == {"P4"}
    assert "lost the end" in first_line(history)


def test_who_left_has_lost_nothing() -> None:
    history = sound()
    del history.watches[0].events[-1], history.watches[0].times[-1]
    history.watches[0].left_at = 4.5
    assert judge(history).broken == []


def test_a_repeat_is_found() -> None:
    history = sound()
    watch = history.watches[0]
    watch.events.insert(3, watch.events[2])
    watch.times.insert(3, watch.times[2])
    assert broken(history) == {"P4"}
    assert "after 2 repeated" in first_line(history)


def test_a_swap_is_found_on_the_screen_and_against_the_others() -> None:
    history = sound()
    watch = history.watches[0]
    watch.events[2], watch.events[3] = watch.events[3], watch.events[2]
    watch.times[2] = watch.times[3]
    assert broken(history) == {"P4", "P7"}


def test_a_phantom_is_found() -> None:
    history = sound()
    for watch in history.watches:
        watch.events[2] = shown(comment(2, "never written"))
    assert broken(history) == {"P5"}
    assert "shown what is not stored" in first_line(history)


def test_different_content_on_two_viewers_is_found() -> None:
    history = sound()
    history.watches[1].events[2] = shown(comment(2, "other"))
    assert broken(history) == {"P5", "P7"}
    assert "two viewers of v1 saw different things as 2" in str(judge(history).broken)


def test_a_comment_shown_before_it_was_posted_is_found() -> None:
    history = sound()
    history.watches[0].times[2] = 1.5
    assert broken(history) == {"P5"}


def test_a_stored_comment_that_nobody_posted_is_found() -> None:
    history = sound()
    del history.posts[2]
    assert broken(history) == {"P5"}


def test_a_refused_post_that_was_stored_is_found() -> None:
    history = sound()
    history.posts[2].calls = [Call(2.9, 3.0, 4.0, Outcome.REFUSED, 422)]
    assert broken(history) == {"P5"}


def test_an_untrue_201_is_found() -> None:
    history = sound()
    lie = Call(5.2, 5.3, 4.0, Outcome.ACKED, 201, comment(6, "gone"))
    history.posts.append(Post("v1", "k", "ann", "gone", [lie]))
    assert broken(history) == {"P1"}
    assert "an untrue 201" in first_line(history)


def test_a_hole_in_the_numbers_is_found() -> None:
    history = sound()
    del history.stored["v1"][2]
    assert "P2" in broken(history)
    assert any("3 is missing" in line for line in judge(history).broken)


def test_a_number_against_the_order_of_time_is_found() -> None:
    """The second post was sent long after the third had been told its number."""
    history = sound()
    history.posts[1].calls[0] = Call(3.5, 3.6, 4.0, Outcome.ACKED, 201, comment(2))
    assert "P2" in broken(history)


def test_posts_that_overlap_may_get_their_numbers_in_any_order() -> None:
    history = sound()
    history.posts[1].calls[0] = Call(1.5, 3.6, 4.0, Outcome.ACKED, 201, comment(2))
    assert judge(history).broken == []


def test_a_key_with_two_numbers_is_found() -> None:
    history = sound()
    history.posts[0].calls.append(ack(2, 2.0, 200))
    assert "P3" in broken(history)
    assert any("key-1 has two numbers" in line for line in judge(history).broken)


def test_a_key_created_twice_is_found() -> None:
    history = sound()
    history.posts[0].calls.append(ack(1, 2.0, 201))
    assert broken(history) == {"P3"}


def test_a_replay_of_what_was_never_sent_is_found() -> None:
    history = sound()
    history.posts[0].calls[0].status = 200
    assert broken(history) == {"P3"}


def test_a_comment_stored_twice_is_found() -> None:
    history = sound()
    twice = comment(6, "text 5")
    history.stored["v1"].append(twice)
    for watch in history.watches:
        watch.add(5.2, shown(twice))
    assert broken(history) == {"P3"}


def test_an_unknown_outcome_forks_stored_or_not_but_at_most_once() -> None:
    history = sound()
    history.posts[4].calls = [Call(4.9, 5.0, 0.1)]
    history.posts.append(Post("v1", "k", "ann", "never stored", [Call(1, 2, 0.1)]))
    assert judge(history).broken == []
    history.stored["v1"].append(comment(6, "text 5"))
    assert "P3" in broken(history)


def test_an_unknown_call_then_a_replay_join_the_forks() -> None:
    history = sound()
    history.posts[0].calls = [Call(0.5, 0.6, 0.1), ack(1, 1.0, 200)]
    assert judge(history).broken == []


def test_a_call_to_a_node_without_viewers_is_found() -> None:
    history = sound()
    history.forwards.append(Forward(3.0, "node-2", "v1", 3))
    assert broken(history) == {"P6"}
    assert "node-2 was called for v1" in first_line(history)


def test_a_call_long_after_the_last_viewer_left_is_found() -> None:
    history = sound()
    for watch in history.watches:
        watch.streams[0].closed_at = watch.left_at = 5.5
    history.forwards.append(Forward(6.5, "node-1", "v1", 5))
    assert judge(history).broken == []
    history.forwards.append(Forward(60.0, "node-1", "v1", 5))
    assert broken(history) == {"P6"}


def test_calls_of_nodes_are_not_judged_while_a_fault_may_be_felt() -> None:
    history = sound()
    history.forwards.append(Forward(3.0, "node-2", "v1", 3))
    history.troubles.append(Trouble("zookeeper away", 1.0, 2.5, 5.0))
    assert judge(history).broken == []


@pytest.mark.parametrize(
    "event",
    [
        Event("reset", f"{EPOCH}-0", {"reason": "ahead"}),
        hello(0, 5),
        gap(1, 2),
        Event("new", "", {}),
        Event("bye", "", {"reason": "drain"}),  # and more follows
    ],
    ids=["reset", "hello", "gap", "unknown", "bye"],
)
def test_false_events_are_found(event: Event) -> None:
    history = sound()
    watch = history.watches[0]
    watch.events.insert(4, event)
    watch.times.insert(4, 3.5)
    assert "P4" in broken(history)


@pytest.mark.parametrize("reason", ["limit", "memory", "retention"])
def test_a_gap_that_hides_a_loss_is_found(reason: str) -> None:
    history = sound()
    history.watches[0].events[2] = gap(2, 2, reason)
    assert broken(history) == {"P4"}
    assert "a gap that hides a loss" in first_line(history)


def test_an_honest_gap_is_no_fault() -> None:
    history = sound(1_100)
    watch = history.watches[0]
    late = [(1_200.0, hello(0, 1_100)), (1_200.0, gap(1, 100))]
    late += [(1_200.0, event) for event in watch.events[101:]]
    history.watches[0] = screen(*late)
    history.watches[0].cursor = f"{EPOCH}-0"
    assert judge(history).broken == []


def test_an_event_source_that_gave_up_is_found() -> None:
    history = sound()
    history.watches[0].fatal = "HTTP/1.1 500"
    assert broken(history) == {"P4"}
    assert "a browser would have given up" in first_line(history)


def late(history: History) -> History:
    history.watches[1].times[-1] = 30.0
    return history


def refused(history: History) -> History:
    again = Call(4.0, 4.1, 4.0, Outcome.UNKNOWN, 503)
    history.posts[4].calls.insert(0, again)
    return history


@pytest.mark.parametrize("plant", [late, refused])
def test_what_is_late_or_unanswered_is_found_unless_a_fault_explains_it(
    plant: Callable[[History], History],
) -> None:
    history = plant(sound())
    assert broken(history) == {"P8"}
    history.troubles = [Trouble("node killed", 3.9, 4.5, 2.0)]
    assert broken(history) == ({"P8"} if plant is late else set())
    history.troubles = [Trouble("node killed", 3.9, 4.5, 26.0)]
    assert judge(history).broken == []
    assert felt_s(history)[0][1] == pytest.approx(25.5 if plant is late else 0.0)


def test_a_viewer_that_was_refused_is_found_unless_a_fault_explains_it() -> None:
    history = sound()
    history.watches[0].refused.append(Refusal(3.0, 3.1, "no connection: refused"))
    assert broken(history) == {"P8"}
    assert "got no stream though nothing was wrong, at 3.100 s: no conn" in first_line(history)
    history.troubles = [Trouble("node drained", 2.0, 4.0, 1.0, only_routes=True)]
    assert broken(history) == {"P8"}
    history.troubles = [Trouble("gateway killed", 2.9, 3.0, 1.0)]
    assert judge(history).broken == []


def test_a_run_without_load_is_void() -> None:
    history = sound()
    verdict = judge(history, Floor())
    assert verdict.broken == []
    assert not verdict.good
    assert [reason.split(" ", 1)[1] for reason in verdict.void] == [
        "comments/s, not 100",
        "viewers a node",
        "deliveries/s",
    ]


def test_a_recorder_that_was_late_itself_has_shown_nothing() -> None:
    history = sound()
    history.lag_s = 60.0
    assert judge(history, LIGHT).void == ("the recorder was 60.0 s late",)


def test_the_load_counts_only_before_the_first_fault() -> None:
    history = sound()
    history.troubles.append(Trouble("node killed", 0.5, 0.6, 1.0))
    assert any("comments/s" in reason for reason in judge(history, LIGHT).void)


def test_a_promise_that_was_not_looked_at_makes_the_run_void() -> None:
    history = sound()
    history.forwards.clear()
    assert judge(history, LIGHT).void == ("P6 was not judged",)
    assert "P6  not judged" in judge(history).text()
