"""Reading with tickets and tokens at a real process, and that neither is in a log."""

from __future__ import annotations

import json
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.identity_variables import with_keys
from tests.integration.single.client import Connection
from tests.integration.single.single_process import SingleProcess
from tests.raw_http import Reply, head
from tests.support import eventually, started
from tests.tickets import encoded, hostile, make_ticket, with_ticket_key
from tests.tokens import Signer, roles

ANN = Signer()
PATHS = ("comments", "entries", "comments/1", "viewers", "settings")


def variables(folder: Path, **more: str) -> dict[str, str]:
    required = {"READ_AUTH": "required", "LOG_LEVEL": "debug"}
    return with_keys(folder, ANN) | with_ticket_key(folder) | required | more


@pytest.fixture
async def single(tmp_path: Path) -> AsyncIterator[SingleProcess]:
    async with started(SingleProcess(tmp_path, **variables(tmp_path))) as single:
        async with await single.connect() as connection:
            assert (await connection.post()).status == 201
        yield single


async def ask(single: SingleProcess, target: str, *lines: str, method: str = "GET") -> Reply:
    async with await single.connect() as connection:
        return await connection.ask(head(method, target, *lines))


async def read(single: SingleProcess, what: str, query: str = "", token: str = "") -> Reply:
    lines = [f"Authorization: Bearer {token}"] if token else []
    return await ask(single, f"/v1/videos/v/{what}{query}", *lines)


async def ticket(single: SingleProcess, token: str, video: str = "v") -> Reply:
    lines = [f"Authorization: Bearer {token}"] if token else []
    return await ask(single, f"/v1/videos/{video}/tickets", *lines, method="POST")


def told(reply: Reply) -> tuple[int, str]:
    return reply.status, reply.json()["code"]


async def test_a_token_gets_a_ticket_and_a_ticket_gets_a_stream(single: SingleProcess) -> None:
    reply = await ticket(single, ANN.token())
    assert (reply.status, reply.headers["cache-control"]) == (200, "no-store")
    given = reply.json()
    assert list(given) == ["ticket", "expires_at"]
    left = datetime.fromisoformat(given["expires_at"]) - datetime.now(UTC)
    assert timedelta(hours=3.9) < left <= timedelta(hours=4)
    async with await single.connect() as viewer:
        await viewer.watch(f"/v1/videos/v/stream?ticket={given['ticket']}")
        assert (await viewer.event()).type == "hello"
        assert (await viewer.event()).type == "comment"
    for what in PATHS:
        assert (await read(single, what, f"?ticket={given['ticket']}")).status == 200


async def test_who_gets_no_ticket(single: SingleProcess) -> None:
    wrong = [
        ("", 401, "token_missing"),
        ("x.y.z", 401, "token_invalid"),
        (ANN.token(exp=1), 401, "token_expired"),
        (ANN.token(**roles(w="owner")), 403, "forbidden"),
    ]
    for token, status, code in wrong:
        assert told(await ticket(single, token)) == (status, code)


async def test_roles_say_what_may_be_read(single: SingleProcess) -> None:
    """The weakest role is enough; a token without roles reads everything."""
    for token in (ANN.token(**roles(v="viewer")), ANN.token(name=None)):
        assert (await ticket(single, token)).status == 200
        assert (await read(single, "comments", token=token)).status == 200
    assert told(await read(single, "comments", token=ANN.token(**roles(w="admin")))) == (
        403, "forbidden",
    )  # fmt: skip


@pytest.mark.parametrize("what", PATHS)
async def test_nothing_is_read_without_leave(single: SingleProcess, what: str) -> None:
    """As streams have it, but that a token would do too, and any number of fields is read."""
    as_there = hostile("v")
    del as_there["too many fields"], as_there["10 KiB"]
    for name, (query, status, code) in as_there.items():
        expected = (401, "token_missing") if code == "ticket_missing" else (status, code)
        assert told(await read(single, what, f"?{query}")) == expected, name


@pytest.mark.parametrize("what", PATHS)
async def test_a_ticket_of_10_kib_is_more_than_a_line_may_have(
    single: SingleProcess, what: str
) -> None:
    assert told(await read(single, what, f"?ticket={'x' * 10_240}")) == (400, "bad_request")


