"""Section 3 of the protocol, against a real listener."""

from __future__ import annotations

import asyncio
import ipaddress
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from service.edge import PublicEdge
from tests.integration.writer.public_api import ORIGIN, PublicApi
from writer import gates
from writer.rate_limit import RateLimit, Rates

COMMENTS = "/v1/videos/v/comments"
GOOD = {"author": "ann", "text": "hello"}


async def post(api: PublicApi, body: object = GOOD, **headers: str) -> tuple[int, Any, Any]:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    async with api.client.post(COMMENTS, json=body, headers=named) as reply:
        return reply.status, await reply.json(content_type=None), reply.headers


async def get(api: PublicApi, path: str) -> tuple[int, Any, Any]:
    async with api.client.get(path) as reply:
        return reply.status, await reply.json(content_type=None), reply.headers


async def problem(reply: aiohttp.ClientResponse) -> tuple[int, str]:
    assert reply.content_type == "application/problem+json"
    document = await reply.json(content_type=None)
    assert document["status"] == reply.status
    return reply.status, document["code"]


async def test_a_comment_is_created_with_its_location(api: PublicApi) -> None:
    status, comment, headers = await post(api)
    assert status == 201
    assert headers["Location"] == "/v1/videos/v/comments/1"
    assert headers["Content-Type"] == "application/json"
    assert comment["id"] == f"{await api.store.epoch()}-1"
    assert {name: comment[name] for name in ("video_id", "seq", "author", "text")} == {
        "video_id": "v",
        "seq": 1,
        **GOOD,
    }
    assert (await get(api, headers["Location"]))[1] == comment


async def test_the_comment_is_handed_over_with_its_request_id(api: PublicApi) -> None:
    _, _, headers = await post(api, X_Request_Id="my-request")
    assert headers["X-Request-Id"] == "my-request"
    assert api.sink.batches[0].request_id == "my-request"


async def test_a_key_replayed_gives_the_same_comment(api: PublicApi) -> None:
    status, first, _ = await post(api, Idempotency_Key="k 1")
    again, second, headers = await post(api, Idempotency_Key="k 1")
    assert (status, again) == (201, 200)
    assert first == second
    assert headers["Idempotency-Replayed"] == "true"
    assert [batch.first_seq for batch in api.sink.batches] == [1, 1]


async def test_a_key_with_another_body_is_refused(api: PublicApi) -> None:
    await post(api, Idempotency_Key="k")
    status, document, _ = await post(api, {**GOOD, "text": "other"}, Idempotency_Key="k")
    assert (status, document["code"]) == (422, "idempotency_key_reused")
    assert document["field"] == "Idempotency-Key"


@pytest.mark.parametrize("key", ["", "x" * 129, "é", "a\tb"])
async def test_a_bad_key_is_refused(api: PublicApi, key: str) -> None:
    status, document, _ = await post(api, Idempotency_Key=key)
    assert (status, document["field"]) == (422, "Idempotency-Key")


async def test_two_keys_are_refused(api: PublicApi) -> None:
    headers = [("Idempotency-Key", "a"), ("Idempotency-Key", "b")]
    async with api.client.post(COMMENTS, json=GOOD, headers=headers) as reply:
        assert await problem(reply) == (422, "invalid_field")


# T52: what a text may be.
@pytest.mark.parametrize(
    "text",
    [
        "two\nlines",
        "tab\there",
        "\n\nid: 999\ndata: x",
        "line\u2028separator",
        "🎉" * 500,
        "\u202ertl \u05d0",
        "e\u0301",
        "<script>&amp;</script>",
    ],
)
async def test_a_good_text_is_kept_code_point_for_code_point(api: PublicApi, text: str) -> None:
    status, comment, headers = await post(api, {"author": "ann", "text": text})
    assert status == 201
    assert comment["text"] == text.strip()
    assert (await get(api, headers["Location"]))[1]["text"] == text.strip()
    assert b"\n" not in bytes(api.sink.batches[0].comments[0])


