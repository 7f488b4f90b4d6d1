"""Carries a flow's effects out with `await`.

Invariants: one driver serves one flow. What it waits for is in a cancel scope of its own, so that
`interrupt` ends exactly that wait, and a cancelled task is cancelled as usual. A scope is never
open while an iterator hands something out.
"""

from __future__ import annotations

import inspect
from collections.abc import AsyncGenerator
from typing import TypeVar, cast

import anyio
import httpx

from livecomments_client import _http
from livecomments_client._core.access import AsyncTokenSource
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


class AsyncDriver:
    """`http` belongs to whoever made it."""

    def __init__(self, http: httpx.AsyncClient, base: str, tokens: AsyncTokenSource | None) -> None:
        self._http, self._base, self._tokens = http, base, tokens
        self._response: httpx.Response | None = None
        self._chunks: AsyncGenerator[bytes, None] | None = None
        self._scope: anyio.CancelScope | None = None
        self._interrupted = False

    def interrupt(self) -> None:
        """End what is waited for, and the flow with it (Closed). From the same event loop."""
        self._interrupted = True
        if self._scope is not None:
            self._scope.cancel()

    async def run(self, flow: Flow[T]) -> T:
        """The result of a flow that hands nothing out."""
        try:
            steps = Steps(flow)
            while steps.effect is not None:
                await self._step(steps, steps.effect)
            return steps.value
        finally:
            flow.close()

    async def iterate(self, flow: Flow[None]) -> AsyncGenerator[Event, None]:
        """What a flow hands out. Whatever ends it, the stream is closed and the flow too."""
        try:
            steps = Steps(flow)
            while (effect := steps.effect) is not None:
                if not isinstance(effect, Emit):
                    await self._step(steps, effect)
                elif self._interrupted and not isinstance(effect.event, StateChanged):
                    steps.refuse(Closed(_WHY))
                else:
                    yield effect.event
                    steps.answer(None)
        finally:
            flow.close()
            with anyio.CancelScope(shield=True):  # it only closes a socket
                await self._shut()

    async def _step(self, steps: Steps[T], effect: Effect) -> None:
        try:
            outcome = await self._guarded(effect)
        except Exception as exc:  # the flow's own, or what the source of tokens has raised
            steps.refuse(exc)
        else:
            steps.answer(outcome)

    async def _guarded(self, effect: Effect) -> object:
        if self._interrupted:
            raise Closed(_WHY)
        with anyio.CancelScope() as scope:
            self._scope = scope
            try:
                return await self._carry_out(effect)
            except httpx.RequestError as exc:
                raise _http.no_answer(exc) from exc
            finally:
                self._scope = None
        raise Closed(_WHY)

    async def _carry_out(self, effect: Effect) -> object:
        if isinstance(effect, Send):
            return await self._send(effect)
        if isinstance(effect, Open):
            return await self._open(effect)
        if isinstance(effect, Read):
            assert self._chunks is not None
            return await anext(self._chunks, b"")
        if isinstance(effect, Sleep):
            await anyio.sleep(effect.seconds)
            return None
        if isinstance(effect, AskToken):
            return await self._ask_token(effect.why)
        await self._shut()
        return None

    async def _send(self, effect: Send) -> Reply:
        request = self._http.build_request(**_http.request_options(self._base, effect.request))
        response = await self._http.send(request)
        return _http.reply_of(response, response.content)

    async def _open(self, effect: Open) -> Reply:
        await self._shut()
        request = self._http.build_request(**_http.request_options(self._base, effect.request))
        self._response = response = await self._http.send(request, stream=True)
        reply = _http.reply_of(response)
        if is_stream(reply):
            # httpx calls it an iterator; it is a generator, which has to be closed.
            self._chunks = cast("AsyncGenerator[bytes, None]", response.aiter_raw())
            return reply
        return _http.reply_of(response, await response.aread())

    async def _ask_token(self, why: str) -> str | None:
        assert callable(self._tokens)
        token = self._tokens(why)
        return await token if inspect.isawaitable(token) else token

    async def _shut(self) -> None:
        response, self._response = self._response, None
        chunks, self._chunks = self._chunks, None
        if chunks is not None:
            await chunks.aclose()
        if response is not None:
            await response.aclose()
