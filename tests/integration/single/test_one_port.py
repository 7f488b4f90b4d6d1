"""The public contract on one port: whatever a connection asks for first, and whatever next."""

from __future__ import annotations

import asyncio
import json

import pytest

from tests.integration.single.client import GOOD, JSON, Connection, post_bytes
from tests.integration.single.conftest import Single, StartSingle
from tests.raw_http import Reply, head
from tests.support import eventually
from wire.sse import CONTENT_TYPE

STREAM = "/v1/videos/v/stream"
COMMENTS = "/v1/videos/v/comments"
ORIGIN = "Origin: https://watch.example"


@pytest.fixture(params=["first", "kept_alive"])
async def connection(single: Single, request: pytest.FixtureRequest) -> Connection:
    """A connection that is new, or that has carried another request before."""
    connection = await single.connect()
    if request.param == "kept_alive":
        assert (await connection.ask(head("GET", "/v1/videos/other/comments"))).status == 200
    return connection


def code(reply: Reply) -> tuple[int, str]:
    assert reply.headers["content-type"].startswith("application/problem+json")
    return reply.status, reply.json()["code"]


async def test_a_comment_is_shown_to_viewers(single: Single, connection: Connection) -> None:
    reply = await connection.watch()
    assert reply.status == 200
    assert reply.headers["content-type"] == CONTENT_TYPE
    assert reply.headers["cache-control"] == "no-cache, no-transform"
    assert reply.headers["connection"] == "close"
    assert reply.headers["transfer-encoding"] == "chunked"
    hello = await connection.event()
    assert hello.type == "hello"
    assert 1000 <= (connection.parser.retry_ms or 0) <= 3000
    poster = await single.connect()
    posted = await poster.post("hi")
    assert posted.status == 201
    shown = await connection.event()
    assert (shown.type, shown.last_event_id) == ("comment", posted.json()["id"])
    assert json.loads(shown.data) == posted.json()


async def test_a_viewer_that_leaves_is_forgotten(single: Single, connection: Connection) -> None:
    await connection.watch()
    await connection.event()
    assert single.viewers == 1
    connection.close()
    await eventually(lambda: single.viewers == 0)


async def test_a_viewer_that_says_more_is_cut(single: Single, connection: Connection) -> None:
    await connection.watch()
    await connection.event()
    connection.send(b"x")
    await eventually(lambda: single.viewers == 0)


async def test_a_cursor_is_resumed_exactly(single: Single, connection: Connection) -> None:
    poster = await single.connect()
    ids = [(await poster.post(f"text {number}")).json()["id"] for number in range(1, 31)]
    await connection.watch(f"{STREAM}?last_event_id={ids[20]}", f"Last-Event-ID: {ids[4]}")
    hello = await connection.event()
    assert (hello.type, hello.last_event_id) == ("hello", ids[4])
    assert json.loads(hello.data)["head"] == ids[29]
    assert await connection.seqs(25) == list(range(6, 31))
    await poster.post("live")
    assert await connection.seqs(1) == [31]


@pytest.mark.parametrize("cursor", ["", "zzz", "otherepoch00-3", "{epoch}-99", "1e999", "%00"])
async def test_an_unusable_cursor_is_reset(
    single: Single, connection: Connection, cursor: str
) -> None:
    poster = await single.connect()
    epoch = (await poster.post()).json()["id"].partition("-")[0]
    await connection.watch(STREAM, f"Last-Event-ID: {cursor.format(epoch=epoch)}")
    events = [await connection.event() for _ in range(3 if cursor else 2)]
    assert [event.type for event in events] == (
        ["hello", "reset", "comment"] if cursor else ["hello", "comment"]
    )


async def test_a_quiet_stream_beats(start_single: StartSingle) -> None:
    single = await start_single(HEARTBEAT_S="0.1")
    connection = await single.connect()
    await connection.watch()
    watching = asyncio.create_task(connection.rest())
    await eventually(lambda: len(connection.parser.comments) >= 2)
    connection.close()
    await asyncio.gather(watching, return_exceptions=True)


