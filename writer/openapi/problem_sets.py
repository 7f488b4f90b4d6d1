"""What can go wrong with each operation.

Each problem is an instance of the error that is really raised (or that the gateway really answers
with), so status, code, headers and example are those that are sent.
"""

from __future__ import annotations

from screening.terms import MAX_FILTERS_BYTES
from wire.comment import MAX_BODY_BYTES
from wire.errors import (
    AlreadyDecided,
    BadGateway,
    BadRequest,
    Banned,
    Blocked,
    BodyTooLarge,
    CommentRemoved,
    CountsUnknown,
    Draining,
    ExpectationFailed,
    GatewayTimeout,
    InvalidField,
    KeyReused,
    KeysUnavailable,
    LengthRequired,
    LinksRefused,
    LivecommentsError,
    MembersOnly,
    MethodNotAllowed,
    NameReserved,
    NotFound,
    NotJson,
    NotJsonMediaType,
    Overloaded,
    PermissionDenied,
    PreconditionFailed,
    Repeated,
    SlowMode,
    StoreUnavailable,
    TicketExpired,
    TicketForeign,
    TicketInvalid,
    TicketMissing,
    TimedOut,
    TokenExpired,
    TokenInvalid,
    TokenMissing,
    TooManyMarks,
    TooManyRequests,
    Unavailable,
    VideoClosed,
)

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
_READ_ONE: Problems = (
    BadRequest(),
    *_READERS,
    NotFound(),
    ExpectationFailed(),
    TooManyRequests(),
    *_SERVERS,
)
READ_ONE = (*_READ_ONE, MethodNotAllowed("DELETE, GET, HEAD"), CommentRemoved())
READ_VIEWERS = (*_READ_ONE, MethodNotAllowed("GET, HEAD"), CountsUnknown())
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
    VideoClosed(),
    MembersOnly(),
    Banned(),
    Repeated(),
    LinksRefused(),
    NameReserved(),
    Blocked(),
    SlowMode(retry_after_s=9),
    TimedOut(retry_after_s=240),
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


def called(allow: str, *more: LivecommentsError) -> Problems:
    """Of an operation that needs a token. allow: the methods of its path; more: what else can go
    wrong with it.
    """
    return (
        BadRequest(),
        *TOKENS,
        PermissionDenied(),
        NotFound(),
        MethodNotAllowed(allow),
        ExpectationFailed(),
        TooManyRequests(),
        *more,
        *_SERVERS,
    )


def _optional_body(fault: LivecommentsError, limit: int = MAX_BODY_BYTES) -> Problems:
    """Of an operation that may have JSON. fault: what else is wrong with a field."""
    return (
        NotJson("Expecting value at character 0"),
        BodyTooLarge(f"at most {limit} bytes"),
        NotJsonMediaType(),
        fault,
    )


def _body(fault: LivecommentsError, limit: int = MAX_BODY_BYTES) -> Problems:
    """Of an operation that must have JSON."""
    return (LengthRequired(), *_optional_body(fault, limit))


_LIMIT = InvalidField("limit", "must be a whole number from 1 to 200")
_NO_ID = InvalidField("author_id", "must be the id of an author, as comments have it")
_UNTIL = InvalidField("until", "must be in the future")
ISSUE = called("POST")
RESTORE = called("POST", CommentRemoved())
REMOVE_ONE = called(
    "DELETE, GET, HEAD",
    *_optional_body(InvalidField("reason", "must be a string")),
    CommentRemoved(),
)
REMOVE = called("POST", *_body(InvalidField("seqs", "is missing")))
READ_RULES = (*_READ_ONE, MethodNotAllowed("GET, HEAD, PATCH"))
CHANGE_RULES = called(
    "GET, HEAD, PATCH",
    *_body(InvalidField("slow_mode_s", "must be whole seconds from 0 to 21600")),
    PreconditionFailed(),
)
PIN = called("DELETE, PUT", *_body(InvalidField("seq", "must be the number of a comment")))
UNPIN = called("DELETE, PUT")
LIST_SANCTIONS = called("GET, HEAD", _LIMIT)
GET_SANCTION = called("DELETE, GET, HEAD, PUT")
SANCTION = called("DELETE, GET, HEAD, PUT", *_optional_body(_UNTIL))
STANDING: Problems = (
    BadRequest(),
    *TOKENS,
    NotFound(),
    MethodNotAllowed("GET, HEAD"),
    ExpectationFailed(),
    TooManyRequests(),
    *_SERVERS,
)
GET_FILTERS = called("GET, HEAD, PUT")
PUT_FILTERS = called(
    "GET, HEAD, PUT",
    *_body(InvalidField("terms[0].term", "is missing"), MAX_FILTERS_BYTES),
    PreconditionFailed(),
)
TRY_FILTERS = called("POST", *_body(InvalidField("text", "is missing")))
LIST_HELD = called("GET, HEAD", _LIMIT)
DECIDE = called(
    "POST",
    *_body(InvalidField("decision", "must be approve or deny")),
    KeyReused(),
    Banned(),
    NameReserved(),
    AlreadyDecided("it was denied"),
    TimedOut(),
)
AUDIT = called("GET, HEAD", _LIMIT)
EXPORT = called("GET, HEAD", InvalidField("after", "is not an event id"))
ERASE = called("POST", *_body(_NO_ID))
GET_ERASURE = called("GET, HEAD")
REVOKE = called("POST", *_body(_NO_ID))
STREAM: Problems = (
    BadRequest("a stream request has no body"),
    TicketMissing(),
    TicketInvalid(),
    TicketForeign(),
    NotFound(),
    MethodNotAllowed("GET, HEAD, OPTIONS"),
    ExpectationFailed(),
)
EVERY: Problems = (
    *(*READ_ONE, *READ_VIEWERS, *READ_PAGE, *READ_RULES, *STANDING, *POST, *STREAM),
    *(*ISSUE, *RESTORE, *REMOVE_ONE, *REMOVE, *CHANGE_RULES, *PIN, *UNPIN),
    *(*LIST_SANCTIONS, *GET_SANCTION, *SANCTION, *ERASE, *GET_ERASURE, *REVOKE),
    *(*GET_FILTERS, *PUT_FILTERS, *TRY_FILTERS, *LIST_HELD, *DECIDE, *AUDIT, *EXPORT),
)