@pytest.mark.parametrize(
    "text", ["", " \t\n", "\r\n", "a\rb", "a\r\nb", "a\0b", "a\x1bb", "x" * 501, "\x85 \u3000"]
)
async def test_a_bad_text_is_refused(api: PublicApi, text: str) -> None:
    status, document, _ = await post(api, {"author": "ann", "text": text})
    assert (status, document["field"]) == (422, "text")


@pytest.mark.parametrize("field", ["author", "text"])
async def test_towers_of_marks_are_refused(api: PublicApi, field: str) -> None:
    status, document, _ = await post(api, {**GOOD, field: "Z" + "\u0301" * 9})
    assert (status, document["code"], document["field"]) == (422, "marks", field)
    assert (await post(api, {**GOOD, field: "Z" + "\u0301" * 8}))[0] == 201


# T53: what a body may not be.
@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 400),
        (b"{", 400),
        (b'{"author": "a", "text": "\xff"}', 400),
        (b'{"author": "a", "text": "x"} {}', 400),
        (b'{"author": "a", "text": NaN}', 400),
        (b"[" * 8_000, 400),
        (b'{"text":' + b'{"text":' * 1_900, 400),
        (b'{"author": "a", "text": ' + b"9" * 8_000 + b"}", 400),
        (b"null", 422),
        (b"[]", 422),
        (b'"text"', 422),
        (b"{}", 422),
        (b'{"author": "a"}', 422),
        (b'{"author": 1, "text": "x"}', 422),
        (b'{"author": "a", "text": null}', 422),
        (b'{"author": "a", "text": ["x"]}', 422),
        (b'{"author": "a", "text": "x", "text": "y"}', 422),
        (b'{"author": "a", "text": "x", "seq": 7}', 422),
        (b'{"author": "a", "text": "x", "id": "y"}', 422),
        (b'{"author": "a", "text": "x", "created_at": "now"}', 422),
        (b'{"author": "a", "text": "\\ud800"}', 422),
        (b'{"author": "' + b"a" * 65 + b'", "text": "x"}', 422),
    ],
    ids=lambda value: str(value)[:40],
)
async def test_a_bad_body_is_refused(api: PublicApi, body: bytes, status: int) -> None:
    headers = {"Content-Type": "application/json"}
    async with api.client.post(COMMENTS, data=body, headers=headers) as reply:
        assert (await problem(reply))[0] == status
    assert await api.store.heads(["v"]) == {"v": 0}


async def test_a_body_over_the_limit_is_refused(api: PublicApi) -> None:
    headers = {"Content-Type": "application/json"}
    async with api.client.post(COMMENTS, data=b" " * 1_048_576, headers=headers) as reply:
        assert await problem(reply) == (413, "body_too_large")


async def chunks(count: int) -> AsyncIterator[bytes]:
    for _ in range(count):
        yield b" " * 1024


async def test_a_chunked_body_over_the_limit_is_refused(api: PublicApi) -> None:
    headers = {"Content-Type": "application/json"}
    async with api.client.post(COMMENTS, data=chunks(17), headers=headers) as reply:
        assert await problem(reply) == (413, "body_too_large")


@pytest.mark.parametrize(
    "headers",
    [
        {"Content-Type": "text/plain"},
        {"Content-Type": "application/x-www-form-urlencoded"},
        {"Content-Type": "application/json; charset=latin-1"},
        {"Content-Type": "application/json", "Content-Encoding": "gzip"},
    ],
)
async def test_another_media_type_is_refused(api: PublicApi, headers: dict[str, str]) -> None:
    async with api.client.post(COMMENTS, data=b"{}", headers=headers) as reply:
        assert await problem(reply) == (415, "unsupported_media_type")