@pytest.mark.parametrize(
    ("request_bytes", "expected"),
    [
        (head("GET", "/v1/videos/a%20b/stream"), (404, "not_found")),
        (head("GET", f"/v1/videos/{'x' * 65}/stream"), (404, "not_found")),
        (head("POST", STREAM), (405, "method_not_allowed")),
        (head("GET", STREAM, "Content-Length: 1") + b"x", (400, "bad_request")),
        (
            head("GET", STREAM, "Transfer-Encoding: chunked") + b"1\r\nx\r\n0\r\n\r\n",
            (400, "bad_request"),
        ),
        (head("GET", "/else"), (404, "not_found")),
        (head("GET", "/embed/a%20b"), (404, "not_found")),
        (head("GET", "/assets/../setup.cfg"), (404, "not_found")),
        (head("GET", "/v1/videos/v"), (404, "not_found")),
        (head("GET", "/v1/videos/v/stream/x"), (404, "not_found")),
        (head("GET", "/internal/heads"), (404, "not_found")),
        (head("GET", "/metrics"), (404, "not_found")),
        (head("GET", f"{COMMENTS}/1"), (404, "not_found")),
        (head("DELETE", COMMENTS), (405, "method_not_allowed")),
        (head("POST", COMMENTS, JSON), (411, "length_required")),
        (post_bytes({"author": "a", "text": "x" * 20_000}), (413, "body_too_large")),
        (head("POST", COMMENTS, "Content-Length: 2") + b"{}", (415, "unsupported_media_type")),
        (head("POST", COMMENTS, JSON, "Content-Length: 1") + b"{", (400, "not_json")),
        (post_bytes({**GOOD, "seq": 7}), (422, "invalid_field")),
        (head("GET", f"{COMMENTS}?limit=201"), (422, "invalid_field")),
    ],
    ids=lambda value: value[:60].decode() if isinstance(value, bytes) else "",
)
async def test_a_bad_request_is_a_problem_document(
    connection: Connection, request_bytes: bytes, expected: tuple[int, str]
) -> None:
    reply = await connection.ask(request_bytes)
    assert code(reply) == expected
    assert ("allow" in reply.headers) == (reply.status == 405)


async def test_a_key_is_replayed(connection: Connection) -> None:
    first = await connection.post("one", "Idempotency-Key: k")
    again = await connection.post("one", "Idempotency-Key: k")
    other = await connection.post("two", "Idempotency-Key: k")
    assert (first.status, again.status) == (201, 200)
    assert first.body == again.body
    assert again.headers["idempotency-replayed"] == "true"
    assert code(other) == (422, "idempotency_key_reused")


async def test_a_replayed_key_is_not_shown_twice(single: Single, connection: Connection) -> None:
    poster = await single.connect()
    await connection.watch()
    await connection.event()
    for text in ("one", "one", "two"):
        await poster.post(text, f"Idempotency-Key: {text}")
    assert await connection.seqs(2) == [1, 2]


async def test_history_is_read_in_pages(connection: Connection) -> None:
    ids = [(await connection.post(str(number))).json()["id"] for number in range(5)]
    page = (await connection.ask(head("GET", f"{COMMENTS}?limit=2&after={ids[1]}"))).json()
    assert [comment["id"] for comment in page["comments"]] == ids[2:4]
    assert page["head"] == ids[4]
    one = await connection.ask(head("GET", f"{COMMENTS}/3"))
    assert one.json()["id"] == ids[2]
    openapi = await connection.ask(head("GET", "/openapi.json"))
    assert openapi.json()["openapi"].startswith("3.1")


async def test_configured_origins_may_post_and_watch(connection: Connection) -> None:
    preflight = await connection.ask(
        head("OPTIONS", COMMENTS, ORIGIN, "Access-Control-Request-Method: POST")
    )
    assert preflight.status == 204
    assert preflight.headers["access-control-allow-methods"] == "GET, HEAD, POST"
    posted = await connection.post("hi", ORIGIN)
    assert posted.headers["access-control-allow-origin"] == "https://watch.example"
    stream = await connection.watch(STREAM, ORIGIN)
    assert stream.headers["access-control-allow-origin"] == "https://watch.example"


async def test_a_stream_may_be_asked_about_first(connection: Connection) -> None:
    preflight = await connection.ask(
        head("OPTIONS", STREAM, ORIGIN, "Access-Control-Request-Method: GET")
    )
    assert preflight.status == 204
    assert "Last-Event-ID" in preflight.headers["access-control-allow-headers"]


async def test_other_origins_get_no_permission(connection: Connection) -> None:
    posted = await connection.post("hi", "Origin: https://other.example")
    stream = await connection.watch(STREAM, "Origin: https://other.example")
    assert "access-control-allow-origin" not in posted.headers | stream.headers


async def test_a_post_and_a_stream_sent_at_once_are_answered_in_order(single: Single) -> None:
    connection = await single.connect()
    connection.send(post_bytes() + head("GET", STREAM))
    assert (await connection.reply()).status == 201
    assert (await connection.reply()).headers["content-type"] == CONTENT_TYPE
    assert (await connection.event()).type == "hello"
    assert await connection.seqs(1) == [1]
    assert single.viewers == 1


async def test_nothing_may_follow_a_stream_request(connection: Connection) -> None:
    asked = head("GET", STREAM, "X-Request-Id: mine-1")
    reply = await connection.ask(asked + head("GET", COMMENTS))
    assert code(reply) == (400, "bad_request")
    assert reply.headers["x-request-id"] == "mine-1"
    assert await connection.is_closed()


