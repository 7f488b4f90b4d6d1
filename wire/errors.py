"""What can go wrong, whose fault it is, and how it looks on the wire.

    LivecommentsError
    |- CallerError            the caller's fault: 4xx, never retried as it is
    |  |- NotJson             400 not_json
    |  |- BadRequest          400 bad_request
    |  |- Unauthenticated     401                      (WWW-Authenticate)
    |  |  |- TokenMissing     401 token_missing
    |  |  |- TokenExpired     401 token_expired
    |  |  |- TokenInvalid     401 token_invalid
    |  |  |- TicketMissing    401 ticket_missing
    |  |  |- TicketExpired    401 ticket_expired       (a stream says so with a `bye` instead)
    |  |  `- TicketInvalid    401 ticket_invalid
    |  |- Forbidden           403 forbidden            (internal endpoints: wrong role)
    |  |  |- PermissionDenied 403 forbidden            (public endpoints: not with this token)
    |  |  |- TicketForeign    403 ticket_foreign
    |  |  |- VideoClosed      403 closed
    |  |  |- MembersOnly      403 members_only
    |  |  `- Banned           403 banned
    |  |- NotFound            404 not_found
    |  |- Repeated            409 duplicate
    |  |- AlreadyDecided      409 decided
    |  |- CommentRemoved      410 removed
    |  |- PreconditionFailed  412 precondition_failed
    |  |- MethodNotAllowed    405 method_not_allowed   (Allow)
    |  |- LengthRequired      411 length_required
    |  |- BodyTooLarge        413 body_too_large
    |  |- NotJsonMediaType    415 unsupported_media_type
    |  |- ExpectationFailed   417 expectation_failed
    |  |- InvalidField        422 invalid_field        (names the field)
    |  |- KeyReused           422 idempotency_key_reused
    |  |- TooManyMarks        422 marks                (names the field)
    |  |- LinksRefused        422 links
    |  |- NameReserved        422 name_reserved
    |  |- Blocked             422 blocked              (never says by which term)
    |  `- TooManyRequests     429 too_many_requests    (Retry-After)
    |     |- SlowMode         429 slow_mode
    |     `- TimedOut         429 timed_out
    |- Unavailable            our fault or a peer's: 503, to be retried (Retry-After)
    |  |- StoreUnavailable    503 store_unavailable
    |  |- Overloaded          503 overloaded
    |  |- KeysUnavailable     503 keys_unavailable
    |  |- CountsUnknown       503 counts_unknown
    |  |- Draining            503 draining
    |  |- BadGateway          502 bad_gateway          (said by the gateway)
    |  `- GatewayTimeout      504 gateway_timeout      (said by the gateway)
    `- PeerError              a call to another of our processes failed; never shown to the public

Handlers raise these; one middleware turns them into RFC 9457 problem documents (`wire.problem`).
"""

from __future__ import annotations

from collections.abc import Mapping


class LivecommentsError(Exception):
    """Root of the tree. `code` is stable and machine-readable, `status` the HTTP status."""

    status = 500
    code = "internal"
    title = "Internal error"

    def __init__(self, detail: str = "") -> None:
        super().__init__(detail or self.title)
        self.detail = detail

    @property
    def headers(self) -> Mapping[str, str]:
        """Response headers that belong to this error."""
        return {}

    @property
    def members(self) -> Mapping[str, object]:
        """Extension members of the problem document (RFC 9457, section 3.2)."""
        return {}


class CallerError(LivecommentsError):
    """The caller's fault."""

    status = 400


class NotJson(CallerError):
    """The body is not a JSON text in UTF-8."""

    code = "not_json"
    title = "The body is not JSON"


class BadRequest(CallerError):
    """The request as a whole cannot be read."""

    code = "bad_request"
    title = "Bad request"


class Unauthenticated(CallerError):
    """A bearer token is needed, or the one that was sent does not count. The challenge is that of
    RFC 6750, section 3.
    """

    status = 401
    _challenge = 'Bearer error="invalid_token"'

    @property
    def headers(self) -> Mapping[str, str]:
        """How to authenticate (RFC 9110, section 11.6.1)."""
        return {"WWW-Authenticate": self._challenge}


