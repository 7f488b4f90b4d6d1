"""What can go wrong, as exceptions.

LiveCommentsError
 +-- Problem        the server refused, and says why in `code`
 +-- Unreachable    nobody answered in time: whether it was done is not known
 +-- Closed         the client was closed meanwhile
"""

from __future__ import annotations


class LiveCommentsError(Exception):
    """Whatever this package raises. `key`: the Idempotency-Key of the post that failed, None for
    other calls. To post the same again is safe with the same key.
    """

    key: str | None = None


class Problem(LiveCommentsError):
    """A refusal of the server (RFC 9457).

    status: of HTTP. code: for programs, such as "slow_mode"; "http_<status>" if what answered was
    not livecomments. title, detail: for people. field: which one of the request is wrong.
    retry_after: in how many seconds the same may be tried again, where the server says so.
    """

    def __init__(
        self,
        status: int,
        code: str,
        title: str = "",
        *,
        detail: str | None = None,
        field: str | None = None,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(f"{code} ({status}): {detail or title}" if detail or title else code)
        self.status, self.code, self.title = status, code, title
        self.detail, self.field, self.retry_after = detail, field, retry_after


class Unreachable(LiveCommentsError):
    """There was no answer within the time that was given. The last error of HTTP is its cause."""


class Closed(LiveCommentsError):
    """The client, or this iterator, was closed by another task or thread."""
