"""Carries a flow's effects out by waiting, in the thread that asks.

Invariants: one driver serves one flow, in one thread at a time; only `interrupt` may be called by
others. A thread that waits for a stream is woken by shutting its socket down, as closing it from
another thread wakes nobody.
"""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Generator, Iterator
from typing import TypeVar

import httpx

from livecomments_client import _http
from livecomments_client._core.access import TokenSource
from livecomments_client._core.effects import (
    AskToken,
    Effect,
    Emit,
    Flow,
    Open,
    Read,
    Reply,
    Send,
    Sleep,
    Steps,
)
from livecomments_client._core.watch import is_stream
from livecomments_client.errors import Closed
from livecomments_client.events import Event, StateChanged

T = TypeVar("T")
_WHY = "the client was closed"


class SyncDriver:
    """`http` belongs to whoever made it."""

    def __init__(self, http: httpx.Client, base: str, tokens: TokenSource | None) -> None:
        self._http, self._base, self._tokens = http, base, tokens
        self._interrupted = threading.Event()
        self._lock = threading.Lock()  # of `_response`, which `interrupt` reads
        self._response: httpx.Response | None = None
        self._chunks: Iterator[bytes] | None = None

    def interrupt(self) -> None:
        """End the flow (Closed): at once if it sleeps or reads a stream, else when its request has
        its reply or its timeout. From any thread.
        """
        self._interrupted.set()
        with self._lock:
            if self._response is not None:
                _wake_reader(self._response)

    def run(self, flow: Flow[T]) -> T:
        """The result of a flow that hands nothing out."""
        try:
            steps = Steps(flow)
            while steps.effect is not None:
                self._step(steps, steps.effect)
            return steps.value
        finally:
            flow.close()

    def iterate(self, flow: Flow[None]) -> Generator[Event, None, None]:
        """What a flow hands out. Whatever ends it, the stream is closed and the flow too."""
        try:
            steps = Steps(flow)
            while (effect := steps.effect) is not None:
                if not isinstance(effect, Emit):
                    self._step(steps, effect)
                elif self._interrupted.is_set() and not isinstance(effect.event, StateChanged):
                    steps.refuse(Closed(_WHY))
                else:
                    yield effect.event
                    steps.answer(None)
        finally:
            flow.close()
            self._shut()

    def _step(self, steps: Steps[T], effect: Effect) -> None:
        try:
            outcome = self._guarded(effect)
        except Exception as exc:  # the flow's own, or what the source of tokens has raised
            steps.refuse(exc)
        else:
            steps.answer(outcome)

    def _guarded(self, effect: Effect) -> object:
        self._check()
        try:
            outcome = self._carry_out(effect)
        except httpx.RequestError as exc:
            self._check()  # its connection was shut down by `interrupt`
            raise _http.no_answer(exc) from exc
        except RuntimeError:  # httpx has no other for a client that was closed
            self._check()
            raise
        if not isinstance(effect, Send):  # what was answered is told, whatever happened meanwhile
            self._check()
        return outcome

    def _check(self) -> None:
        if self._interrupted.is_set():
            raise Closed(_WHY)

    def _carry_out(self, effect: Effect) -> object:
        if isinstance(effect, Send):
            return self._send(effect)
        if isinstance(effect, Open):
            return self._open(effect)
        if isinstance(effect, Read):
            assert self._chunks is not None
            return next(self._chunks, b"")
        if isinstance(effect, Sleep):
            return self._interrupted.wait(effect.seconds)
        if isinstance(effect, AskToken):
            assert callable(self._tokens)
            return self._tokens(effect.why)
        self._shut()
        return None

    def _send(self, effect: Send) -> Reply:
        request = self._http.build_request(**_http.request_options(self._base, effect.request))
        response = self._http.send(request)
        return _http.reply_of(response, response.content)

    def _open(self, effect: Open) -> Reply:
        self._shut()
        request = self._http.build_request(**_http.request_options(self._base, effect.request))
        response = self._http.send(request, stream=True)
        with self._lock:
            self._response = response
        reply = _http.reply_of(response)
        if is_stream(reply):
            self._chunks = response.iter_raw()
            return reply
        return _http.reply_of(response, response.read())

    def _shut(self) -> None:
        with self._lock:
            response, self._response = self._response, None
        self._chunks = None
        if response is not None:
            response.close()


def _wake_reader(response: httpx.Response) -> None:
    """Its reader finds the end of the connection. Without a socket (an application's own transport)
    it finds out at its read timeout.
    """
    stream = response.extensions.get("network_stream")
    found = None if stream is None else stream.get_extra_info("socket")
    if isinstance(found, socket.socket):
        # Not the method of a TLS socket, which would take the connection from under the reader.
        with contextlib.suppress(OSError):
            socket.socket.shutdown(found, socket.SHUT_RDWR)
