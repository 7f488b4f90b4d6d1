"""What moderators of a video may call. Each is one flow for both clients, and each sets a state: it
is sent again where the outcome is not known. All raise Problem, Unreachable and Closed.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timezone
from typing import Any, Literal, TypeVar
from urllib.parse import quote

from livecomments_client._core import exchange
from livecomments_client._core.calls import decoded
from livecomments_client._core.decode import (
    comment_of,
    entry_of,
    parse_optional_time,
    parse_time,
    settings_of,
)
from livecomments_client._core.effects import Flow, Reply
from livecomments_client._core.exchange import json_request
from livecomments_client._core.video import VideoCore
from livecomments_client.events import Comment, Pinned, Removed, Settings
from livecomments_client.models import (
    AuditCall,
    AuditPage,
    Decision,
    Filters,
    FilterTest,
    HeldComment,
    Sanction,
    SanctionPage,
    Term,
)

T = TypeVar("T")


def remove(
    video: VideoCore, seqs: int | Sequence[int], *, reason: str | None = None
) -> Flow[list[Removed]]:
    """Remove one comment (authors may remove their own) or up to 500, all or none; the entries that
    did it, also earlier ones. `reason` is public.
    """
    said = {} if reason is None else {"reason": reason}
    if isinstance(seqs, int):
        reply = yield from _call(video, "DELETE", f"comments/{seqs}", said or None)
        return decoded(reply, lambda data: [_entry(Removed, data)])
    reply = yield from _call(video, "POST", "removals", {"seqs": list(seqs), **said})
    return decoded(reply, lambda data: [_entry(Removed, each) for each in data["notices"]])


def restore(video: VideoCore, seq: int) -> Flow[Comment]:
    """Show a removed comment again."""
    reply = yield from _call(video, "POST", f"comments/{int(seq)}/restore")
    return decoded(reply, comment_of)


def sanction(
    video: VideoCore,
    author_id: str,
    *,
    until: datetime | None = None,
    purge: bool = False,
    reason: str | None = None,
) -> Flow[Sanction]:
    """Let an author not post until then (None: for ever); purge: remove the earlier comments."""
    body: dict[str, Any] = {"purge": purge}
    if until is not None:
        body["until"] = _timestamp(until)
    if reason is not None:
        body["reason"] = reason
    reply = yield from _call(video, "PUT", f"sanctions/{quote(author_id, safe='')}", body)
    return decoded(reply, _sanction)


def lift(video: VideoCore, author_id: str) -> Flow[Sanction | None]:
    """Let an author post again; None if nothing was to be lifted."""
    reply = yield from _call(video, "DELETE", f"sanctions/{quote(author_id, safe='')}")
    return decoded(reply, lambda data: _sanction(data) if data else None)


def sanctions(
    video: VideoCore, *, after: str | None = None, limit: int | None = None
) -> Flow[SanctionPage]:
    """Who may not post."""
    query = {"after": after, "limit": limit}
    reply = yield from _call(video, "GET", "sanctions", query=query)
    return decoded(
        reply,
        lambda data: SanctionPage(tuple(map(_sanction, data["sanctions"])), data["more"]),
    )


def pin(video: VideoCore, seq: int) -> Flow[Pinned]:
    """Show this comment above the others."""
    reply = yield from _call(video, "PUT", "pin", {"seq": seq})
    return decoded(reply, lambda data: _entry(Pinned, data))


def unpin(video: VideoCore) -> Flow[Pinned | None]:
    """Show none above the others; None if nothing was ever pinned."""
    reply = yield from _call(video, "DELETE", "pin")
    return decoded(reply, lambda data: _entry(Pinned, data) if data else None)


def settings(video: VideoCore) -> Flow[Settings]:
    """The rules of the video, with their etag. Whoever may read may ask."""
    reply = yield from _call(video, "GET", "settings")
    return decoded(reply, lambda data: settings_of(data, reply.headers.get("etag")))


def update_settings(
    video: VideoCore,
    /,
    *,
    if_match: str | None = None,
    **changes: int | bool,
) -> Flow[Settings]:
    """Change those that are named, such as `slow_mode_s=30`; all of them as they are then. With
    `if_match` only if nobody has changed them meanwhile (412).
    """
    reply = yield from _call(video, "PATCH", "settings", changes, if_match=if_match)
    return decoded(reply, lambda data: settings_of(data, reply.headers.get("etag")))


def held(video: VideoCore, *, limit: int | None = None) -> Flow[list[HeldComment]]:
    """Comments that wait for a moderator, oldest first."""
    reply = yield from _call(video, "GET", "held", query={"limit": limit})
    return decoded(reply, lambda data: [_held(each) for each in data["held"]])


def decide(video: VideoCore, held_id: str, decision: Literal["approve", "deny"]) -> Flow[Decision]:
    """Post a held comment, or not. Problem `decided` if somebody else has decided otherwise."""
    body = {"decision": decision}
    reply = yield from _call(video, "POST", f"held/{quote(held_id, safe='')}", body)
    return decoded(reply, _decision)


def filters(video: VideoCore) -> Flow[Filters]:
    """The terms that comments are held or refused for."""
    reply = yield from _call(video, "GET", "filters")
    return decoded(reply, lambda data: _filters(data, reply))


def set_filters(
    video: VideoCore, terms: Sequence[Term], *, if_match: str | None = None
) -> Flow[Filters]:
    """Put these in place of all terms; `if_match` as for settings."""
    body = {"terms": [{"term": t.term, "kind": t.kind, "action": t.action} for t in terms]}
    reply = yield from _call(video, "PUT", "filters", body, if_match=if_match)
    return decoded(reply, lambda data: _filters(data, reply))


def test_filters(video: VideoCore, text: str) -> Flow[FilterTest]:
    """What would become of this text."""
    reply = yield from _call(video, "POST", "filters/test", {"text": text})
    return decoded(reply, lambda data: FilterTest(data["action"], tuple(data["terms"])))


def audit(
    video: VideoCore, *, before: str | None = None, limit: int | None = None
) -> Flow[AuditPage]:
    """Who did what, newest first."""
    reply = yield from _call(video, "GET", "audit", query={"before": before, "limit": limit})
    return decoded(reply, _audit)


def _call(
    video: VideoCore,
    method: str,
    rest: str,
    body: dict[str, Any] | None = None,
    *,
    query: dict[str, str | int | None] | None = None,
    if_match: str | None = None,
) -> Flow[Reply]:
    headers = {} if if_match is None else {"if-match": if_match}
    request = json_request(method, video.path(rest), body, query=query, headers=headers)
    return (yield from exchange.call(video.context, request))


def _timestamp(time: datetime) -> str:
    if time.tzinfo is None:
        raise ValueError("`until` needs a time zone, such as datetime.timezone.utc")
    return time.astimezone(timezone.utc).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _entry(kind: type[T], data: dict[str, Any]) -> T:
    entry = entry_of(data["type"], data)
    if not isinstance(entry, kind):
        raise ValueError(f"an entry {kind.__name__}")
    return entry


def _sanction(data: dict[str, Any]) -> Sanction:
    return Sanction(
        data["author_id"],
        parse_optional_time(data["until"]),
        data["purge"],
        data.get("by"),
        parse_optional_time(data.get("at")),
        data.get("reason"),
    )


def _held(data: dict[str, Any]) -> HeldComment:
    return HeldComment(
        data["id"],
        data["author"],
        data["text"],
        parse_time(data["held_at"]),
        parse_time(data["expires_at"]),
        data.get("author_id"),
        data.get("guest", False),
    )


def _decision(data: dict[str, Any]) -> Decision:
    comment = data.get("comment")
    return Decision(data["id"], data["state"], None if comment is None else comment_of(comment))


def _filters(data: dict[str, Any], reply: Reply) -> Filters:
    terms = tuple(Term(each["term"], each["kind"], each["action"]) for each in data["terms"])
    return Filters(terms, reply.headers.get("etag"))


def _audit(data: dict[str, Any]) -> AuditPage:
    calls = tuple(
        AuditCall(
            parse_time(each["at"]),
            each["by"],
            each["action"],
            each["request_id"],
            each["what"],
            each.get("refused"),
        )
        for each in data["calls"]
    )
    return AuditPage(calls, data.get("before"), data["more"])