async def test_the_charset_may_be_said(api: PublicApi) -> None:
    headers = {"Content-Type": 'Application/JSON; Charset="UTF-8"'}
    body = b'{"author": "a", "text": "x"}'
    async with api.client.post(COMMENTS, data=body, headers=headers) as reply:
        assert reply.status == 201


async def test_a_post_without_a_body_needs_a_length(api: PublicApi) -> None:
    reply = await api.raw(
        b"POST /v1/videos/v/comments HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
        b"Content-Type: application/json\r\n\r\n"
    )
    assert reply.startswith(b"HTTP/1.1 411 ")
    assert b"length_required" in reply


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/v1",
        "/v1/videos/v",
        "/v1/videos/v/comments/",
        "/v1/videos//comments",
        "/v1/videos/a.b/comments",
        "/v1/videos/%76/comments",
        "/v1/videos/v%2Fw/comments",
        "/v1/videos/%C3%A9/comments",
        "/v1/videos/v/../w/comments",
        "/v1//videos/v/comments",
        "/v1/videos/v/%63omments",
        "/v1/videos/" + "x" * 65 + "/comments",
        "/v1/videos/v/comments/0",
        "/v1/videos/v/comments/01",
        "/v1/videos/v/comments/x",
        "/v1/videos/v/comments/1/",
        "/v1/videos/v/comments/9999999999999999",
        "/v1/videos/v/comments/%31",
        "/v1/videos/v/comments/1",
        "/V1/videos/v/comments",
        "//v1/videos/v/comments",
        "http://[/v1/videos/v/comments",
        "*",
    ],
)
async def test_an_impossible_path_is_404(api: PublicApi, path: str) -> None:
    """On the raw path: what a client library would tidy up is not tidied up here."""
    request = f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    reply = await api.raw(request.encode())
    status = int(reply.split()[1])
    assert status in ((400, 404) if "[" in path or path == "*" else (404,))
    assert b"application/problem+json" in reply


async def test_an_absolute_target_is_accepted(api: PublicApi) -> None:
    request = f"GET http://x{COMMENTS}?limit=1 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    assert (await api.raw(request.encode())).startswith(b"HTTP/1.1 200 ")


@pytest.mark.parametrize(
    ("method", "path", "allow"),
    [
        ("DELETE", COMMENTS, "GET, HEAD, POST"),
        ("PUT", COMMENTS + "/1", "DELETE, GET, HEAD"),
        ("OPTIONS", COMMENTS, "GET, HEAD, POST"),
        ("POST", "/openapi.json", "GET, HEAD"),
    ],
)
async def test_another_method_is_405_with_allow(
    api: PublicApi, method: str, path: str, allow: str
) -> None:
    async with api.client.request(method, path) as reply:
        assert await problem(reply) == (405, "method_not_allowed")
        assert reply.headers["Allow"] == allow


async def fill(api: PublicApi, count: int) -> str:
    await asyncio.gather(*(post(api, {"author": "a", "text": str(n)}) for n in range(count)))
    return await api.store.epoch()


def seqs(page: Any) -> list[int]:
    return [comment["seq"] for comment in page["comments"]]


async def test_history_gives_the_newest_oldest_first(api: PublicApi) -> None:
    epoch = await fill(api, 60)
    _, page, _ = await get(api, COMMENTS)
    assert seqs(page) == list(range(11, 61))
    assert page["head"] == f"{epoch}-60"
    assert seqs((await get(api, COMMENTS + "?limit=2"))[1]) == [59, 60]


async def test_history_goes_forwards_and_backwards(api: PublicApi) -> None:
    epoch = await fill(api, 10)
    assert seqs((await get(api, f"{COMMENTS}?after={epoch}-0&limit=3"))[1]) == [1, 2, 3]
    assert seqs((await get(api, f"{COMMENTS}?after={epoch}-8"))[1]) == [9, 10]
    assert seqs((await get(api, f"{COMMENTS}?after={epoch}-99"))[1]) == []
    assert seqs((await get(api, f"{COMMENTS}?before={epoch}-4&limit=2"))[1]) == [2, 3]
    assert seqs((await get(api, f"{COMMENTS}?before={epoch}-1"))[1]) == []


