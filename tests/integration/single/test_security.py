"""Which credentials each operation wants: what `/openapi.json` says, and what a process does."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp

from tests.identity_variables import with_keys
from tests.integration.single.single_process import SingleProcess
from tests.support import TIMEOUT_FACTOR, started
from tests.tickets import make_ticket, with_ticket_key
from tests.tokens import Signer, roles

SIGNER = Signer()
TOKEN, TICKET = "BearerToken", "ReadTicket"
READER = f"u_{'B' * 22}"  # not the one of the examples, whose tokens and tickets are revoked
STRICT = {"AUTH": "jwt", "READ_AUTH": "required"}


@dataclass(frozen=True)
class Operation:
    """security: names of the schemes, one of which is enough; "" is nothing at all."""

    name: str
    method: str
    path: str
    body: Any
    security: frozenset[str]


class Site:
    """A process, and what its document says."""

    def __init__(self, port: int, session: aiohttp.ClientSession, document: Any) -> None:
        self._url, self._session, self.document = f"http://127.0.0.1:{port}", session, document

    @property
    def schemes(self) -> dict[str, Any]:
        found: dict[str, Any] = self.document["components"]["securitySchemes"]
        return found

    def operations(self) -> Iterator[Operation]:
        """All of them, as their examples have it."""
        for path, item in (self.document["paths"] | self.document["x-event-streams"]).items():
            shared = [self._find(one) for one in item.get("parameters", ())]
            for method, one in item.items():
                if method != "parameters":
                    yield self._operation(path, method, one, shared)

    async def ask(
        self, operation: Operation, *, token: str = "", ticket: str = ""
    ) -> tuple[int, str]:
        """Status and code; of a stream only its head is read."""
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        async with self._session.request(
            operation.method,
            self._url + operation.path,
            json=operation.body,
            headers=headers,
            params={"ticket": ticket} if ticket else {},
        ) as reply:
            if reply.status < 400:
                return reply.status, ""
            return reply.status, (await reply.json(content_type=None))["code"]

    def _operation(
        self, path: str, method: str, said: Mapping[str, Any], shared: list[Any]
    ) -> Operation:
        for one in [*shared, *map(self._find, said.get("parameters", ()))]:
            if one["in"] == "path":
                path = path.replace(f"{{{one['name']}}}", str(one["example"]))
        content = said.get("requestBody", {}).get("content", {}).get("application/json", {})
        security = frozenset("".join(one) for one in said.get("security", [{}]))
        body = content.get("example")
        return Operation(said["operationId"], method.upper(), path, body, security)

    def _find(self, parameter: Mapping[str, Any]) -> Any:
        name = parameter.get("$ref", "").rpartition("/")[2]
        return self.document["components"]["parameters"][name] if name else parameter


@asynccontextmanager
async def site(folder: Path, **more: str) -> AsyncIterator[Site]:
    variables = with_keys(folder, SIGNER) | with_ticket_key(folder) | more
    timeout = aiohttp.ClientTimeout(total=20 * TIMEOUT_FACTOR)
    async with (
        started(SingleProcess(folder, **variables)) as single,
        aiohttp.ClientSession(timeout=timeout) as session,
        session.get(f"http://127.0.0.1:{single.public}/openapi.json") as reply,
    ):
        yield Site(single.public, session, await reply.json())


def video_of(operation: Operation) -> str:
    parts = operation.path.split("/")
    return parts[3] if parts[2] == "videos" else "v1"


async def test_an_operation_that_may_be_called_by_nobody_in_particular_is_described_so(
    tmp_path: Path,
) -> None:
    """Where the server is as open as it can be; what is sent is checked where it is described."""
    async with site(tmp_path) as at:
        for one in at.operations():
            status, code = await at.ask(one)
            assert (status == 401) == ("" not in one.security), one
            assert status != 401 or code == "token_missing"
            _, code = await at.ask(one, token="x")
            assert (code == "token_invalid") == (TOKEN in one.security), one
            _, code = await at.ask(one, ticket="x")
            assert (code == "ticket_invalid") == (TICKET in one.security), one


async def test_each_scheme_that_is_described_is_enough_and_no_other_is(tmp_path: Path) -> None:
    """Where the server wants as much as it can."""
    async with site(tmp_path, **STRICT) as at:
        token = SIGNER.token(**roles(**{"*": "admin"}))
        for one in at.operations():
            none = await at.ask(one)
            status, _ = await at.ask(one, token=token)
            if none[0] == 401:
                assert (status != 401) == (TOKEN in one.security), (one, status)
            status, _ = await at.ask(one, ticket=make_ticket(video_of(one), author_id=READER))
            if TICKET in one.security:
                assert none[0] == 401, one
                assert status not in (401, 403), one
            else:
                assert status == none[0], one
        # Where nothing is needed even here, nothing is what is described.
        free = {one.name for one in at.operations() if (await at.ask(one))[0] != 401}
        assert free == {"getStanding"}


async def test_the_schemes_are_where_the_document_says(tmp_path: Path) -> None:
    async with site(tmp_path) as at:
        assert set(at.schemes) == {TOKEN, TICKET}
        bearer, ticket = at.schemes[TOKEN], at.schemes[TICKET]
        assert (bearer["type"], bearer["scheme"]) == ("http", "bearer")
        assert (ticket["type"], ticket["in"], ticket["name"]) == ("apiKey", "query", "ticket")
        used = frozenset().union(*(one.security for one in at.operations()))
        assert used == {"", TOKEN, TICKET}
