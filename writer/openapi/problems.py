"""What can go wrong on the public API, as responses of its description.

Each problem is an instance of the error that is really raised (or that the gateway really answers
with), so status, code, headers and example are those that are sent.
"""

from __future__ import annotations

import json
from collections.abc import Iterable

from wire.comment import MAX_BODY_BYTES
from wire.errors import (
    BadGateway,
    BadRequest,
    BodyTooLarge,
    CommentRemoved,
    Draining,
    ExpectationFailed,
    GatewayTimeout,
    InvalidField,
    KeyReused,
    KeysUnavailable,
    LengthRequired,
    LivecommentsError,
    MethodNotAllowed,
    NotFound,
    NotJson,
    NotJsonMediaType,
    Overloaded,
    PermissionDenied,
    StoreUnavailable,
    TicketExpired,
    TicketForeign,
    TicketInvalid,
    TicketMissing,
    TokenExpired,
    TokenInvalid,
    TokenMissing,
    TooManyMarks,
    TooManyRequests,
    Unavailable,
)
from wire.problem import CONTENT_TYPE, encode_problem
from writer.openapi.parts import Json, header_references

Problems = tuple[LivecommentsError, ...]

_SERVERS: Problems = (
    LivecommentsError(),
    BadGateway(),
    StoreUnavailable("the store did not answer in time"),
    Overloaded(),
    Unavailable(),
    Draining(),
    GatewayTimeout(),
)
# Of every operation that reads the Authorization header.
TOKENS: Problems = (TokenMissing(), TokenExpired(), TokenInvalid(), KeysUnavailable())
# Of every operation that reads what is stored.
_READERS: Problems = (
    *TOKENS,
    TicketExpired(),
    TicketInvalid(),
    PermissionDenied(),
    TicketForeign(),
)
READ_ONE: Problems = (
    BadRequest(),
    *_READERS,
    NotFound("no such comment"),
    MethodNotAllowed("DELETE, GET, HEAD"),
    CommentRemoved(),
    ExpectationFailed(),
    TooManyRequests(),
    *_SERVERS,
)
READ_PAGE: Problems = (
    BadRequest(),
    *_READERS,
    NotFound(),
    MethodNotAllowed("GET, HEAD, POST"),
    ExpectationFailed(),
    InvalidField("limit", "must be a whole number from 1 to 200"),
    TooManyRequests(),
    *_SERVERS,
)
POST: Problems = (
    BadRequest("the body did not arrive"),
    NotJson("Expecting value at character 0"),
    NotFound(),
    MethodNotAllowed("GET, HEAD, POST"),
    LengthRequired(),
    BodyTooLarge(f"at most {MAX_BODY_BYTES} bytes"),
    NotJsonMediaType(),
    ExpectationFailed(),
    InvalidField("text", "is missing"),
    KeyReused(),
    TooManyMarks("text"),
    CommentRemoved(),
    TooManyRequests(),
    *TOKENS,
    *_SERVERS,
)
ISSUE: Problems = (
    BadRequest(),
    *TOKENS,
    PermissionDenied(),
    NotFound("no keys of tickets are configured here"),
    MethodNotAllowed("POST"),
    ExpectationFailed(),
    TooManyRequests(),
    *_SERVERS,
)
RESTORE: Problems = (
    BadRequest(),
    *TOKENS,
    PermissionDenied(),
    NotFound("no such comment: 3"),
    MethodNotAllowed("POST"),
    ExpectationFailed(),
    TooManyRequests(),
    *_SERVERS,
)
REMOVE: Problems = (
    *RESTORE,
    NotJson("Expecting value at character 0"),
    LengthRequired(),
    BodyTooLarge(f"at most {MAX_BODY_BYTES} bytes"),
    NotJsonMediaType(),
    InvalidField("seqs", "is missing"),
)
STREAM: Problems = (
    BadRequest("a stream request has no body"),
    TicketMissing(),
    TicketInvalid(),
    TicketForeign(),
    NotFound(),
    MethodNotAllowed("GET, HEAD, OPTIONS"),
    ExpectationFailed(),
)
EVERY: Problems = (*READ_ONE, *READ_PAGE, *POST, *REMOVE, *STREAM)

_TEXTS = {
    400: "The request or its body cannot be read",
    401: "A token or ticket is needed, or the one that was sent does not count",
    403: "The token does not allow it, or the ticket is for another video",
    404: "No such path, video id or comment",
    405: "This method is not allowed on this path",
    410: "The comment was removed",
    411: "The body has no length",
    413: f"The body is larger than {MAX_BODY_BYTES // 1024} KiB",
    415: "The content type is not `application/json`, its charset not UTF-8, or it is compressed",
    417: "The `Expect` header is not `100-continue`",
    422: "A field, parameter or header is not valid; `field` names it",
    429: "The client's address is over its rate limit",
    500: "An error of the server, which its log describes",
    502: "From the gateway: no reply of a server. A post may be stored; retry with the same key",
    503: "Cannot be served now. After `store_unavailable` a post may be stored or not",
    504: "From the gateway: no reply in time. A post may be stored; retry with the same key",
}


def codes() -> list[str]:
    """Every code, by status."""
    return list(dict.fromkeys(e.code for e in sorted(EVERY, key=lambda error: error.status)))


def problem_responses(problems: Problems) -> Json:
    """The responses of an operation that can go wrong in these ways."""
    statuses = sorted({error.status for error in problems})
    return {
        str(status): _response(status, [error for error in problems if error.status == status])
        for status in statuses
    }


def _response(status: int, problems: Iterable[LivecommentsError]) -> Json:
    examples = {
        error.code: {"summary": error.title, "value": json.loads(encode_problem(error))}
        for error in problems
    }
    names = {name for error in problems for name in error.headers}
    return {
        "description": _TEXTS[status],
        "headers": header_references(*sorted(names)),
        "content": {
            CONTENT_TYPE: {
                "schema": {"$ref": "#/components/schemas/Problem"},
                "examples": examples,
            }
        },
    }
