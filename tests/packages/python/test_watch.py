"""What an iterator makes of its streams: whole, in order, each once, and back after every end."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any

import pytest

from livecomments_client import Comment, Gap, Problem, Reset, SettingsChanged, State, StateChanged
from livecomments_client._core.effects import Emit, NoAnswer, Reply
from livecomments_client._core.sse import MAX_EVENT_BYTES
from livecomments_client._core.watch import SILENCE_S, watch
from livecomments_client.errors import Closed
from livecomments_client.events import Event, Pinned, Removed, Tombstone, Viewers
from tests.packages.python.player import (
    EPOCH,
    STREAM,
    Player,
    entry,
    frame,
    hello,
    lost,
    opened,
    page,
    problem,
    reply,
    sse,
)

OTHER = "zzzzzzzzzzzz"
BYE = frame("bye", {"reason": "drain"}, retry_ms=200)


def comments(*seqs: int) -> bytes:
    return sse(*(entry(seq) for seq in seqs))


def watched(player: Player, *, cursor: str | None = None, **wishes: int) -> list[Event]:
    """Everything that is handed out until the script is over."""
    player.replies.append(Closed())
    player.run(watch(player.video(cursor=cursor, **wishes)))
    return player.events


def numbers(events: Sequence[Event]) -> list[int]:
    return [event.seq for event in events if isinstance(event, Comment)]


def states(events: Sequence[Event]) -> list[tuple[str, str]]:
    return [(str(e.state), e.reason) for e in events if isinstance(e, StateChanged)]


def only(kind: type[Any], events: Sequence[Event]) -> list[Any]:
    return [event for event in events if isinstance(event, kind)]


def test_a_stream_is_followed_and_its_cursor_is_sent_after_its_end() -> None:
    player = Player()
    player.replies = [opened(), opened()]
    player.chunks = [hello(1), comments(2, 3), b"", hello(3), comments(4)]
    events = watched(player)
    assert numbers(events) == [2, 3, 4]
    assert player.sent("last-event-id") == [None, f"{EPOCH}-3", f"{EPOCH}-4"]
    assert [request.query["replay"] for request in player.requests] == [20, 20, 20]
    assert states(events) == [
        ("connecting", ""), ("live", ""), ("recovering", "ended"), ("live", ""),
        ("recovering", "ended"), ("closed", "client"),
    ]  # fmt: skip
    assert player.requests[0].timeout_s == SILENCE_S


def test_a_cursor_moves_with_what_is_handed_out_and_not_with_what_has_come() -> None:
    player = Player()
    player.replies = [opened()]
    player.chunks = [hello(0) + comments(1, 2, 3)]
    video = player.video()
    seen = []

    def stop() -> bool:
        seen.append(str(video.cursor))
        return numbers(player.events) == [1, 2]

    player.run(watch(video), until=stop)
    assert str(video.cursor) == f"{EPOCH}-2"
    assert video.connection.state is State.CLOSED
    # The next iterator of the same video goes on there.
    player.replies = [opened(), Closed()]
    player.chunks = [hello(2) + comments(3)]
    player.run(watch(video))
    assert numbers(player.events) == [1, 2, 3]
    assert player.sent("last-event-id")[1] == f"{EPOCH}-2"


def test_what_nobody_got_before_it_was_closed_is_not_behind_the_cursor() -> None:
    player = Player()
    player.replies = [opened()]
    player.chunks = [hello(0) + comments(1, 2)]
    video = player.video()
    flow = watch(video)
    effect: Any = next(flow)
    while not (isinstance(effect, Emit) and isinstance(effect.event, Comment)):
        effect = flow.send(player.outcome(effect))
    effect = flow.throw(Closed())
    assert isinstance(effect.event, StateChanged)
    assert str(video.cursor) == f"{EPOCH}-0"


def test_what_comes_again_is_dropped() -> None:
    player = Player()
    player.replies = [opened(), opened()]
    player.chunks = [hello(0), comments(1, 2, 2, 1), b"", hello(0), comments(1, 2, 3)]
    assert numbers(watched(player)) == [1, 2, 3]


def test_an_event_that_is_cut_off_comes_again() -> None:
    player = Player()
    player.replies = [opened(), opened()]
    player.chunks = [hello(0) + comments(1) + comments(2)[:-1], b"", hello(1), comments(2)]
    assert numbers(watched(player)) == [1, 2]
    assert player.sent("last-event-id")[1] == f"{EPOCH}-1"


def test_what_is_not_known_is_skipped_and_moves_the_cursor() -> None:
    player = Player()
    player.replies = [opened()]
    odd = sse(entry(2, "hologram"), entry(3, "removed"))  # the second lacks its members
    noise = frame("weather", {"sun": True}) + frame("viewers", {"now": "many"}) + b"data: x\n\n"
    player.chunks = [hello(0), comments(1), odd + noise, comments(4)]
    events = watched(player)
    assert numbers(events) == [1, 4]
    assert only(Gap, events) == []


@pytest.mark.parametrize("reason", ["drain", "slow", "shed", "unavailable"])
def test_a_bye_is_answered_after_at_least_its_time(reason: str) -> None:
    player = Player()
    player.replies = [opened(), opened()]
    bye = frame("bye", {"reason": reason}, retry_ms=2_500)
    player.chunks = [hello(0), bye + comments(1), hello(0), comments(1)]
    events = watched(player)
    assert numbers(events) == [1]
    assert ("recovering", reason) in states(events)
    assert player.slept[0] >= 2.5
    assert player.shut >= 1


def test_failures_are_waited_for_longer_and_longer_and_never_end_it() -> None:
    random.seed(1)
    player = Player()
    player.replies = [
        *[lost("unreachable")] * 20, problem(503, "unavailable", retry_after="3"),
        problem(500, "internal"), problem(429, "too_many_requests", retry_after="5"),
        Reply(200, {"content-type": "text/html"}, b"<html>log in</html>"), reply(302),
        opened(),
    ]  # fmt: skip
    player.chunks = [hello(0), comments(1)]
    events = watched(player)
    assert numbers(events) == [1]
    assert states(events)[:2] == [("connecting", ""), ("live", "")]
    assert max(player.slept[:20]) > 5
    assert max(player.slept) <= 10
    assert player.slept[20] >= 3
    assert player.slept[22] >= 5


def test_silence_is_an_end() -> None:
    player = Player()
    player.replies = [opened(), opened()]
    player.chunks = [hello(0), comments(1), NoAnswer("silent"), hello(1), comments(2)]
    events = watched(player)
    assert numbers(events) == [1, 2]
    assert ("recovering", "silent") in states(events)


def test_a_stream_that_is_one_endless_event_is_an_end() -> None:
    player = Player()
    player.replies = [opened(), opened()]
    player.chunks = [hello(0), b"x" * (MAX_EVENT_BYTES + 1), hello(0), comments(1)]
    assert numbers(watched(player)) == [1]


@pytest.mark.parametrize("code", ["not_found", "forbidden"])
def test_a_refusal_that_will_not_change_is_raised(code: str) -> None:
    player = Player()
    player.replies = [problem(404, code)]
    with pytest.raises(Problem, match=code):
        watched(player)
    assert states(player.events) == [("connecting", ""), ("closed", code)]


def test_an_error_of_the_application_is_raised() -> None:
    player = Player()
    player.replies = [ZeroDivisionError()]
    with pytest.raises(ZeroDivisionError):
        watched(player)
    assert states(player.events)[-1] == ("closed", "failed")


# Gaps


def gap(first: int, last: int, reason: str = "limit") -> bytes:
    return frame("gap", {"from": first, "to": last, "reason": reason}, f"{EPOCH}-{last}")


def test_a_gap_is_filled_from_the_store_page_by_page() -> None:
    player = Player()
    stored = [entry(seq) for seq in range(3, 501)]
    stored[97] = entry(100, "removed", targets=[1], by="moderator")
    stored[98] = entry(101, "tombstone")
    stored[99] = entry(102, "hologram")
    player.replies = [
        opened(), page(stored[:200], more=True), page(stored[200:400], more=True),
        page([*stored[400:], entry(501)], more=True),
    ]  # fmt: skip
    player.chunks = [hello(2), gap(3, 500), comments(501)]
    events = watched(player, cursor=f"{EPOCH}-2")
    assert numbers(events) == [*range(3, 100), *range(103, 502)]
    assert only(Gap, events) == [Gap(3, 500, "limit", filled=True)]
    assert events.index(Gap(3, 500, "limit", filled=True)) == len(events) - 4
    assert [e.seq for e in only(Removed, events) + only(Tombstone, events)] == [100, 101]
    assert {e.source for e in only(Comment, events) if e.seq < 501} == {"history"}
    assert only(Comment, events)[-1].source == "stream"
    after = [request.query.get("after") for request in player.requests[1:4]]
    assert after == [f"{EPOCH}-{seq}" for seq in (2, 202, 402)]


def test_what_the_store_does_not_have_either_is_told_where_it_belongs() -> None:
    player = Player()
    player.replies = [opened(), page([entry(6), entry(7)], more=False)]
    player.chunks = [hello(2), gap(3, 8, "retention"), comments(9)]
    events = watched(player, cursor=f"{EPOCH}-2")
    told = [e for e in events if isinstance(e, Comment | Gap)]
    assert [getattr(e, "seq", e) for e in told] == [
        Gap(3, 5, "retention", filled=False), 6, 7, Gap(8, 8, "retention", filled=False), 9,
    ]  # fmt: skip


def test_a_gap_that_is_too_long_or_may_not_be_read_is_told() -> None:
    player = Player()
    player.replies = [opened(), problem(500, "internal")]
    player.chunks = [hello(2), gap(3, 50), gap(51, 90), comments(91)]
    events = watched(player, cursor=f"{EPOCH}-2", fill=40)
    told = [getattr(event, "seq", event) for event in events if isinstance(event, Comment | Gap)]
    assert told == [Gap(3, 50, "limit", filled=False), Gap(51, 90, "limit", filled=False), 91]


def test_a_gap_that_cannot_be_read_now_is_come_back_to() -> None:
    player = Player()
    later = problem(503, "overloaded", retry_after="60")  # longer than a call waits
    first, second = [entry(seq) for seq in (3, 4)], [entry(seq) for seq in (5, 6)]
    player.replies = [opened(), page(first, more=True), later, opened(), page(second, more=False)]
    player.chunks = [hello(2), gap(3, 6), hello(4), gap(5, 6), comments(7)]
    events = watched(player, cursor=f"{EPOCH}-2")
    assert numbers(events) == [3, 4, 5, 6, 7]
    assert only(Gap, events) == [Gap(5, 6, "limit", filled=True)]
    assert ("recovering", "overloaded") in states(events)
    assert player.slept[0] >= 60


def test_a_number_that_is_skipped_is_missing() -> None:
    """Our server never does that; something between us may."""
    player = Player()
    player.replies = [opened(), page([entry(2), entry(3)], more=True)]
    player.chunks = [hello(0), comments(1), comments(4)]
    events = watched(player)
    assert numbers(events) == [1, 2, 3, 4]
    assert only(Gap, events) == [Gap(2, 3, "missing", filled=True)]


def test_the_part_of_a_gap_that_is_there_already_is_not_fetched() -> None:
    player = Player()
    player.replies = [opened(), page([entry(4)], more=False)]
    player.chunks = [hello(3), gap(1, 2), gap(2, 4), comments(5)]
    events = watched(player, cursor=f"{EPOCH}-3")
    assert numbers(events) == [4, 5]
    assert only(Gap, events) == [Gap(4, 4, "limit", filled=True)]


# Another store


def test_a_reset_begins_anew_with_the_new_numbers() -> None:
    player = Player()
    player.replies = [opened()]
    head = frame("hello", {"video_id": "v1", "node_id": "n", "epoch": OTHER, "head": f"{OTHER}-2"})
    reset = frame("reset", {"reason": "epoch"}, f"{OTHER}-0")
    new = sse(entry(1, epoch=OTHER), entry(2, epoch=OTHER))
    player.chunks = [head + reset + new]
    events = watched(player, cursor=f"{EPOCH}-70")
    assert only(Reset, events) == [Reset("epoch")]
    assert [e.id for e in only(Comment, events)] == [f"{OTHER}-1", f"{OTHER}-2"]
    assert player.sent("last-event-id") == [f"{EPOCH}-70", f"{OTHER}-2"]


def test_a_reset_that_was_swallowed_is_noticed() -> None:
    player = Player()
    player.replies = [opened(), opened()]
    player.chunks = [hello(1), comments(2), sse(entry(1, epoch=OTHER)), b"", hello(1, epoch=OTHER)]
    events = watched(player)
    assert [getattr(e, "id", e) for e in events if isinstance(e, Comment | Reset)] == [
        f"{EPOCH}-2", Reset("epoch"), f"{OTHER}-1",
    ]  # fmt: skip


# History before the first event


def test_history_comes_first_and_the_stream_goes_on_behind_it() -> None:
    player = Player()
    newest = page([entry(5), entry(6)], more=True, member="comments")
    older = page([entry(2), entry(3)], more=True, member="comments")
    player.replies = [newest, older, opened()]
    player.chunks = [hello(6), comments(7)]
    events = watched(player, history=4)
    assert numbers(events) == [2, 3, 5, 6, 7]
    assert [e.source for e in only(Comment, events)] == [*["history"] * 4, "stream"]
    assert [request.query.get("limit") for request in player.requests[:2]] == [4, 2]
    assert player.sent("last-event-id")[2] == f"{EPOCH}-6"
    assert only(Gap, events) == []


def test_history_is_asked_for_again_until_it_comes_and_then_never() -> None:
    player = Player()
    refused = [problem(503, "unavailable", retry_after="40")] * 2  # more than a call waits
    empty = reply(
        200,
        {
            "comments": [], "head": f"{EPOCH}-0", "first": f"{EPOCH}-0", "last": f"{EPOCH}-0",
            "more": False,
        },
    )  # fmt: skip
    player.replies = [*refused, empty, opened(), opened()]
    player.chunks = [hello(0), comments(1), b"", hello(1)]
    events = watched(player, history=10)
    assert numbers(events) == [1]
    assert player.slept[0] >= 40
    assert player.sent("last-event-id")[3:] == [f"{EPOCH}-0", f"{EPOCH}-1", f"{EPOCH}-1"]


def test_with_a_cursor_there_is_no_history() -> None:
    player = Player()
    player.replies = [opened()]
    player.chunks = [hello(3)]
    watched(player, cursor=f"{EPOCH}-3", history=10)
    assert len(player.requests) == 2


# Tickets


def ticket(value: str) -> Reply:
    return reply(200, {"ticket": value, "expires_at": "2026-11-24T05:43:01.000Z"})


def test_a_ticket_is_fetched_when_streams_need_one_and_renewed_when_it_ends() -> None:
    player = Player(token="t")
    player.replies = [
        problem(401, "ticket_missing"), ticket("one"), opened(), ticket("two"), opened(),
    ]  # fmt: skip
    expired = frame("bye", {"reason": "expired"}, retry_ms=9_000)
    player.chunks = [hello(0), comments(1), expired, hello(1), comments(2)]

    def done() -> bool:
        player.now += 10  # the first one was not young when it ended
        return numbers(player.events) == [1, 2]

    player.run(watch(player.video()), until=done)
    assert [request.query.get("ticket") for request in player.requests if
            request.path.endswith("stream")] == [None, "one", "two"]  # fmt: skip
    assert player.slept == []
    assert ("recovering", "expired") in states(player.events)


def test_a_ticket_that_ends_at_once_is_no_reason_to_come_back_at_once() -> None:
    player = Player(token="t")
    player.replies = [problem(401, "ticket_missing")]
    expired = frame("bye", {"reason": "expired"}, retry_ms=9_000)
    for number in range(50):
        player.replies += [ticket(f"t{number}"), opened()]
        player.chunks += [expired]
    watched(player)
    assert len(player.slept) == 50
    assert sum(player.slept) > 50


def test_a_new_ticket_that_is_refused_is_a_problem() -> None:
    player = Player(token="t")
    player.replies = [
        problem(401, "ticket_missing"), ticket("one"), problem(401, "ticket_invalid"),
    ]  # fmt: skip
    with pytest.raises(Problem, match="ticket_invalid"):
        watched(player)


def test_without_a_token_a_stream_that_needs_a_ticket_is_a_problem() -> None:
    player = Player()
    player.replies = [problem(401, "ticket_missing")]
    with pytest.raises(Problem, match="ticket_missing"):
        watched(player)
    assert len(player.requests) == 1


# What is said of the video


def state_event(slow_mode_s: int, pinned: object, **more: object) -> bytes:
    settings = {"slow_mode_s": slow_mode_s, "closed": False, "links": True}
    return frame("state", {"settings": settings, "pinned": pinned, **more})


def test_settings_pin_and_viewers_are_told_when_they_are_news() -> None:
    player = Player()
    player.replies = [opened(), opened()]
    first = state_event(30, entry(1), viewers={"now": 3, "peak": 9})
    removed = entry(2, "removed", targets=[1], by="author")
    restored = entry(3, "restored", comment=entry(1))
    again = state_event(30, entry(1))
    player.chunks = [
        hello(1) + first + frame("viewers", {"now": 4, "peak": 9}), sse(removed), sse(restored),
        b"", hello(3) + again,
    ]  # fmt: skip
    video = player.video()
    pins = []

    def note() -> bool:
        pins.append(getattr(video.facts.pinned, "seq", None))
        return len(player.requests) == 3

    player.replies.append(opened())
    player.run(watch(video), until=note)
    assert [e.settings.slow_mode_s for e in only(SettingsChanged, player.events)] == [30]
    assert [e.comment.seq for e in only(Pinned, player.events)] == [1]
    assert only(Viewers, player.events) == [Viewers(3, 9), Viewers(4, 9)]
    assert video.facts.viewers == Viewers(4, 9)
    assert [pin for pin, before in zip(pins, [0, *pins], strict=False) if pin != before] == [
        *(None, 1, None, 1)
    ]


def test_after_a_reset_nothing_of_before_is_known() -> None:
    player = Player()
    player.replies = [opened()]
    reset = frame("reset", {"reason": "epoch"}, f"{OTHER}-0")
    player.chunks = [hello(1) + state_event(30, entry(1)), reset]
    video = player.video()
    player.replies.append(Closed())
    player.run(watch(video))
    assert (video.facts.settings, video.facts.pinned) == (None, None)


def test_streams_are_opened_as_such() -> None:
    player = Player(token="secret")
    player.replies = [opened()]
    player.chunks = [hello(0)]
    watched(player)
    assert player.requests[0].headers["accept"] == "text/event-stream"
    assert "authorization" not in player.requests[0].headers  # a stream takes tickets only
    assert STREAM["content-type"].startswith("text/event-stream")


def test_why_nothing_comes_is_in_the_log_also_while_it_is_still_connecting(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Such as after a mistake in the URL."""
    player = Player()
    player.replies = [NoAnswer("unreachable"), *[reply(302)] * 3, opened()]
    player.run(watch(player.video()), until=lambda: len(player.requests) == 5)
    told = [record.message for record in caplog.records if "still connecting" in record.message]
    assert told == [
        "video v1: still connecting (unreachable)",
        "video v1: still connecting (http_302)",
    ]
