"""What can go wrong on the public API, as responses of its description."""

from __future__ import annotations

import json
from collections.abc import Iterable

from wire.errors import LivecommentsError
from wire.problem import CONTENT_TYPE, encode_problem
from writer.openapi.parts import Json, header_references
from writer.openapi.problem_sets import EVERY, Problems

_TEXTS = {
    400: "The request or its body cannot be read",
    401: "A token or ticket is needed, or the one that was sent does not count",
    403: "The token does not allow it, the author may not post, or the ticket is for another video",
    404: "No such path, video id or comment",
    409: "The same has just been said; or somebody else has decided",
    412: "It is not as `If-Match` says: somebody has changed it meanwhile",
    405: "This method is not allowed on this path",
    410: "The comment was removed",
    411: "The body has no length",
    413: "The body is larger than this call takes",
    415: "The content type is not `application/json`, its charset not UTF-8, or it is compressed",
    417: "The `Expect` header is not `100-continue`",
    422: "A field, parameter or header is not valid; `field` names it",
    429: "The client's address is over its rate limit, or the author may not post yet",
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