async def test_a_video_without_comments_has_a_head_too(api: PublicApi) -> None:
    status, page, _ = await get(api, "/v1/videos/never/comments")
    epoch = await api.store.epoch()
    ends = {"head": f"{epoch}-0", "first": f"{epoch}-1", "last": f"{epoch}-0"}
    assert (status, page) == (200, {"comments": [], **ends, "more": False})


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("limit=0", "limit"),
        ("limit=201", "limit"),
        ("limit=-1", "limit"),
        ("limit=1e2", "limit"),
        ("limit=", "limit"),
        ("limit=%D9%A1", "limit"),
        ("limit=1&limit=2", "limit"),
        ("after=x", "after"),
        ("after=", "after"),
        ("before=12", "before"),
        ("after=aaaaaaaaaaaa-1", "after"),
        ("before=aaaaaaaaaaaa-1", "before"),
        ("after=EPOCH-01", "after"),
        ("after=EPOCH-9223372036854775808", "after"),
        ("after=EPOCH-1%00", "after"),
        ("after=EPOCH-1&before=EPOCH-3", "before"),
        ("after=EPOCH-1&after=EPOCH-1", "after"),
    ],
)
async def test_a_bad_parameter_is_422_and_named(api: PublicApi, query: str, field: str) -> None:
    epoch = await api.store.epoch()
    status, document, _ = await get(api, f"{COMMENTS}?{query.replace('EPOCH', epoch)}")
    assert (status, document["code"], document["field"]) == (422, "invalid_field", field)


async def test_head_is_get_without_the_body(api: PublicApi) -> None:
    await post(api)
    for path in (COMMENTS, COMMENTS + "/1", "/openapi.json"):
        async with api.client.get(path) as reply:
            length = len(await reply.read())
        async with api.client.head(path) as reply:
            assert (reply.status, reply.headers["Content-Length"]) == (200, str(length))
            assert await reply.read() == b""


async def test_openapi_is_served(api: PublicApi) -> None:
    status, document, _ = await get(api, "/openapi.json")
    assert (status, document["openapi"]) == (200, "3.1.0")


async def test_a_configured_origin_may_post(api: PublicApi) -> None:
    ask = {"Origin": ORIGIN, "Access-Control-Request-Method": "POST"}
    async with api.client.options(COMMENTS, headers=ask) as reply:
        assert reply.status == 204
        assert reply.headers["Access-Control-Allow-Origin"] == ORIGIN
        assert reply.headers["Access-Control-Allow-Methods"] == "GET, HEAD, POST"
        allowed = reply.headers["Access-Control-Allow-Headers"].split(", ")
        assert {"Authorization", "Content-Type", "Idempotency-Key"} <= set(allowed)
        assert "If-Match" in allowed
    async with api.client.options("/v1/videos/v1/settings", headers=ask) as reply:
        assert reply.headers["Access-Control-Allow-Methods"] == "GET, HEAD, PATCH"
    async with api.client.get("/v1/videos/v1/settings", headers=ask) as reply:
        assert reply.headers["ETag"] == '"0"'
        assert "ETag" in reply.headers["Access-Control-Expose-Headers"].split(", ")
    _, _, headers = await post(api, {}, Origin=ORIGIN)  # errors are readable too
    assert headers["Access-Control-Allow-Origin"] == ORIGIN
    assert headers["Vary"] == "Origin"


@pytest.mark.parametrize("origin", ["https://evil.example", "null", ORIGIN + ".evil.example"])
async def test_another_origin_may_not(api: PublicApi, origin: str) -> None:
    ask = {"Origin": origin, "Access-Control-Request-Method": "POST"}
    async with api.client.options(COMMENTS, headers=ask) as reply:
        assert reply.status == 405
        assert "Access-Control-Allow-Origin" not in reply.headers
    _, _, headers = await post(api, Origin=origin)
    assert "Access-Control-Allow-Origin" not in headers


