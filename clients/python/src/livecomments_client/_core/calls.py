"""What anybody may call: post, and read what is stored. Each is one flow for both clients."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from typing import Any, TypeVar

from livecomments_client._core import exchange
from livecomments_client._core.decode import comment_of, entry_of, parse_time
from livecomments_client._core.effects import Flow, Reply
from livecomments_client._core.exchange import body_of, json_request
from livecomments_client._core.video import VideoCore
from livecomments_client.errors import LiveCommentsError, Problem
from livecomments_client.events import Comment, Entry
from livecomments_client.models import Held, Me, Page, Posted

T = TypeVar("T")
POST_TIMEOUT_S = 60.0


def post(
    video: VideoCore,
    text: str,
    *,
    author: str | None = None,
    key: str | None = None,
    timeout: float = POST_TIMEOUT_S,
) -> Flow[Posted | Held]:
    """Post a comment once, however often it has to be sent: under one Idempotency-Key, which is
    `key` or a new one. author: as the server is set; with a token leave it out.

    Tried again for `timeout` seconds: without an answer, after 502 to 504 and too_many_requests, as
    `Retry-After` says. All other refusals are raised at once, with `retry_after` where there is
    one. Raises Problem, Unreachable (then it may be stored all the same), Closed; their `key` is
    that of the post.
    """
    key = key or secrets.token_hex(16)
    body = {"text": text} if author is None else {"text": text, "author": author}
    request = json_request("POST", video.path("comments"), body, headers={"idempotency-key": key})
    try:
        reply = yield from exchange.call(video.context, request, timeout_s=timeout)
        return _posted(reply)
    except LiveCommentsError as exc:
        exc.key = key
        raise


def history(
    video: VideoCore,
    *,
    before: str | None = None,
    after: str | None = None,
    limit: int = 50,
) -> Flow[Page[Comment]]:
    """A page of comments that may be shown, oldest first: the newest ones, or those before or after
    an event id; at most 200. Raises Problem, Unreachable, Closed.
    """
    query = {"before": before, "after": after, "limit": limit}
    request = json_request("GET", video.path("comments"), query=query)
    reply = yield from exchange.call(video.context, request, reads=True)
    return decoded(reply, lambda data: page_of(data, "comments", _stored_comment))


def entries(
    video: VideoCore,
    *,
    before: str | None = None,
    after: str | None = None,
    limit: int = 50,
) -> Flow[Page[Entry]]:
    """A page of the log itself: comments, and what was done to earlier ones. As `history`; entries
    of types that this version does not know are left out.
    """
    query = {"before": before, "after": after, "limit": limit}
    request = json_request("GET", video.path("entries"), query=query)
    reply = yield from exchange.call(video.context, request, reads=True)
    return decoded(reply, lambda data: page_of(data, "entries", _stored_entry))


def comment(video: VideoCore, seq: int) -> Flow[Comment]:
    """The comment with this number. Raises Problem, such as `removed` and `not_found`."""
    request = json_request("GET", video.path(f"comments/{int(seq)}"))
    reply = yield from exchange.call(video.context, request, reads=True)
    return decoded(reply, _stored_comment)


def me(video: VideoCore) -> Flow[Me]:
    """Whether the caller may post now, and who the caller is. Raises Problem, Unreachable."""
    reply = yield from exchange.call(video.context, json_request("GET", video.path("me")))
    return decoded(
        reply,
        lambda data: Me(
            data["may_post"],
            data.get("code"),
            data.get("retry_after_s"),
            data.get("author_id"),
            data.get("name"),
            tuple(data.get("badges", ())),
        ),
    )


def ticket(video: VideoCore) -> Flow[str]:
    """Leave to read this video for some hours, for what sends no headers. Raises Problem."""
    request = json_request("POST", video.path("tickets"))
    reply = yield from exchange.call(video.context, request)
    return decoded(reply, lambda data: str(data["ticket"]))


def decoded(reply: Reply, decode: Callable[[dict[str, Any]], T]) -> T:
    """What a good reply says. Raises Problem if it is not what our server sends."""
    try:
        return decode(body_of(reply))
    except (AttributeError, KeyError, TypeError, ValueError) as exc:
        raise Problem(reply.status, "not_understood", f"The reply lacks {exc}") from exc


def page_of(
    data: dict[str, Any], member: str, decode: Callable[[dict[str, Any]], T | None]
) -> Page[Any]:
    """A page; what `decode` does not know is left out. Raises KeyError, ValueError."""
    items = (decode(item) for item in data[member])
    known = tuple(item for item in items if item is not None)
    return Page(known, data["head"], data["first"], data["last"], data["more"])


def _stored_comment(data: dict[str, Any]) -> Comment:
    return comment_of(data, "history")


def _stored_entry(data: dict[str, Any]) -> Entry | None:
    return entry_of(data.get("type", "comment"), data, "history")


def _posted(reply: Reply) -> Posted | Held:
    if reply.status == 202:
        return decoded(reply, lambda data: Held(data["held"], parse_time(data["expires_at"])))
    replayed = reply.headers.get("idempotency-replayed") == "true"
    return Posted(decoded(reply, comment_of), replayed)
