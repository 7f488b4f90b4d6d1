"""Calls of the API: what is tried again, for how long, and with which token."""

from __future__ import annotations

import json

import pytest

from livecomments_client import Client, Held, Posted, Problem, Unreachable
from livecomments_client._core import calls, verbs
from livecomments_client._core.effects import Reply
from livecomments_client._core.exchange import REQUEST_TIMEOUT_S
from tests.packages.python.player import Player, entry, lost, page, problem, reply

COMMENT = entry(1)


def key_of(player: Player) -> set[str | None]:
    return set(player.sent("idempotency-key"))


def test_a_post_has_one_key_however_often_it_is_sent() -> None:
    player = Player()
    player.replies = [
        lost("unreachable"), lost("silent"), problem(502, "bad_gateway"),
        problem(503, "unavailable", retry_after="2"), problem(504, "gateway_timeout"),
        problem(429, "too_many_requests", retry_after="1"),
        reply(200, COMMENT, idempotency_replayed="true"),
    ]  # fmt: skip
    posted = player.run(calls.post(player.video(), "hi", author="ann"))
    assert isinstance(posted, Posted)
    assert (posted.comment.seq, posted.replayed) == (1, True)
    (key,) = key_of(player)
    assert key is not None
    assert len(key) == 32
    assert len({request.body for request in player.requests}) == 1
    assert player.slept[3] >= 2
    assert player.slept[5] >= 1


def test_each_post_has_a_key_of_its_own_unless_one_is_given() -> None:
    player = Player()
    player.replies = [reply(201, COMMENT)] * 3
    player.run(calls.post(player.video(), "a"))
    player.run(calls.post(player.video(), "a"))
    player.run(calls.post(player.video(), "a", key="mine"))
    assert len(key_of(player)) == 3
    assert player.sent("idempotency-key")[2] == "mine"
    assert json.loads(player.requests[0].body or b"") == {"text": "a"}


def test_a_held_comment_is_a_result() -> None:
    player = Player()
    body = {"held": "h_1", "expires_at": "2026-11-24T01:43:01.132Z"}
    player.replies = [reply(202, body)]
    held = player.run(calls.post(player.video(), "hi"))
    assert isinstance(held, Held)
    assert held.held == "h_1"
    assert held.expires_at.year == 2026


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (429, "slow_mode"), (429, "timed_out"), (403, "banned"), (422, "blocked"), (410, "removed"),
        (409, "duplicate"), (500, "internal"), (401, "token_missing"), (400, "bad_request"),
    ],
)  # fmt: skip
def test_what_will_not_change_soon_is_raised_at_once(status: int, code: str) -> None:
    player = Player()
    player.replies = [problem(status, code, retry_after="7")]
    with pytest.raises(Problem) as caught:
        player.run(calls.post(player.video(), "hi", key="mine"))
    found = caught.value
    assert (found.status, found.code, found.retry_after) == (status, code, 7.0)
    assert found.key == "mine"
    assert player.slept == []


def test_who_never_answers_is_given_up_after_the_time_that_was_given() -> None:
    player = Player()
    player.replies = [lost("unreachable")] * 1_000
    began = player.now
    with pytest.raises(Unreachable) as caught:
        player.run(calls.post(player.video(), "hi", key="mine", timeout=25.0))
    assert caught.value.key == "mine"
    assert player.now - began == pytest.approx(25.0)


def test_the_last_problem_is_raised_when_the_time_is_over() -> None:
    player = Player()
    player.replies = [problem(503, "unavailable")] * 1_000
    with pytest.raises(Problem, match="unavailable"):
        player.run(calls.history(player.video()))


def test_a_machine_that_slept_during_a_request_still_tries_again() -> None:
    player = Player()

    def sleeps(request: object) -> object:
        player.now += 3_600
        raise lost("silent")

    player.replies = [sleeps, reply(201, COMMENT)]
    assert player.run(calls.post(player.video(), "hi", timeout=REQUEST_TIMEOUT_S + 1)) is not None