async def test_a_stream_head_in_small_pieces_is_read(connection: Connection) -> None:
    for byte in head("GET", STREAM):
        connection.send(bytes([byte]))
        await asyncio.sleep(0)
    assert (await connection.reply()).status == 200
    assert (await connection.event()).type == "hello"


async def test_every_viewer_sees_every_comment_once_and_in_order(single: Single) -> None:
    """Half of the viewers come on connections that were used before, some in the middle of it."""
    posts, viewers = 300, 20

    async def watch(number: int) -> list[int]:
        connection = await single.connect()
        if number % 2:
            await connection.ask(head("GET", COMMENTS))
        await connection.watch(f"{STREAM}?replay=200")
        hello = await connection.event()
        first = int(hello.last_event_id.partition("-")[2]) + 1
        return await connection.seqs(posts - first + 1)

    async def post(name: int) -> None:
        poster = await single.connect()
        for number in range(posts // 10):
            assert (await poster.post(f"{name} {number}")).status == 201

    posters = [asyncio.create_task(post(name)) for name in range(10)]
    watched: list[asyncio.Task[list[int]]] = []
    for _ in range(4):
        start = len(watched)
        watched += [asyncio.create_task(watch(start + n)) for n in range(viewers // 4)]
        wanted = len(watched)
        await eventually(lambda wanted=wanted: single.viewers == wanted)
    await asyncio.gather(*posters)
    for seqs in await asyncio.gather(*watched):
        assert seqs == list(range(posts - len(seqs) + 1, posts + 1))


@pytest.mark.parametrize(("behind_gateway", "second"), [("off", "bye"), ("on", "hello")])
async def test_a_forwarded_address_counts_only_behind_a_gateway(
    start_single: StartSingle, behind_gateway: str, second: str
) -> None:
    single = await start_single(BEHIND_GATEWAY=behind_gateway, MAX_STREAMS_PER_ADDRESS="1")
    for address, expected in (("10.0.0.1", "hello"), ("10.0.0.2", second)):
        connection = await single.connect()
        await connection.watch(STREAM, f"X-Forwarded-For: {address}")
        assert (await connection.event()).type == expected


async def test_posts_are_limited_by_the_peer_address(start_single: StartSingle) -> None:
    single = await start_single(POST_RATE_PER_ADDRESS="0.001")
    statuses = [
        (await (await single.connect()).post("x", f"X-Forwarded-For: 10.0.0.{number}")).status
        for number in range(5)
    ]
    assert statuses[-1] == 429


async def test_reads_are_limited_by_the_peer_address(start_single: StartSingle) -> None:
    single = await start_single(GET_RATE_PER_ADDRESS="0.001")
    request = head("GET", "/v1/videos/v/comments")
    statuses = [(await (await single.connect()).ask(request)).status for _ in range(2)]
    assert statuses == [200, 429]


async def test_health_is_told_without_detail(single: Single, connection: Connection) -> None:
    assert (await connection.ask(head("GET", "/healthz"))).json() == {"status": "alive"}
    assert (await connection.ask(head("GET", "/readyz"))).json() == {"status": "ready"}
    single.service.health.draining = True
    assert (await connection.ask(head("GET", "/readyz"))).status == 503


async def test_a_stream_is_sent_away_while_it_drains(
    single: Single, connection: Connection
) -> None:
    single.service._node.hub.draining = True
    assert (await connection.watch()).status == 200
    (bye,) = await connection.rest()
    assert (bye.type, json.loads(bye.data)) == ("bye", {"reason": "drain"})


async def test_a_request_that_comes_too_late_is_told_to_try_again(single: Single) -> None:
    """Its connection was accepted before the listener closed."""
    connection = await single.connect()
    await eventually(lambda: single.service._streams.unread == 1)
    await single.service.drain()
    reply = await connection.ask(head("GET", COMMENTS))
    assert code(reply) == (503, "draining")
    assert reply.headers["retry-after"] == "1"
    assert await connection.is_closed()


async def test_stopping_twice_is_harmless(single: Single, connection: Connection) -> None:
    await connection.watch()
    await single.service.stop()
    assert (await connection.rest())[-1].type == "bye"
    await single.service.stop()


async def test_a_stream_costs_no_task(single: Single, connection: Connection) -> None:
    """On a connection that aiohttp held its task ends with the hand-over."""
    before = len(asyncio.all_tasks())
    used = [await single.connect() for _ in range(20)]
    for other in used:
        await other.ask(head("GET", COMMENTS))
    assert len(asyncio.all_tasks()) >= before + len(used)
    for viewer in (connection, *used):
        await viewer.watch()
        await viewer.event()
    await eventually(lambda: len(asyncio.all_tasks()) <= before)
    assert single.viewers == len(used) + 1
    assert single.service._http.connections == 0
