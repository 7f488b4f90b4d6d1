"""What every listener answers: one table of method, path and state of the cluster.

A row holds at the gateway and at the listener that the path belongs to, unless it says otherwise.
"""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass, field

from tests.raw_http import Address, head, parse_head
from tests.support import TIMEOUT_FACTOR

BODY = b'{"author":"ann","text":"hi"}'
STREAM = "/v1/videos/table/stream"
COMMENTS = "/v1/videos/table/comments"
SSE = "text/event-stream; charset=utf-8"
PROBLEM = "application/problem+json"
JSON = "application/json"
_ASKED = ("Access-Control-Request-Method: GET",)
_POSTED = ("Content-Type: application/json", f"Content-Length: {len(BODY)}")


@dataclass(frozen=True)
class Row:
    """`away`: the status while nobody serves the path, 0 where it is the same. `headers`: what the
    reply has besides those of every reply. `before`: bytes in front of the request.
    """

    method: str
    path: str
    status: int
    content_type: str = ""
    lines: tuple[str, ...] = ()
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    away: int = 0
    before: bytes = b""
    half_closed: bool = False
    only_gateway: bool = False

    def request(self, origin: str) -> bytes:
        common = ("Connection: close", f"Origin: {origin}", "X-Request-Id: of-the-table")
        return self.before + head(self.method, self.path, *common, *self.lines) + self.body


_ALLOW_STREAM = {"allow": "GET, HEAD, OPTIONS"}
_STREAM_HEADERS = {"cache-control": "no-cache, no-transform", "x-accel-buffering": "no"}
_PREFLIGHT = {"access-control-max-age": "600", "access-control-allow-methods": "GET"}

STREAMS = (
    Row("GET", STREAM, 200, SSE, headers=_STREAM_HEADERS),
    Row("HEAD", STREAM, 200, SSE, headers=_STREAM_HEADERS),
    Row("GET", f"http://h{STREAM}?replay=1", 200, SSE, headers=_STREAM_HEADERS),
    Row("GET", STREAM, 200, SSE, before=b"\r\n"),
    Row("OPTIONS", STREAM, 204, headers=_ALLOW_STREAM),
    Row("OPTIONS", STREAM, 204, lines=_ASKED, headers=_ALLOW_STREAM | _PREFLIGHT),
    *(Row(m, STREAM, 405, PROBLEM, headers=_ALLOW_STREAM) for m in ("POST", "PUT", "DELETE")),
    Row("GET", "/v1/videos/a%20b/stream", 404, PROBLEM),
    Row("HEAD", "/v1/videos/a%20b/stream", 404, PROBLEM),
    Row("POST", "/v1/videos/a%20b/stream", 404, PROBLEM),
    Row("GET", STREAM, 417, PROBLEM, lines=("Expect: x",), away=200),
)
_ALLOW_COMMENTS = {"allow": "GET, HEAD, POST"}
_MAY_POST = {"access-control-allow-methods": "GET, HEAD, POST"}
_MAY_DELETE = {"access-control-allow-methods": "DELETE, GET, HEAD"}
# Which methods, a writer knows better than the gateway while none is up.
_MAY_IF_MATCH = {
    "access-control-allow-headers": "Authorization, Content-Type, Idempotency-Key, If-Match,"
    " X-Request-Id",
    "access-control-max-age": "600",
}
API = (
    Row("POST", COMMENTS, 201, JSON, lines=_POSTED, body=BODY, away=503),
    Row("POST", COMMENTS, 201, JSON, lines=_POSTED, body=BODY, away=503, half_closed=True),
    Row("POST", f"http://h{COMMENTS}", 201, JSON, lines=_POSTED, body=BODY, away=503),
    Row("POST", COMMENTS, 201, JSON, lines=_POSTED, body=BODY, away=503, before=b"\r\n"),
    Row("POST", COMMENTS, 417, PROBLEM, lines=(*_POSTED, "Expect: x"), body=BODY, away=503),
    Row("GET", COMMENTS, 200, JSON, away=503),
    Row("HEAD", COMMENTS, 200, JSON, away=503),
    Row("GET", f"{COMMENTS}/1", 200, JSON, away=503),
    Row("GET", f"{COMMENTS}/999", 404, PROBLEM, away=503),
    Row("OPTIONS", COMMENTS, 204, lines=_ASKED, headers=_MAY_POST),
    Row("OPTIONS", f"{COMMENTS}/1", 204, lines=_ASKED, headers=_MAY_DELETE),
    *(
        Row("OPTIONS", f"/v1/videos/table/{path}", 204, lines=_ASKED, headers=_MAY_IF_MATCH)
        for path in ("settings", "pin", "filters", f"sanctions/u_{'1' * 22}", "held", "audit", "me")
    ),
    Row("OPTIONS", COMMENTS, 405, PROBLEM, headers=_ALLOW_COMMENTS, away=503),
    Row("DELETE", COMMENTS, 405, PROBLEM, headers=_ALLOW_COMMENTS, away=503),
    Row("GET", "/openapi.json", 200, JSON, away=503),
    Row("GET", "/v1/nowhere", 404, PROBLEM, away=503),
    Row("GET", "/nowhere", 404, PROBLEM),
    Row("POST", "/nowhere", 404, PROBLEM, lines=("Content-Length: 0",)),
    Row("GET", "/internal/heads", 404, PROBLEM),
    Row("GET", "/healthz", 200, JSON, only_gateway=True),
    Row("HEAD", "/healthz", 200, JSON, only_gateway=True),
    Row("GET", "/readyz", 200, JSON, only_gateway=True, away=503),
)


