"""What comes from the store instead of the stream: the history before it, and what it left out.

Invariants: at most one page is kept of what fills a gap; entries come in the order of their numbers
and none twice. A number that the store does not have either is told as a gap where it belongs.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

from livecomments_client._core import calls, exchange
from livecomments_client._core.decode import entry_of
from livecomments_client._core.effects import Flow
from livecomments_client._core.ids import EventId
from livecomments_client._core.session import Missing
from livecomments_client._core.video import VideoCore
from livecomments_client.errors import Problem
from livecomments_client.events import Comment, Event, Gap

PAGE = 200  # the server's own bound
PAGE_TIMEOUT_S = 20.0  # for one page with all its tries; the stream waits meanwhile

Give = Callable[[Event | None, EventId | None], Flow[None]]
_Placed = list[tuple[EventId, Event | None]]
_log = logging.getLogger("livecomments_client")


def newest(video: VideoCore, count: int) -> Flow[tuple[list[Comment], EventId]]:
    """So many of the newest comments, oldest first, and the place in the log that they were read
    at: what happened later comes behind it. Raises Problem, Unreachable.
    """
    page = yield from calls.history(video, limit=min(count, PAGE))
    found, place = list(page.items), EventId.parse(page.head)
    while page.more and len(found) < count:
        missing = min(count - len(found), PAGE)
        page = yield from calls.history(video, before=page.first, limit=missing)
        found = [*page.items, *found]
    return found, place


def fill(video: VideoCore, missing: Missing, give: Give) -> Flow[None]:
    """Give what the store has of these numbers, then the gap: filled, or what is still missing."""
    assert video.cursor is not None  # a number is missing behind something
    epoch, holes = video.cursor.epoch, 0
    last_place = EventId(epoch, missing.last)
    wanted = missing.last - missing.first + 1
    position = EventId(epoch, missing.first - 1)
    more = wanted <= video.wishes.fill
    while more and position.seq < missing.last:
        page, more = yield from _page(video, position)
        page = [item for item in page if position < item[0] <= last_place]
        more = more and bool(page)
        for place, event in page:
            if place.seq > position.seq + 1:  # the store has lost them
                holes += 1
                yield from _tell(give, position, place.seq - 1, missing.reason)
            position = place
            yield from give(event, place)
    if position.seq < missing.last:
        yield from _tell(give, position, missing.last, missing.reason)
    elif not holes:
        whole = Gap(missing.first, missing.last, missing.reason, filled=True)
        yield from give(whole, last_place)


def _tell(give: Give, position: EventId, last: int, reason: str) -> Flow[None]:
    gap = Gap(position.seq + 1, last, reason, filled=False)
    yield from give(gap, EventId(position.epoch, last))


def _page(video: VideoCore, after: EventId) -> Flow[tuple[_Placed, bool]]:
    """Entries behind this place, with None for those of an unknown type, and whether there are
    more; none if they may not be read. If they cannot be read now, the stream ends with that error
    (Problem, Unreachable): the next one comes to the same gap.
    """
    query: dict[str, str | int | None] = {"after": str(after), "limit": PAGE}
    request = exchange.json_request("GET", video.path("entries"), query=query)
    try:
        reply = yield from exchange.call(
            video.context, request, timeout_s=PAGE_TIMEOUT_S, reads=True
        )
        return calls.decoded(reply, lambda data: (_placed(data), bool(data["more"])))
    except Problem as problem:
        if exchange.is_transient(problem):
            raise
        _log.warning("video %s: entries behind %s are refused: %s", video.id, after, problem)
        return [], False


def _placed(data: dict[str, Any]) -> _Placed:
    return [
        (EventId.parse(item["id"]), entry_of(item.get("type", "comment"), item, "history"))
        for item in data["entries"]
    ]
