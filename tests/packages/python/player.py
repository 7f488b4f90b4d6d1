"""Runs a flow of the Python client without any I/O: a test says what each effect comes to."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar

from livecomments_client._core.access import Access
from livecomments_client._core.effects import (
    AskToken,
    Effect,
    Emit,
    Flow,
    NoAnswer,
    Open,
    Read,
    Reply,
    Request,
    Send,
    Shut,
    Sleep,
    Steps,
)
from livecomments_client._core.exchange import Context
from livecomments_client._core.video import VideoCore, Wishes
from livecomments_client.events import Event

T = TypeVar("T")
EPOCH = "abcdefghijkl"
STREAM = {"content-type": "text/event-stream; charset=utf-8"}
MAX_STEPS = 100_000


class Player:
    """Serves the effects of flows. What is scripted is used up in its order.

    replies: to `Send` and `Open`, a Reply, an error to throw, or a function of the request.
    chunks: to `Read`; when they are over the stream ends. tokens: to `AskToken`.
    """

    def __init__(self, token: object = None) -> None:
        self.now = 1_000.0
        self.replies: list[Any] = []
        self.chunks: list[bytes | Exception] = []
        self.tokens: list[str | None] = []
        self.asked: list[str] = []
        self.requests: list[Request] = []
        self.slept: list[float] = []
        self.events: list[Event] = []
        self.shut = 0
        source = token if token is None or isinstance(token, str) else (lambda why: None)
        self.context = Context(Access(source), clock=lambda: self.now)

    def video(self, *, cursor: str | None = None, **wishes: int) -> VideoCore:
        return VideoCore(self.context, "v1", Wishes(**wishes), cursor)

    def run(self, flow: Flow[T], *, until: Callable[[], object] = lambda: False) -> T | None:
        """Its result; None if `until` came true first, and the flow was left there."""
        steps = Steps(flow)
        for _ in range(MAX_STEPS):
            if steps.effect is None:
                return steps.value
            try:
                outcome = self.outcome(steps.effect)
            except Exception as exc:
                steps.refuse(exc)
                continue
            if until():
                flow.close()
                return None
            steps.answer(outcome)
        raise AssertionError("the flow does not end")

    def outcome(self, effect: Effect) -> object:
        if isinstance(effect, Send | Open):
            self.requests.append(effect.request)
            return self._reply(effect.request)
        if isinstance(effect, Read):
            return self._chunk()
        if isinstance(effect, Sleep):
            self.slept.append(effect.seconds)
            self.now += effect.seconds
        elif isinstance(effect, AskToken):
            self.asked.append(effect.why)
            return self.tokens.pop(0)
        elif isinstance(effect, Emit):
            self.events.append(effect.event)
        else:
            assert isinstance(effect, Shut)
            self.shut += 1
        return None

    def _reply(self, request: Request) -> object:
        assert self.replies, f"nobody expected {request}"
        reply = self.replies.pop(0)
        if isinstance(reply, Exception):
            raise reply
        return reply(request) if callable(reply) else reply

    def _chunk(self) -> bytes:
        chunk = self.chunks.pop(0) if self.chunks else b""
        if isinstance(chunk, Exception):
            raise chunk
        return chunk

    def sent(self, name: str) -> list[str | None]:
        """A header of every request."""
        return [request.headers.get(name) for request in self.requests]


def reply(status: int, body: object = None, **headers: str) -> Reply:
    """As our server sends it."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Reply(status, named, b"" if body is None else json.dumps(body).encode())


def problem(status: int, code: str, **headers: str) -> Reply:
    return reply(status, {"title": "No", "status": status, "code": code}, **headers)


def opened() -> Reply:
    return Reply(200, STREAM)


def frame(event: str, data: object, event_id: str | None = None, retry_ms: int = 0) -> bytes:
    lines = [f"retry: {retry_ms}"] if retry_ms else []
    lines += [f"id: {event_id}"] if event_id else []
    return "\n".join([*lines, f"event: {event}", f"data: {json.dumps(data)}", "", ""]).encode()


def hello(seq: int, *, epoch: str = EPOCH, head: int = 0, retry_ms: int = 0) -> bytes:
    data = {"video_id": "v1", "node_id": "node-1", "epoch": epoch, "head": f"{epoch}-{head}"}
    return frame("hello", data, f"{epoch}-{seq}", retry_ms)


def entry(seq: int, kind: str = "comment", epoch: str = EPOCH, **members: Any) -> dict[str, Any]:
    known = {"id": f"{epoch}-{seq}", "video_id": "v1", "seq": seq}
    known |= {"created_at": "2026-11-24T01:43:01.132Z"}
    if kind == "comment":
        return known | {"author": "ann", "text": f"comment {seq}"} | members
    return known | {"type": kind} | members


def sse(*entries: Mapping[str, Any]) -> bytes:
    frames = (frame(one.get("type", "comment"), one, one["id"]) for one in entries)
    return b"".join(frames)


def page(entries: Iterable[Mapping[str, Any]], *, more: bool, member: str = "entries") -> Reply:
    items = list(entries)
    first = items[0]["id"] if items else f"{EPOCH}-0"
    last = items[-1]["id"] if items else f"{EPOCH}-0"
    return reply(200, {member: items, "head": last, "first": first, "last": last, "more": more})


def lost(reason: str = "ended") -> NoAnswer:
    return NoAnswer(reason)
