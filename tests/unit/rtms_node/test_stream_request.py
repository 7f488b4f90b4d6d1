from __future__ import annotations

import pytest

from rtms_node.stream_request import (
    StreamRequest,
    is_stream_target,
    read_headers,
    read_stream_request,
)
from wire.errors import ExpectationFailed, MethodNotAllowed, NotFound


def read(target: str, *headers: tuple[bytes, bytes], method: str = "GET") -> StreamRequest:
    return read_stream_request(method, target, read_headers(headers), "127.0.0.9")


def test_a_plain_request_has_no_cursor_and_replays_twenty() -> None:
    request = read("/v1/videos/v1/stream")
    assert (request.video_id, request.cursor, request.replay) == ("v1", None, 20)
    assert request.address == "127.0.0.9"


def test_the_header_wins_over_the_query() -> None:
    target = "/v1/videos/v1/stream?last_event_id=q-1"
    assert read(target).cursor == "q-1"
    assert read(target, (b"last-event-id", b"h-1")).cursor == "h-1"


def test_an_empty_header_counts_as_none() -> None:
    target = "/v1/videos/v1/stream?last_event_id=q-1"
    assert read(target, (b"last-event-id", b"")).cursor == "q-1"


@pytest.mark.parametrize(
    ("text", "replay"),
    [("0", 0), ("200", 200), ("201", 200), ("999999999999", 20), ("-1", 20), ("x", 20), ("", 20)],
)
def test_a_bad_replay_is_never_a_reason_to_refuse(text: str, replay: int) -> None:
    assert read(f"/v1/videos/v1/stream?replay={text}").replay == replay


@pytest.mark.parametrize(
    "target",
    [
        "/v1/videos//stream", "/v1/videos/a%20b/stream", "/v1/videos/%76/stream",
        f"/v1/videos/{'x' * 65}/stream", "/v1/videos/v1/stream/", "/v1/videos/v1", "/",
        "*", "ftp://h/v1/videos/v1/stream", "http://[/v1/videos/v1/stream",
        "/v1/videos/../stream", "/v1/videos/ü/stream",
    ],
)  # fmt: skip
def test_anything_else_is_not_found(target: str) -> None:
    with pytest.raises(NotFound):
        read(target)


def test_an_absolute_target_is_read_like_any_other() -> None:
    request = read("http://h:8080/v1/videos/v1/stream?replay=3")
    assert (request.video_id, request.replay) == ("v1", 3)
    assert is_stream_target("HTTPS://h/v1/videos/v1/stream")


@pytest.mark.parametrize(
    "name",
    [
        "last_event_id", "lastEventId", "lastEventID", "Last-Event-ID", "last-event-id",
        "LastEventId", "evs_last_event_id",
    ],
)  # fmt: skip
def test_a_cursor_is_found_under_the_names_that_clients_give_it(name: str) -> None:
    assert read(f"/v1/videos/v1/stream?{name}=q-1").cursor == "q-1"


def test_of_several_cursors_the_last_counts() -> None:
    """Who reconnects puts its own behind the one that the page began with."""
    target = "/v1/videos/v1/stream?last_event_id=q-1&replay=3&lastEventId=q-7"
    assert read(target).cursor == "q-7"
    assert read(target + "&lastEventId=").cursor == "q-7"


def test_an_unknown_expectation_is_refused() -> None:
    with pytest.raises(ExpectationFailed):
        read("/v1/videos/v1/stream", (b"expect", b"x"))
    assert read("/v1/videos/v1/stream", (b"expect", b"100-Continue")).video_id == "v1"


def test_only_methods_that_read() -> None:
    with pytest.raises(MethodNotAllowed) as caught:
        read("/v1/videos/v1/stream", method="POST")
    assert caught.value.headers == {"Allow": "GET, HEAD, OPTIONS"}


def test_a_query_with_too_many_fields_is_ignored() -> None:
    query = "&".join(f"x{number}=1" for number in range(100))
    assert read(f"/v1/videos/v1/stream?{query}&replay=5").replay == 20


def test_the_first_of_equal_names_counts() -> None:
    assert read("/v1/videos/v1/stream?replay=5&replay=7").replay == 5


def test_stream_targets_are_told_from_others() -> None:
    assert is_stream_target("/v1/videos/%00/stream?x")
    assert not is_stream_target("/v1/videos/v1/comments")
