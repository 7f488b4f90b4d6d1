"""The judge itself (T72): each planted fault of posts and of comments is found, and by its name."""

from __future__ import annotations

from tests.chaos.history import Call, Outcome, Post
from tests.chaos.judge import judge
from tests.unit.chaos.histories import (
    LIGHT,
    ack,
    broken,
    comment,
    first_line,
    shown,
    sound,
)


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
    history.posts[2].calls = [Call(2.9, 3.0, 4.0, Outcome.REFUSED, 503)]
    assert broken(history) == {"P5", "P8"}


def test_a_valid_comment_that_was_refused_for_its_body_is_found() -> None:
    history = sound()
    refusal = Call(2.5, 2.6, 4.0, Outcome.REFUSED, 422)
    history.posts.append(Post("v1", "k", "ann", "fine", [refusal]))
    assert broken(history) == {"P8"}
    assert "refused a valid comment: 422 for key k" in first_line(history)
    history.posts[-1].valid = False
    assert judge(history).broken == []
    history.posts[-1].valid, refusal.status = True, 429
    assert judge(history).broken == []


def test_a_key_that_is_refused_after_it_was_stored_is_found() -> None:
    history = sound()
    history.posts[2].calls.append(Call(3.5, 3.6, 4.0, Outcome.REFUSED, 422))
    assert broken(history) == {"P3"}
    assert "key key-3 got 422 after it had been stored" in first_line(history)


def test_an_invalid_comment_that_was_taken_is_found() -> None:
    history = sound()
    history.posts[2].valid = False
    assert broken(history) == {"P1"}
    assert "key key-3 is no comment" in first_line(history)


def test_a_comment_in_the_mouth_of_another_is_found_though_nobody_was_told_its_number() -> None:
    history = sound()
    history.posts[4] = Post("v1", "key-5", "bob", "text 5", [Call(4.9, 5.0, 0.1)])
    assert broken(history) == {"P5"}
    assert "key key-5 of bob is stored as said by ann" in first_line(history)


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