class TokenMissing(Unauthenticated):
    """This needs a token and none was sent."""

    code = "token_missing"
    title = "A bearer token is required"
    _challenge = "Bearer"  # no error code: nothing was wrong with what was sent


class TokenExpired(Unauthenticated):
    """The token was good until its `exp`."""

    code = "token_expired"
    title = "The token has expired"


class TokenInvalid(Unauthenticated):
    """The token cannot be read, is not signed by a known key, is not for us, or not valid yet.
    `detail` never repeats anything of the token.
    """

    code = "token_invalid"
    title = "The token is not valid"


class TicketMissing(Unauthenticated):
    """This stream needs a ticket and none was sent."""

    code = "ticket_missing"
    title = "A ticket is required"
    _challenge = "Bearer"


class TicketExpired(Unauthenticated):
    """The ticket was good until its end."""

    code = "ticket_expired"
    title = "The ticket has expired"


class TicketInvalid(Unauthenticated):
    """The ticket cannot be read, or is not signed by a key of ours. `detail` never repeats anything
    of the ticket.
    """

    code = "ticket_invalid"
    title = "The ticket is not valid"


class Forbidden(CallerError):
    """The peer proved who it is, and its role may not call this endpoint."""

    status = 403
    code = "forbidden"
    title = "This role may not call this endpoint"


class PermissionDenied(Forbidden):
    """The caller's token is good and does not allow this."""

    title = "This token does not allow it"


class TicketForeign(Forbidden):
    """The ticket is good, for another video."""

    code = "ticket_foreign"
    title = "This ticket is for another video"


class VideoClosed(Forbidden):
    """Only moderators may post to this video now."""

    code = "closed"
    title = "This video takes no comments"


class MembersOnly(Forbidden):
    """Who posts to this video must be a member."""

    code = "members_only"
    title = "Only members may comment on this video"


class Banned(Forbidden):
    """The author may not post, for good."""

    code = "banned"
    title = "This author may not comment here"


class NotFound(CallerError):
    """No such path, video id or comment."""

    status = 404
    code = "not_found"
    title = "Not found"


class Repeated(CallerError):
    """The same author has just said the same."""

    status = 409
    code = "duplicate"
    title = "This has just been said by the same author"


class AlreadyDecided(CallerError):
    """Another moderator has decided, or nobody did in time."""

    status = 409
    code = "decided"
    title = "This has been decided already"


class CommentRemoved(CallerError):
    """The comment was there, and has been removed."""

    status = 410
    code = "removed"
    title = "This comment has been removed"


class PreconditionFailed(CallerError):
    """What is to be changed is not as `If-Match` says (RFC 9110, section 13.1.1)."""

    status = 412
    code = "precondition_failed"
    title = "It has been changed meanwhile"


class MethodNotAllowed(CallerError):
    """The path exists, the method does not. `allow`: the methods that do."""

    status = 405
    code = "method_not_allowed"
    title = "Method not allowed"

    def __init__(self, allow: str) -> None:
        super().__init__(f"allowed: {allow}")
        self._allow = allow

    @property
    def headers(self) -> Mapping[str, str]:
        """The methods that do exist (RFC 9110, section 15.5.6)."""
        return {"Allow": self._allow}


class LengthRequired(CallerError):
    """A body without a length."""

    status = 411
    code = "length_required"
    title = "Length required"


class BodyTooLarge(CallerError):
    """The body is over the limit of this endpoint."""

    status = 413
    code = "body_too_large"
    title = "The body is too large"


class NotJsonMediaType(CallerError):
    """The content type is not application/json."""

    status = 415
    code = "unsupported_media_type"
    title = "The content type must be application/json"


class ExpectationFailed(CallerError):
    """An `Expect` header other than 100-continue (RFC 9110, section 10.1.1)."""

    status = 417
    code = "expectation_failed"
    title = "The expectation cannot be met"