async def differences(
    door: Address, origin: str, rows: tuple[Row, ...], *, away: bool = False
) -> list[str]:
    """Where a listener answers a script of `origin` otherwise than the table, a line each."""
    found = []
    for row in rows:
        reply = await _ask(door, row, row.request(origin))
        found += _judge(row, reply, origin, away=away)
    return [f"{door}: {line}" for line in found]


async def _ask(door: Address, row: Row, request: bytes) -> bytes:
    """The reply's head, and its body as far as a stream gives one."""
    reader, writer = await asyncio.open_connection(*door)
    try:
        writer.write(request)
        if row.half_closed:
            writer.write_eof()
        async with asyncio.timeout(20 * TIMEOUT_FACTOR):
            begun = await reader.readuntil(b"\r\n\r\n")
            streamed = b"chunked" in begun and row.method == "GET"
            return begun + await (reader.readuntil(b"\n\n") if streamed else reader.read())
    except (asyncio.IncompleteReadError, ConnectionError) as exc:
        return f"HTTP/1.1 0 {exc!r}\r\n\r\n".encode()
    finally:
        writer.transport.abort()


def _judge(row: Row, reply: bytes, origin: str, *, away: bool) -> list[str]:
    described, _, body = reply.partition(b"\r\n\r\n")
    first, headers = parse_head(described)
    status = row.away if away and row.away else row.status
    wanted = {"x-request-id": "of-the-table", "access-control-allow-origin": origin}
    if status == row.status:
        wanted |= row.headers | ({"content-type": row.content_type} if row.content_type else {})
    elif status == 503:
        wanted |= {"content-type": PROBLEM}
    got = {name: headers.get(name) for name in wanted}
    faults = [
        f"{name} is {got[name]!r}, not {value!r}"
        for name, value in wanted.items()
        if got[name] != value
    ]
    if int(first.split()[1]) != status:
        faults.append(f"status {first.split()[1]}, not {status}")
    if not re.fullmatch(r"\w{3}, \d\d \w{3} \d{4} [\d:]{8} GMT", headers.get("date", "")):
        faults.append(f"date is {headers.get('date')!r}")
    if (row.method == "HEAD" or status == 204) and body:
        faults.append(f"a body: {body[:80]!r}")
    how = " ".join(
        [row.method, row.path, *row.lines, *(["half-closed"] if row.half_closed else [])]
    )
    return [f"{how}: {fault}" for fault in faults]
