"""What the gateway forwards, where to, and what it says itself."""

from __future__ import annotations

import re
import ssl

import pytest

from cluster.servers.haproxy import MAX_BODY_BYTES, MAX_FILTERS_BODY_BYTES
from screening.terms import MAX_FILTERS_BYTES
from tests.integration.cluster.servers.gateway_support import (
    GatewayUnderTest,
    Upstream,
    hang_up,
    say_nothing,
)
from tests.support import eventually


def shorter(config: str) -> str:
    """The same gateway with a tenth of its patience."""
    return (
        config.replace("timeout http-request 10s", "timeout http-request 500ms")
        .replace("timeout server 10s", "timeout server 600ms")
        .replace("timeout server 8s", "timeout server 600ms")
    )


def requests(upstreams: list[Upstream]) -> list[str]:
    return [seen.line for upstream in upstreams for seen in upstream.seen]


@pytest.mark.parametrize(
    "path",
    [
        *("/v1/videos/v1/comments", "/v1/videos/v1/comments/7", "/openapi.json", "/v1/else"),
        *("/", "/favicon.ico", "/embed/v1", "/moderate/v1", "/assets/base.css"),
    ],
)
async def test_the_api_and_the_pages_go_to_a_writer(gateway: GatewayUnderTest, path: str) -> None:
    assert (await gateway.get(path)).status == 200
    assert requests(gateway.writers) == [f"GET {path} HTTP/1.1"]
    assert not requests(gateway.nodes)


async def test_a_stream_goes_to_a_node_with_its_query(gateway: GatewayUnderTest) -> None:
    client = await gateway.raw(b"GET /v1/videos/a_b/stream?replay=3 HTTP/1.1\r\nHost: x\r\n\r\n")
    assert (await client.head())[0] == 200
    assert requests(gateway.nodes) == ["GET /v1/videos/a_b/stream?replay=3 HTTP/1.1"]
    assert not requests(gateway.writers)


@pytest.mark.parametrize(
    "path",
    [
        "/else",
        "/favicon.ico/",
        "/internal/dispatch",
        "/internal/forward",
        "/state",
        "/metrics",
        "/v2/x",
        "//v1/x",
        "/v1x",
    ],
)
async def test_nothing_else_is_forwarded(gateway: GatewayUnderTest, path: str) -> None:
    reply = await gateway.get(path)
    assert (reply.status, reply.headers["content-type"]) == (404, "application/problem+json")
    assert reply.json()["code"] == "not_found"
    assert not requests([*gateway.nodes, *gateway.writers])


async def test_it_answers_for_its_own_health_without_detail(gateway: GatewayUnderTest) -> None:
    for path, word in (("/healthz", "alive"), ("/readyz", "ready")):
        reply = await gateway.get(path)
        assert (reply.status, reply.json()) == (200, {"status": word})
    assert not requests([*gateway.nodes, *gateway.writers])


async def test_it_is_not_ready_without_a_writer(gateway: GatewayUnderTest) -> None:
    for writer in gateway.writers:
        writer.health = 503
        await gateway.until_status(f"writers/writer-{writer.number}", "DOWN")
    reply = await gateway.get("/readyz")
    assert (reply.status, reply.json()["code"]) == (503, "unavailable")
    assert (await gateway.get("/healthz")).status == 200


async def test_what_a_client_says_of_its_address_is_replaced(gateway: GatewayUnderTest) -> None:
    await gateway.get(
        "/v1/videos/v1/comments",
        {"X-Forwarded-For": "6.6.6.6", "Forwarded": "for=6.6.6.6", "X-Forwarded-Proto": "https"},
    )
    headers = next(seen.headers for writer in gateway.writers for seen in writer.seen)
    assert headers["x-forwarded-for"] == "127.0.0.1"
    assert headers["x-forwarded-proto"] == "http"
    assert "forwarded" not in headers


async def test_a_request_id_is_kept_and_echoed(gateway: GatewayUnderTest) -> None:
    reply = await gateway.get("/v1/videos/v1/comments", {"X-Request-Id": "abc-123"})
    seen = next(seen for writer in gateway.writers for seen in writer.seen)
    assert seen.headers["x-request-id"] == reply.headers["x-request-id"] == "abc-123"


@pytest.mark.parametrize("given", ["", "a b", "x" * 65, '"', "a\tb"])
async def test_a_request_id_that_is_not_well_formed_is_replaced(
    gateway: GatewayUnderTest, given: str
) -> None:
    reply = await gateway.get("/nowhere", {"X-Request-Id": given})
    assert reply.headers["x-request-id"] not in {"", given}


async def test_requests_for_a_video_go_to_one_writer_and_videos_to_all(
    gateway: GatewayUnderTest,
) -> None:
    for video in range(20):
        served = {
            (await gateway.post(f"/v1/videos/v{video}/comments")).headers["x-served-by"]
            for _ in range(3)
        }
        assert len(served) == 1
    assert all(writer.seen for writer in gateway.writers)


async def test_no_post_is_sent_twice(gateway: GatewayUnderTest) -> None:
    for writer in gateway.writers:
        writer.act = hang_up
    reply = await gateway.post("/v1/videos/v1/comments")
    assert (reply.status, reply.json()["code"]) == (502, "bad_gateway")
    assert len(requests(gateway.writers)) == 1


async def test_a_post_to_a_writer_that_has_just_died_goes_to_the_other(
    gateway: GatewayUnderTest,
) -> None:
    gateway.writers[0].refuse_connections()
    replies = [await gateway.post(f"/v1/videos/v{n}/comments") for n in range(8)]
    assert {(r.status, r.headers["x-served-by"]) for r in replies} == {(200, "writer-2")}


