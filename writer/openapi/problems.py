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
    Draining,
    ExpectationFailed,
    GatewayTimeout,
    InvalidField,
    KeyReused,
    LengthRequired,
    LivecommentsError,
    MethodNotAllowed,
    NotFound,
    NotJson,
    NotJsonMediaType,
    Overloaded,
    StoreUnavailable,
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
READ_ONE: Problems = (
    BadRequest(),
    NotFound("no such comment"),
    MethodNotAllowed("GET, HEAD"),
    ExpectationFailed(),
    TooManyRequests(),
    *_SERVERS,
)
READ_PAGE: Problems = (
    BadRequest(),
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
    TooManyRequests(),
    *_SERVERS,
)
STREAM: Problems = (
    BadRequest("a stream request has no body"),
    NotFound(),
    MethodNotAllowed("GET, HEAD, OPTIONS"),
    ExpectationFailed(),
)
EVERY: Problems = (*READ_ONE, *READ_PAGE, *POST, *STREAM)

_UNKNOWN = "Commit outcome unknown; retry with the same key"
_TEXTS = {
    400: "The request or its body cannot be read",
    404: "No such path, video id or comment",
    405: "The path has no such method",
    411: "A body without a length",
    413: f"The body is over {MAX_BODY_BYTES // 1024} KiB",
    415: "The content type is not `application/json`, its charset not UTF-8, or it is compressed",
    417: "An `Expect` header other than `100-continue`",
    422: "A field, parameter or header breaks its rule; `field` names it",
    429: "The address is over its rate",
    500: "An error of the server; the log has it",
    502: f"By the gateway: a server ended without a reply. {_UNKNOWN}",
    503: "Cannot be served now. After `store_unavailable` the commit outcome may be unknown",
    504: f"By the gateway: no reply in time. {_UNKNOWN}",
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