async def test_a_preflight_of_no_path_is_404(api: PublicApi) -> None:
    ask = {"Origin": ORIGIN, "Access-Control-Request-Method": "POST"}
    async with api.client.options("/v1/nothing", headers=ask) as reply:
        assert reply.status == 404


@pytest.fixture
def stopped_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of rates: nothing is allowed again while a test goes on."""
    monkeypatch.setattr(gates, "RateLimit", partial(RateLimit, clock=lambda: 5.0))


@pytest.mark.usefixtures("stopped_clock")
async def test_an_address_over_its_rate_is_429(tmp_path: Path) -> None:
    api = await PublicApi(tmp_path / "comments.db", rates=Rates(posts=0.5)).start()
    assert (await post(api, X_Forwarded_For="8.8.8.8, 1.2.3.4"))[0] == 201
    status, document, headers = await post(api, X_Forwarded_For="9.9.9.9, 1.2.3.4")
    assert (status, document["code"], headers["Retry-After"]) == (429, "too_many_requests", "2")
    assert (await post(api, X_Forwarded_For="1.2.3.5"))[0] == 201
    for method, path in (("DELETE", "/1"), ("POST", "/1/restore")):
        async with api.client.request(
            method, COMMENTS + path, headers={"X-Forwarded-For": "1.2.3.4"}
        ) as reply:
            assert await problem(reply) == (429, "too_many_requests")
    assert api.registry.get_sample_value("livecomments_comments_refused_total", {"reason": "rate"})
    await api.stop()


@pytest.mark.usefixtures("stopped_clock")
async def test_who_reaches_the_port_without_the_gateway_cannot_claim_an_address(
    tmp_path: Path,
) -> None:
    edge = PublicEdge(proxies=(ipaddress.ip_network("10.0.0.0/8"),))
    api = await PublicApi(tmp_path / "comments.db", rates=Rates(posts=0.5), edge=edge).start()
    assert (await post(api, X_Forwarded_For="1.2.3.4"))[0] == 201
    assert (await post(api, X_Forwarded_For="1.2.3.5"))[0] == 429
    assert edge.stats.forwarded_ignored == 2
    await api.stop()


@pytest.mark.usefixtures("stopped_clock")
async def test_an_address_over_its_rate_of_reads_is_429_and_may_post(tmp_path: Path) -> None:
    api = await PublicApi(tmp_path / "comments.db", rates=Rates(gets=0.5)).start()
    assert (await get(api, COMMENTS))[0] == 200
    for path in (COMMENTS, f"{COMMENTS}/1"):
        status, document, headers = await get(api, path)
        assert (status, document["code"], headers["Retry-After"]) == (429, "too_many_requests", "2")
    assert (await post(api))[0] == 201
    labels = {"lane": "history", "reason": "rate"}
    assert api.registry.get_sample_value("livecomments_reads_refused_total", labels) == 2
    await api.stop()


async def test_without_a_store_everything_is_503(tmp_path: Path) -> None:
    """It cannot be opened at the start; the writer lives and serves as soon as it can be."""
    folder = tmp_path / "later"
    api = await PublicApi(folder / "comments.db").start()
    for status, document, headers in (await post(api), await get(api, COMMENTS)):
        assert (status, document["code"]) == (503, "store_unavailable")
        assert headers["Retry-After"] == "1"
    assert api.service.store_problem is not None
    folder.mkdir()
    assert (await get(api, COMMENTS))[0] == 200
    assert (await post(api))[0] == 201
    assert api.service.store_problem is None
    await api.stop()


async def test_while_closing_replies_ask_to_close(api: PublicApi) -> None:
    assert "Connection" not in (await post(api))[2]
    api.closing = True
    status, _, headers = await post(api)
    assert (status, headers["Connection"]) == (201, "close")
