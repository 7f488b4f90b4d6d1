"""What a flow may ask of its driver, and how a driver runs a flow.

A flow is a generator: it yields an effect, and goes on with the outcome. It never waits by itself,
so the same flow serves threads and event loops.

Invariants: a driver carries out one effect of a flow at a time and gives exactly one outcome back.
It closes what `Open` has opened when the flow ends, however that is, as a flow that is thrown away
cannot ask for anything any more.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from livecomments_client.events import Event

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Request:
    """An HTTP request. path: from the root of the server, already encoded. timeout_s: how long
    there may be no byte; None of `query` is left out.
    """

    method: str
    path: str
    query: Mapping[str, str | int | None] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes | None = None
    timeout_s: float = 10.0


@dataclass(frozen=True, slots=True)
class Reply:
    """Names of headers are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes = b""


class NoAnswer(Exception):
    """Thrown into a flow: the connection failed. reason: "unreachable", "ended" or "silent"."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Send:
    """Outcome: a Reply with its body, or NoAnswer."""

    request: Request


@dataclass(frozen=True, slots=True)
class Open:
    """Outcome: a Reply, or NoAnswer. If it is an event stream its body is left for `Read`, and the
    connection is open until `Shut`, the next `Open` or the end of the flow.
    """

    request: Request


@dataclass(frozen=True, slots=True)
class Read:
    """Outcome: the next bytes of the stream, b"" at its end, or NoAnswer."""


@dataclass(frozen=True, slots=True)
class Shut:
    """Close the stream, if there is one."""


@dataclass(frozen=True, slots=True)
class Sleep:
    """Outcome: None, after so long; Closed if somebody closes the client meanwhile."""

    seconds: float


@dataclass(frozen=True, slots=True)
class AskToken:
    """Ask the application for a token. why: "missing", "expired" or "invalid". Outcome: the token,
    or None.
    """

    why: str


@dataclass(frozen=True, slots=True)
class Emit:
    """Hand this to whoever iterates; goes on when that one asks for the next. Closed is the outcome
    if it was closed before and nobody has got it; changes of state are handed out all the same.
    """

    event: Event


Effect = Send | Open | Read | Shut | Sleep | AskToken | Emit
Flow = Generator[Effect, Any, T]


class Steps(Generic[T]):
    """A flow as a driver sees it: carry `effect` out and `answer` or `refuse`, until it is None;
    `value` is then the flow's result. What the flow raises comes out of these methods.
    """

    def __init__(self, flow: Flow[T]) -> None:
        self._flow = flow
        self.effect: Effect | None = None
        self._value: list[T] = []
        self.answer(None)

    @property
    def value(self) -> T:
        """The result; IndexError before the end."""
        return self._value[0]

    def answer(self, outcome: object) -> None:
        """The effect's outcome."""
        try:
            self.effect = self._flow.send(outcome)
        except StopIteration as end:
            self._finish(end.value)

    def refuse(self, error: Exception) -> None:
        """The effect failed: one of those named at the effect, or what the application raised."""
        try:
            self.effect = self._flow.throw(error)
        except StopIteration as end:
            self._finish(end.value)

    def _finish(self, value: T) -> None:
        self.effect = None
        self._value.append(value)


def send(request: Request) -> Flow[Reply]:
    """`Send`, with the type of its outcome. Raises NoAnswer."""
    reply: Reply = yield Send(request)
    return reply


def open_stream(request: Request) -> Flow[Reply]:
    """`Open`, with the type of its outcome. Raises NoAnswer."""
    reply: Reply = yield Open(request)
    return reply


def read() -> Flow[bytes]:
    """`Read`, with the type of its outcome. Raises NoAnswer."""
    chunk: bytes = yield Read()
    return chunk


def ask_token(why: str) -> Flow[str | None]:
    """`AskToken`, with the type of its outcome."""
    token: str | None = yield AskToken(why)
    return token
