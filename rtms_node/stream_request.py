"""A stream request, read from an HTTP request head; plain decisions, no sockets.

A native EventSource gives up for ever on any status but 200, so whatever can be understood is: a
replay out of range is clamped, an unreadable one ignored, and a bad cursor is judged later
(`reset`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from urllib.parse import parse_qsl

from multidict import CIMultiDict

from identity.readers import PARAMETER
from rtms_node.resume import DEFAULT_REPLAY, MAX_REPLAY_ASKED
from service.edge import Headers, split_target
from wire.errors import ExpectationFailed, MethodNotAllowed, NotFound
from wire.ids import is_video_id

METHODS = ("GET", "HEAD", "OPTIONS")
ALLOW = ", ".join(METHODS)
NOTHING_FOLLOWS = "nothing may follow a stream request"
_PATH = re.compile(r"/v1/videos/([^/?]*)/stream")
_MAX_QUERY_FIELDS = 32
# Without hyphens and underscores, in lower case. Clients that cannot set headers put the cursor
# into the query, each under a name of its own: last_event_id (ours), lastEventId
# (event-source-polyfill), lastEventID (Mercure), Last-Event-ID, evs_last_event_id (amvtek's).
_CURSOR_NAMES = frozenset({"lasteventid", "evslasteventid"})


@dataclass(frozen=True, slots=True)
class StreamRequest:
    """What a viewer asks for. `address`: whose streams are counted together. `tickets`: all that
    it sent, unchecked; there should be one at most.
    """

    method: str
    video_id: str
    cursor: str | None
    replay: int
    address: str
    tickets: tuple[str, ...] = field(default=(), repr=False)  # no log shows one


def is_stream_target(target: str) -> bool:
    """Whether a request target is a stream's, whatever the video id looks like."""
    return _video(split_target(target)[0]) is not None


def read_stream_request(method: str, target: str, headers: Headers, address: str) -> StreamRequest:
    """Raises NotFound for another path or an impossible video id, MethodNotAllowed for a method
    that is none of METHODS, ExpectationFailed for an expectation that is not known.
    """
    path, query = split_target(target)
    video_id = _video(path)
    if video_id is None or not is_video_id(video_id):
        raise NotFound()
    if method not in METHODS:
        raise MethodNotAllowed(ALLOW)
    if (headers.get("Expect") or "100-continue").lower() != "100-continue":
        raise ExpectationFailed()
    fields = _query_fields(query)
    return StreamRequest(
        method=method,
        video_id=video_id,
        cursor=headers.get("Last-Event-ID") or _cursor(fields),  # an empty one counts as none
        replay=_replay(fields),
        address=address,
        tickets=tuple(value for name, value in fields if name == PARAMETER),
    )


def read_headers(pairs: Iterable[tuple[bytes, bytes]]) -> Headers:
    """The headers of a request as h11 gives them."""
    return CIMultiDict((name.decode("latin-1"), value.decode("latin-1")) for name, value in pairs)


def _video(path: str) -> str | None:
    match = _PATH.fullmatch(path)
    return match[1] if match else None


def _query_fields(query: str) -> list[tuple[str, str]]:
    try:
        return parse_qsl(query, keep_blank_values=True, max_num_fields=_MAX_QUERY_FIELDS)
    except ValueError:
        return []


def _cursor(fields: list[tuple[str, str]]) -> str | None:
    """The last one given: who reconnects puts its cursor behind what the page began with."""
    found = [value for name, value in fields if value and _plain(name) in _CURSOR_NAMES]
    return found[-1] if found else None


def _plain(name: str) -> str:
    return name.replace("-", "").replace("_", "").lower()


def _replay(fields: list[tuple[str, str]]) -> int:
    text = next((value for name, value in fields if name == "replay"), "")
    if not re.fullmatch(r"[0-9]{1,9}", text, re.ASCII):
        return DEFAULT_REPLAY
    return min(int(text), MAX_REPLAY_ASKED)