async def test_without_a_writer_posts_are_told_when_to_come_back(
    gateway: GatewayUnderTest,
) -> None:
    for writer in gateway.writers:
        writer.health = 503
        await gateway.until_status(f"writers/writer-{writer.number}", "DOWN")
    reply = await gateway.post("/v1/videos/v1/comments")
    assert (reply.status, reply.headers["retry-after"]) == (503, "1")
    assert (reply.headers["content-type"], reply.json()["code"]) == (
        "application/problem+json",
        "unavailable",
    )
    assert reply.headers["x-request-id"]


async def test_a_writer_that_says_nothing_is_a_504(setup: GatewayUnderTest) -> None:
    setup.edit = shorter
    async with setup.run():
        for writer in setup.writers:
            writer.act = say_nothing
        reply = await setup.post("/v1/videos/v1/comments")
    assert (reply.status, reply.json()["code"]) == (504, "gateway_timeout")
    assert reply.headers["retry-after"] == "1"


@pytest.mark.parametrize(
    "raw",
    [
        b"nonsense\r\n\r\n",
        b"GET /v1/x HTTP/1.1\r\nHost : x\r\n\r\n",
        b"POST /v1/x HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
        b"GET /v1/x HTTP/1.1\r\nHost: x\r\nLong: " + b"x" * 20_000 + b"\r\n\r\n",
    ],
)
async def test_what_it_cannot_read_ends_the_connection_without_a_page(
    gateway: GatewayUnderTest, raw: bytes
) -> None:
    client = await gateway.raw(raw + b"GET /v1/second HTTP/1.1\r\nHost: x\r\n\r\n")
    assert await client.rest() == b""
    assert not requests(gateway.writers)


async def test_half_a_head_is_not_waited_for(setup: GatewayUnderTest) -> None:
    setup.edit = shorter
    async with setup.run():
        for half in (b"GET /v1/x HTTP/1.1\r\nHost:", b""):
            client = await setup.raw(half)
            assert await client.rest() == b""


async def test_a_huge_body_is_refused_before_it_is_sent(gateway: GatewayUnderTest) -> None:
    client = await gateway.raw(
        b"POST /v1/videos/v1/comments HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999\r\n\r\n"
    )
    assert (await client.head())[0] == 413
    assert not requests(gateway.writers)


@pytest.mark.parametrize(
    ("method", "path", "size", "status"),
    [
        ("PUT", "/v1/videos/v1/filters", MAX_FILTERS_BYTES + 1, 200),
        ("PUT", "/v1/videos/v1/filters", MAX_FILTERS_BODY_BYTES + 1, 413),
        ("POST", "/v1/videos/v1/filters", MAX_BODY_BYTES + 1, 413),
        ("PUT", "/v1/videos/v1/pin", MAX_BODY_BYTES, 200),
        ("PUT", "/v1/videos/v1/pin", MAX_BODY_BYTES + 1, 413),
        ("POST", "/v1/videos/v1/filters/test", MAX_BODY_BYTES + 1, 413),
    ],
)
async def test_only_filters_may_be_large(
    gateway: GatewayUnderTest, method: str, path: str, size: int, status: int
) -> None:
    head = f"{method} {path} HTTP/1.1\r\nHost: x\r\nContent-Length: {size}\r\n\r\n"
    client = await gateway.raw(head.encode() + b"x" * (size if status == 200 else 0))
    assert (await client.head())[0] == status
    assert len(requests(gateway.writers)) == (status == 200)


@pytest.mark.parametrize("method", ["DELETE", "PATCH", "PUT"])
async def test_every_method_of_the_api_is_forwarded(gateway: GatewayUnderTest, method: str) -> None:
    reply = await gateway.ask(method, "/v1/videos/v1/anything", {"If-Match": '"3"'})
    assert reply.status == 200
    (seen,) = [seen for writer in gateway.writers for seen in writer.seen]
    assert (seen.line, seen.headers["if-match"]) == (
        *(f"{method} /v1/videos/v1/anything HTTP/1.1", '"3"'),
    )


async def test_https_speaks_http2_and_http1(gateway: GatewayUnderTest) -> None:
    context = ssl.create_default_context(cafile=str(gateway.folder / "ca.pem"))
    for offered in ("h2", "http/1.1"):
        context.set_alpn_protocols([offered])
        client = await gateway.connect_tls(context)
        assert client.writer.get_extra_info("ssl_object").selected_alpn_protocol() == offered
        client.close()


async def test_no_query_is_in_the_log_whatever_goes_wrong(gateway: GatewayUnderTest) -> None:
    """What is logged at all has failed. Streams are not, but what is refused before it is known to
    be one may be.
    """
    for upstream in gateway.writers:
        upstream.act = hang_up
    failing = ("/v1/videos/v1/comments", "/v1/videos/a%20b/stream", "/v2/videos/v1/comments")
    for path in failing:
        assert (await gateway.get(f"{path}?ticket=s3cret")).status in (404, 502)
    for method in ("POST", "PUT"):
        assert (await gateway.ask(method, "/v1/videos/v1/stream?ticket=s3cret")).status == 405
    unreadable = await gateway.raw(b"GET /v1/videos/v1/comments?ticket=s3cret x HTTP/1.1\r\n\r\n")
    await unreadable.rest()
    log = gateway.folder / "log"
    await eventually(lambda: "/v1/videos/v1/comments" in log.read_text())
    (line,) = [line for line in log.read_text().splitlines() if "/v1/videos/v1/comments" in line]
    assert re.search(r" 502 .* SH-- .* \"GET\" \"/v1/videos/v1/comments\" HTTP/1\.1$", line)
    assert "s3cret" not in log.read_text()
