"""A proxy for DynamoDB's protocol that answers chosen calls with errors, as the service does when
it is asked for too much, or is broken: before it has carried a call out, or after.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import msgspec
from aiohttp import ClientSession, TCPConnector, web

_TYPE = "application/x-amz-json-1.0"
_BATCHES = {"BatchWriteItem": "RequestItems", "BatchGetItem": "RequestItems"}
_LEFT = {"BatchWriteItem": "UnprocessedItems", "BatchGetItem": "UnprocessedKeys"}
_HIDDEN = ("Content-Length", "Transfer-Encoding", "Connection", "Date", "Server")


@dataclass(frozen=True, slots=True)
class Fault:
    """An answer. after: whether the call was carried out, or never reached the server."""

    status: int
    code: str = ""  # "": no answer of the service, but of something on the way
    after: bool = False

    def response(self, signature: str) -> web.Response:
        """It quotes what the call was signed with, as the service may."""
        if not self.code:
            page = "<html><body>Bad Gateway</body></html>"
            return web.Response(status=self.status, text=page, content_type="text/html")
        code = f"com.amazonaws.dynamodb.v20120810#{self.code}"
        said = {"__type": code, "message": f"not with {signature}"}
        return web.Response(
            status=self.status, body=msgspec.json.encode(said), headers={"Content-Type": _TYPE}
        )


THROTTLED = Fault(400, "ProvisionedThroughputExceededException")
BROKEN = Fault(500, "InternalServerError")
AWAY = Fault(503, "ServiceUnavailable")
BAD_GATEWAY = Fault(502)
Picks = Callable[[str, dict[str, Any]], Fault | None]  # an operation, what it is called with


class Injector:
    """`async with Injector(host, port) as injector`: call `injector.port`. pick: what each call is
    answered with, None for what the server says. halving: batches are carried out in part.
    """

    def __init__(self, host: str, port: int) -> None:
        self._url = f"http://{host}:{port}/"
        self._host = host
        self.pick: Picks = lambda _operation, _params: None
        self.halving = False
        self.injected = 0
        self.port = 0

    async def __aenter__(self) -> Injector:
        self._client = ClientSession(connector=TCPConnector(limit=0), auto_decompress=False)
        self._runner = web.ServerRunner(web.Server(self._serve))
        await self._runner.setup()
        site = web.TCPSite(self._runner, self._host, 0)
        await site.start()
        self.port = self._runner.addresses[0][1]
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._runner.cleanup()
        await self._client.close()

    def each(self, operation: str, fault: Fault, *, every: int = 1, times: int = 10**9) -> None:
        """Answer every so-maniest call of an operation like this, so many times at most."""
        seen, done = itertools.count(1), itertools.count()

        def pick(name: str, _params: dict[str, Any]) -> Fault | None:
            if name != operation or next(seen) % every:
                return None
            return fault if next(done) < times else None

        self.pick = pick

    async def _serve(self, request: web.BaseRequest) -> web.StreamResponse:
        body, operation = await request.read(), request.headers["X-Amz-Target"].partition(".")[2]
        fault = self.pick(operation, msgspec.json.decode(body))
        if fault is not None:
            self.injected += 1
            if fault.after:
                await self._ask(request, body)
            return fault.response(request.headers["Authorization"])
        if self.halving and operation in _BATCHES:
            return await self._in_part(request, operation, msgspec.json.decode(body))
        return await self._ask(request, body)

    async def _in_part(
        self, request: web.BaseRequest, operation: str, params: dict[str, Any]
    ) -> web.Response:
        """The first half, rounded up."""
        asked = params[_BATCHES[operation]]
        ((table, wanted),) = asked.items()
        all_of_them = wanted["Keys"] if operation == "BatchGetItem" else wanted
        half = -(-len(all_of_them) // 2)
        some, left = all_of_them[:half], all_of_them[half:]

        def of(them: list[Any]) -> dict[str, Any]:
            return {table: {**wanted, "Keys": them} if operation == "BatchGetItem" else them}

        reply = await self._ask(request, msgspec.json.encode({**params, "RequestItems": of(some)}))
        if reply.status != 200 or not left:
            return reply
        assert isinstance(reply.body, bytes)
        said = msgspec.json.decode(reply.body)
        said[_LEFT[operation]] = of(left)
        self.injected += 1
        return web.Response(body=msgspec.json.encode(said), headers={"Content-Type": _TYPE})

    async def _ask(self, request: web.BaseRequest, body: bytes) -> web.Response:
        headers = {name: value for name, value in request.headers.items() if name not in _HIDDEN}
        async with self._client.post(self._url, data=body, headers=headers) as reply:
            kept = {name: value for name, value in reply.headers.items() if name not in _HIDDEN}
            return web.Response(status=reply.status, body=await reply.read(), headers=kept)
