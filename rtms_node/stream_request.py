"""A stream request, read from an HTTP request head; plain decisions, no sockets.

A native EventSource gives up for ever on any status but 200, so whatever can be understood is: a
replay out of range is clamped, an unreadable one ignored, and a bad cursor is judged later
(`reset`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import parse_qsl

from rtms_node.resume import DEFAULT_REPLAY, MAX_REPLAY_ASKED
from wire.errors import MethodNotAllowed, NotFound
from wire.ids import is_video_id

Headers = Iterable[tuple[bytes, bytes]]

ALLOW = "GET, OPTIONS"
_MAX_QUERY_FIELDS = 32
_STREAM_PATH = re.compile(r"/v1/videos/([^/?]*)/stream")


@dataclass(frozen=True, slots=True)
class StreamRequest:
    """What a viewer asks for. `address` is whom the gateway says it is, else the peer."""

    video_id: str
    cursor: str | None
    replay: int
    address: str
    origin: str | None


def is_stream_target(target: str) -> bool:
    """Whether a request target is a stream's, whatever the video id looks like."""
    return _STREAM_PATH.fullmatch(target.partition("?")[0]) is not None


def read_stream_request(
    method: str, target: str, headers: Headers, peer_address: str
) -> StreamRequest:
    """Raises NotFound for another path or an impossible video id, MethodNotAllowed for anything but
    GET.
    """
    path, _, query = target.partition("?")
    match = _STREAM_PATH.fullmatch(path)
    if match is None or not is_video_id(match[1]):
        raise NotFound()
    if method != "GET":
        raise MethodNotAllowed(ALLOW)
    fields = _query_fields(query)
    forwarded = header(headers, b"x-forwarded-for")
    cursor = header(headers, b"last-event-id")
    return StreamRequest(
        video_id=match[1],
        cursor=cursor or fields.get("last_event_id"),  # an empty header counts as none
        replay=_replay(fields.get("replay")),
        address=forwarded.rpartition(",")[2].strip() if forwarded else peer_address,
        origin=header(headers, b"origin"),
    )


def header(headers: Headers, name: bytes) -> str | None:
    """The first header called `name` (in lower case, as h11 gives them)."""
    return next((value.decode("latin-1") for key, value in headers if key == name), None)


def _query_fields(query: str) -> dict[str, str]:
    try:
        pairs = parse_qsl(query, keep_blank_values=True, max_num_fields=_MAX_QUERY_FIELDS)
    except ValueError:
        return {}
    return dict(reversed(pairs))  # the first of equal names counts


def _replay(text: str | None) -> int:
    if text is None or not re.fullmatch(r"[0-9]{1,9}", text, re.ASCII):
        return DEFAULT_REPLAY
    return min(int(text), MAX_REPLAY_ASKED)