class InvalidField(CallerError):
    """A field, query parameter or header that breaks its rule. `field` names it."""

    status = 422
    code = "invalid_field"
    title = "A field is not valid"

    def __init__(self, field: str, detail: str) -> None:
        super().__init__(f"{field}: {detail}")
        self.field = field

    @property
    def members(self) -> Mapping[str, object]:
        """The name of the field."""
        return {"field": self.field}


class KeyReused(InvalidField):
    """The idempotency key was used before with another body."""

    code = "idempotency_key_reused"
    title = "The idempotency key belongs to another comment"

    def __init__(self) -> None:
        super().__init__("Idempotency-Key", "was used before with another body")


class TooManyMarks(InvalidField):
    """More combining marks on one character than any writing needs. `field` names where."""

    code = "marks"
    title = "Too many combining marks"

    def __init__(self, field: str) -> None:
        super().__init__(field, "has too many combining marks in a row")


class LinksRefused(InvalidField):
    """Comments on this video may not have links."""

    code = "links"
    title = "Links are not allowed here"

    def __init__(self) -> None:
        super().__init__("text", "has a link")


class NameReserved(InvalidField):
    """The author's name looks like that of a moderator."""

    code = "name_reserved"
    title = "This name belongs to somebody else"

    def __init__(self) -> None:
        super().__init__("author", "looks like the name of somebody who moderates this video")


class Blocked(InvalidField):
    """The comment has something that this video does not allow. By what rule is not told."""

    code = "blocked"
    title = "This is not allowed here"

    def __init__(self) -> None:
        super().__init__("text", "it or the author's name has words that are not allowed here")


class _Retryable(LivecommentsError):
    def __init__(self, detail: str = "", *, retry_after_s: int = 1) -> None:
        super().__init__(detail)
        self.retry_after_s = retry_after_s

    @property
    def headers(self) -> Mapping[str, str]:
        """When to try again, in seconds."""
        return {"Retry-After": str(self.retry_after_s)}


class TooManyRequests(_Retryable, CallerError):
    """The caller's address is over its rate."""

    status = 429
    code = "too_many_requests"
    title = "Too many requests"


class SlowMode(TooManyRequests):
    """The author has posted a moment ago, and the video is in slow mode."""

    code = "slow_mode"
    title = "This video is in slow mode"


class TimedOut(TooManyRequests):
    """The author may not post for a while."""

    code = "timed_out"
    title = "This author may not comment for a while"


class Unavailable(_Retryable):
    """We cannot do it now; the same request may work later."""

    status = 503
    code = "unavailable"
    title = "Unavailable"


class StoreUnavailable(Unavailable):
    """The store did not commit or did not answer: not stored, or the commit outcome is unknown."""

    code = "store_unavailable"
    title = "The comment store is unavailable"


class Overloaded(Unavailable):
    """A bounded queue is full."""

    code = "overloaded"
    title = "Too many requests are waiting"


class KeysUnavailable(Unavailable):
    """The keys that tokens are checked with could not be fetched."""

    code = "keys_unavailable"
    title = "The keys to check tokens are unavailable"


class CountsUnknown(Unavailable):
    """Not every node has told this process how many watch: it has begun a moment ago, or no node
    reaches it.
    """

    code = "counts_unknown"
    title = "How many watch is not known yet"


class Draining(Unavailable):
    """This process is shutting down."""

    code = "draining"
    title = "This server is shutting down"


class BadGateway(Unavailable):
    """A server ended the gateway's connection without a reply: the outcome is unknown."""

    status = 502
    code = "bad_gateway"
    title = "A server did not answer"


class GatewayTimeout(Unavailable):
    """A server did not reply to the gateway in time: the outcome is unknown."""

    status = 504
    code = "gateway_timeout"
    title = "A server did not answer in time"


class PeerError(LivecommentsError):
    """A call to another of our processes failed: refused, timed out, or answered with an error.

    reply_status: the HTTP status it answered with, 0 if it did not answer.
    """

    code = "peer_failed"
    title = "A peer did not answer"

    def __init__(self, detail: str = "", *, reply_status: int = 0) -> None:
        super().__init__(detail)
        self.reply_status = reply_status
