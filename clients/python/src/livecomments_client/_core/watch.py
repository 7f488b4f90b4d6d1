"""The flow of an iterator: open the stream, hand its events out, and come back after any end.

Invariants: the cursor moves just before an event is handed out, never earlier, so whoever stops
there goes on behind it. Every wait is bounded: a stream that is silent for SILENCE_S is over, and
the next attempt has a jittered delay. Only a refusal that will not change ends the flow.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass

from livecomments_client._core import calls, filling
from livecomments_client._core.access import TICKET_REFUSED
from livecomments_client._core.backoff import FIRST_RETRY_S, Reconnects
from livecomments_client._core.effects import (
    Emit,
    Flow,
    NoAnswer,
    Reply,
    Request,
    Shut,
    Sleep,
    open_stream,
    read,
)
from livecomments_client._core.exchange import problem_of
from livecomments_client._core.ids import EventId
from livecomments_client._core.session import Bye, Deliver, Finding, Hello, Missing, findings
from livecomments_client._core.sse import EventTooLarge, SseParser
from livecomments_client._core.state import ConnectionState
from livecomments_client._core.video import VideoCore
from livecomments_client.errors import Closed, Problem, Unreachable
from livecomments_client.events import Event, State

YOUNG_S = 5.0  # a ticket that ends earlier is no reason to be back at once
SILENCE_S = 8.0  # heartbeats come every 3 s; the gateway gives up after as long

_EXPIRED = "expired"
_AGAIN_LATER = frozenset({408, 425, 429})
_log = logging.getLogger("livecomments_client")


@dataclass(frozen=True, slots=True)
class End:
    """How an attempt ended. least_s: how long the server wants us to wait at least."""

    reason: str
    least_s: float = 0.0
    at_once: bool = False


def watch(video: VideoCore) -> Flow[None]:
    """All events of a video from its cursor on, until it is closed. Raises Problem for what will
    not change by itself, and what the application's source of tokens raises.
    """
    # Its own: an iterator that was left may be finished later than the next one begins.
    connection = video.connection = ConnectionState()
    reader = _Reader(video, connection)
    try:
        yield from reader.enter(State.CONNECTING, "")
        yield from reader.run()
    except Closed:
        yield from reader.enter(State.CLOSED, "client")
    except Problem as problem:
        yield from reader.enter(State.CLOSED, problem.code)
        raise
    except Exception:
        yield from reader.enter(State.CLOSED, "failed")
        raise
    finally:  # also if nobody asks for more: then nothing can be handed out any more
        connection.change(State.CLOSED, connection.reason if connection.is_closed else "client")


class _Reader:
    """One iterator's attempts, one after the other."""

    def __init__(self, video: VideoCore, connection: ConnectionState) -> None:
        self._video, self._connection = video, connection
        self._reconnects = Reconnects()
        self._has_history = video.cursor is not None or video.wishes.history == 0
        self._said_hello = False

    def enter(self, state: State, reason: str) -> Flow[None]:
        """Be in this state for this reason, and say so if it is another state."""
        known = self._connection.reason
        changed = self._connection.change(state, reason)
        if changed is None and reason != known:  # a mistake in the URL would say nothing for ever
            _log.warning("video %s: still %s (%s)", self._video.id, state, reason)
        elif changed is not None:
            _log.info("video %s: %s (%s)", self._video.id, state, reason)
            yield Emit(changed)

    def run(self) -> Flow[None]:
        """One attempt after the other; ends only by an exception."""
        while True:
            self._said_hello = False
            end = yield from self._attempt()
            yield Shut()
            if not self._said_hello:
                self._reconnects.note_failure()
            yield from self._lost(end)
            if not end.at_once:
                yield Sleep(self._reconnects.delay_s(end.least_s))

    def _lost(self, end: End) -> Flow[None]:
        """Until it was live for the first time it is still connecting."""
        state = self._connection.state
        yield from self.enter(State.RECOVERING if state is State.LIVE else state, end.reason)

    def _attempt(self) -> Flow[End]:
        try:
            if not self._has_history:
                yield from self._give_history()
            yield from self._open()
            return (yield from self._read())
        except NoAnswer as exc:
            return End(exc.reason)
        except Unreachable:
            return End("unreachable")
        except EventTooLarge:
            return End("ended")
        except Problem as problem:
            if 400 <= problem.status < 500 and problem.status not in _AGAIN_LATER:
                raise
            return End(problem.code, problem.retry_after or 0.0)

    def _give_history(self) -> Flow[None]:
        """The newest comments of the store, then the stream from where the store was."""
        comments, place = yield from filling.newest(self._video, self._video.wishes.history)
        self._has_history = True
        for comment in comments:
            yield from self._give(comment, EventId.parse(comment.id))
        self._video.cursor = place

    def _open(self) -> Flow[None]:
        """With a ticket if streams need one; one that was refused is replaced, once. Raises Problem
        also for what is no stream although it is a 200: somebody else has answered.
        """
        ticket = self._video.ticket
        fresh = False
        while True:
            if ticket.needed and ticket.value is None:
                value = yield from calls.ticket(self._video)
                ticket.keep(value, self._video.context.clock())
                fresh = True
            reply = yield from open_stream(self._request())
            if is_stream(reply):
                return
            problem = problem_of(reply)
            renewable = problem.code in TICKET_REFUSED and self._video.context.access.has_tokens
            if fresh or not renewable:
                raise problem
            ticket.drop()

    def _request(self) -> Request:
        video = self._video
        headers = {"accept": "text/event-stream", "cache-control": "no-store"}
        if video.cursor is not None:
            headers["last-event-id"] = str(video.cursor)
        replay = video.wishes.history or video.wishes.replay  # also after a reset
        query = {"replay": replay, "ticket": video.ticket.value}
        return Request("GET", video.path("stream"), query, headers, None, SILENCE_S)

    def _read(self) -> Flow[End]:
        parser = SseParser()
        while True:
            chunk = yield from read()
            if not chunk:
                return End("ended")
            for event in parser.feed(chunk):
                self._reconnects.note_retry(parser.retry_ms)
                for finding in findings(self._video, event):
                    if isinstance(finding, Bye):
                        return self._bye(finding)
                    yield from self._carry_out(finding)

    def _bye(self, bye: Bye) -> End:
        if bye.reason != _EXPIRED:
            return End(bye.reason, self._reconnects.retry_s)
        # Its `retry` is for those who do not fetch another ticket.
        self._reconnects.retry_s = FIRST_RETRY_S
        lived_s = self._video.context.clock() - self._video.ticket.since
        self._video.ticket.drop()
        return End(_EXPIRED, at_once=lived_s > YOUNG_S)

    def _carry_out(self, finding: Finding) -> Flow[None]:
        if isinstance(finding, Deliver):
            yield from self._give(finding.event, finding.cursor)
        elif isinstance(finding, Missing):
            yield from filling.fill(self._video, finding, self._give)
        elif isinstance(finding, Hello):
            self._said_hello = True
            self._reconnects.note_hello()
            yield from self.enter(State.LIVE, "")

    def _give(self, event: Event | None, cursor: EventId | None) -> Flow[None]:
        before = self._video.cursor
        if cursor is not None:
            self._video.cursor = cursor
        if event is not None:
            self._video.facts.note(event)
            try:
                yield Emit(event)
            except Closed:  # nobody has got it
                self._video.cursor = before
                raise


def is_stream(reply: Reply) -> bool:
    """Whether a reply is an event stream, whose body is still to be read."""
    kind = reply.headers.get("content-type", "").partition(";")[0].strip().lower()
    return reply.status == 200 and kind == "text/event-stream"