@pytest.mark.parametrize("what", PATHS)
async def test_a_ticket_that_is_over_is_told_where_it_can_be(
    single: SingleProcess, what: str
) -> None:
    over = f"?ticket={make_ticket('v', -1)}"
    assert told(await read(single, what, over)) == (401, "ticket_expired")
    assert told(await read(single, what, over, ANN.token())) == (401, "ticket_expired")
    good = f"?ticket={encoded(make_ticket('v'))}"
    assert (await read(single, what, good)).status == 200
    assert told(await read(single, what, good, "x.y.z")) == (401, "token_invalid")


async def test_where_reading_is_open_all_is_as_before_and_what_is_sent_is_checked(
    tmp_path: Path,
) -> None:
    environ = variables(tmp_path, READ_AUTH="open")
    async with started(SingleProcess(tmp_path, **environ)) as single:
        for what in ("comments", "entries"):
            assert (await read(single, what)).status == 200
            assert told(await read(single, what, "?ticket=x")) == (401, "ticket_invalid")
            assert told(await read(single, what, token="x.y.z")) == (401, "token_invalid")
            assert (await read(single, what, token=ANN.token(**roles(w="owner")))).status == 200
        assert (await ticket(single, ANN.token())).status == 200


async def test_without_keys_there_are_no_tickets(tmp_path: Path) -> None:
    async with started(SingleProcess(tmp_path, **with_keys(tmp_path, ANN))) as single:
        assert told(await ticket(single, ANN.token())) == (404, "not_found")
        assert told(await read(single, "comments", f"?ticket={make_ticket('v')}")) == (
            401, "ticket_invalid",
        )  # fmt: skip


async def test_tickets_live_as_long_as_is_said(tmp_path: Path) -> None:
    environ = variables(tmp_path, TICKET_HOURS="0.5")
    async with started(SingleProcess(tmp_path, **environ)) as single:
        given = (await ticket(single, ANN.token())).json()
    ends = datetime.fromisoformat(given["expires_at"]).timestamp()
    assert 1700 < ends - time.time() <= 1800


@pytest.mark.parametrize("style", ["json", "console"])
async def test_no_ticket_and_no_token_is_in_a_log(tmp_path: Path, style: str) -> None:
    """Accepted or refused, on streams and elsewhere, and where something breaks."""
    environ = variables(tmp_path, LOG_FORMAT=style)
    token, given = ANN.token(), ""
    tickets = [make_ticket("v"), make_ticket("v", -1), make_ticket("w"), "secr3tGarbage"]
    async with started(SingleProcess(tmp_path, **environ)) as single:
        given = (await ticket(single, token)).json()["ticket"]
        async with await single.connect() as viewer:
            await viewer.watch(f"/v1/videos/v/stream?ticket={given}")
            assert (await viewer.event()).type == "hello"
            for each in (given, *tickets):
                await watch_once(single, each)
                await read(single, "comments", f"?ticket={each}")
                await read(single, "nothing", f"?ticket={each}", token)
            text = [(await single.ops_reply(path)).body.decode() for path in ("/metrics", "/state")]
        single.break_store()  # a read fails, and is logged
        failed = await read(single, "comments", f"?ticket={given}", token)
        assert failed.status == 503
        await eventually(lambda: "request_refused" in single.log.read_text())
    log = single.log.read_text()
    assert 'tickets_refused_total{code="ticket_foreign"} 2.0' in text[0]
    assert "tickets_issued_total 1.0" in text[0]
    for secret in (given, *tickets, *token.split(".")):
        assert secret not in "".join([log, *text])


async def watch_once(single: SingleProcess, ticket: str) -> None:
    """Open a stream, as far as it opens."""
    async with await single.connect() as viewer:
        await viewer.watch(f"/v1/videos/v/stream?ticket={ticket}")


async def test_a_stream_that_follows_a_request_on_one_connection_is_checked_too(
    single: SingleProcess,
) -> None:
    async with await single.connect() as connection:
        assert isinstance(connection, Connection)
        page = await connection.ask(head("GET", f"/v1/videos/v/comments?ticket={make_ticket('v')}"))
        assert page.status == 200
        refused = await connection.watch("/v1/videos/v/stream?ticket=x")
        assert told(refused) == (401, "ticket_invalid")
    async with await single.connect() as connection:
        assert (await connection.ask(head("GET", "/healthz"))).status == 200
        await connection.watch(f"/v1/videos/v/stream?ticket={make_ticket('v')}")
        assert json.loads((await connection.event()).data)["video_id"] == "v"