def test_a_token_is_asked_for_once_and_renewed_when_it_is_refused() -> None:
    player = Player(token=callable)
    player.tokens = ["one", "two"]
    me = reply(200, {"may_post": True})
    player.replies = [me, problem(401, "token_expired"), me, me]
    for _ in range(3):
        player.run(calls.me(player.video()))
    assert player.asked == ["missing", "expired"]
    assert player.sent("authorization") == [
        *("Bearer one", "Bearer one", "Bearer two", "Bearer two")
    ]
    assert player.slept == []


def test_a_token_is_shown_to_read_only_where_the_server_asks_for_one() -> None:
    """One that has ended is refused where none is needed."""
    player = Player(token=callable)
    player.tokens = ["one", "two"]
    none = page([], more=False, member="comments")
    player.replies = [none, problem(401, "ticket_missing"), none, none]
    for _ in range(3):
        player.run(calls.history(player.video()))
    assert player.sent("authorization") == [None, None, "Bearer one", "Bearer one"]
    assert player.asked == ["missing"]


def test_who_has_no_token_to_read_with_is_told_so() -> None:
    player = Player()
    player.replies = [problem(401, "token_missing")]
    with pytest.raises(Problem, match="token_missing"):
        player.run(calls.history(player.video()))


def test_a_token_that_is_refused_again_is_a_problem() -> None:
    player = Player(token=callable)
    player.tokens = ["one", "two"]
    player.replies = [problem(401, "token_invalid")] * 2
    with pytest.raises(Problem, match="token_invalid"):
        player.run(calls.me(player.video()))
    assert player.asked == ["missing", "invalid"]


def test_a_token_that_does_not_change_is_not_tried_twice() -> None:
    for player in (Player(token="fixed"), Player(token=callable)):
        player.tokens = ["fixed", "fixed"]
        player.replies = [problem(401, "token_expired")]
        with pytest.raises(Problem, match="token_expired"):
            player.run(calls.me(player.video()))


def test_tokens_that_cannot_be_fetched_now_are_asked_for_again() -> None:
    """The application's own call has failed, with the errors of our library."""
    player = Player(token=callable)
    outcomes: list[object] = [lost("unreachable"), "one"]

    class Tokens(list[str | None]):
        def pop(self, index: object = 0) -> str | None:
            found = outcomes.pop(0)
            if isinstance(found, Exception):
                raise found
            return str(found)

    player.tokens = Tokens()
    player.replies = [reply(201, COMMENT)]
    assert player.run(calls.post(player.video(), "hi")) is not None
    assert player.asked == ["missing", "missing"]


@pytest.mark.parametrize("body", [b"", b"[]", b"<html>", b'{"comments":1}', b"\xff"])
def test_a_reply_that_is_not_of_our_server_is_a_problem(body: bytes) -> None:
    player = Player()
    player.replies = [Reply(200, {}, body)]
    with pytest.raises(Problem):
        player.run(calls.history(player.video()))


def test_a_refusal_that_is_not_of_our_server_is_one_too() -> None:
    player = Player()
    player.replies = [Reply(403, {}, b"<html>go away</html>")]
    with pytest.raises(Problem) as caught:
        player.run(calls.history(player.video()))
    assert (caught.value.status, caught.value.code) == (403, "http_403")


def test_names_in_paths_are_quoted() -> None:
    player = Player()
    player.replies = [problem(404, "not_found")]
    with pytest.raises(Problem):
        player.run(verbs.lift(player.video(), "../../x?y#z"))
    assert player.requests[0].path == "/v1/videos/v1/sanctions/..%2F..%2Fx%3Fy%23z"


@pytest.mark.parametrize("video_id", ["", "a/b", "a b", "ä", "x" * 65, "a\n"])
def test_what_is_no_video_is_refused(video_id: str) -> None:
    with pytest.raises(ValueError, match="video id"):
        Client("http://127.0.0.1:1").video(video_id)
