"""What public requests carry beside their body, checked."""

from __future__ import annotations

import re

from aiohttp import web

from wire.comment import check_idempotency_key
from wire.errors import InvalidField, NotJsonMediaType
from wire.ids import AUTHOR_ID_FORM

MAX_LIMIT, DEFAULT_LIMIT = 200, 50
VIDEO = "/v1/videos/{video_id:[A-Za-z0-9_-]{1,64}}"
COMMENT = f"{VIDEO}/comments/{{seq:[1-9][0-9]{{0,14}}}}"
AUTHOR = f"{{author_id:{AUTHOR_ID_FORM}}}"
JSON_HEADERS = {"Content-Type": "application/json", "Cache-Control": "no-cache"}
_USUAL_TYPES = ("application/json", "application/json; charset=utf-8")
_LIMIT = re.compile(r"[1-9][0-9]{0,2}", re.ASCII)


def check_media_type(request: web.Request) -> None:
    """Raises NotJsonMediaType unless the body is JSON in UTF-8, not compressed."""
    if request.headers.get("Content-Type") in _USUAL_TYPES and not _is_encoded(request):
        return  # nearly always, and reading its parameters would cost more than to see that
    charset = request.charset
    if request.content_type != "application/json" or _is_encoded(request):
        raise NotJsonMediaType()
    if charset is not None and charset.lower() not in ("utf-8", "utf8"):
        raise NotJsonMediaType("the charset must be utf-8")


def _is_encoded(request: web.Request) -> bool:
    return request.headers.get("Content-Encoding", "identity").lower() != "identity"


def idempotency_key(request: web.Request) -> str | None:
    """The key of a post, None if it has none. Raises InvalidField."""
    keys = request.headers.getall("Idempotency-Key", ())
    if len(keys) > 1:
        raise InvalidField("Idempotency-Key", "is given twice")
    return check_idempotency_key(keys[0]) if keys else None


def parameter(request: web.Request, name: str) -> str | None:
    """A query parameter, None if it is not there. Raises InvalidField if it is there twice."""
    values = request.query.getall(name, ())
    if len(values) > 1:
        raise InvalidField(name, "is given twice")
    return values[0] if values else None


def page_limit(request: web.Request) -> int:
    """How many entries a page has at most. Raises InvalidField."""
    text = parameter(request, "limit")
    if text is None:
        return DEFAULT_LIMIT
    if not _LIMIT.fullmatch(text) or int(text) > MAX_LIMIT:
        raise InvalidField("limit", f"must be a whole number from 1 to {MAX_LIMIT}")
    return int(text)
