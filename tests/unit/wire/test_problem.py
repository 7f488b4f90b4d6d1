from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from wire import errors
from wire.errors import (
    InvalidField,
    KeyReused,
    LivecommentsError,
    MethodNotAllowed,
    PeerError,
    SlowMode,
    StoreUnavailable,
    TokenExpired,
    TokenMissing,
    TooManyRequests,
)
from wire.problem import encode_problem


def tree(kind: type[LivecommentsError]) -> Iterator[type[LivecommentsError]]:
    for child in kind.__subclasses__():
        if child.__module__ == errors.__name__ and not child.__name__.startswith("_"):
            yield child
        yield from tree(child)


def test_a_problem_names_what_is_wrong_and_where() -> None:
    assert json.loads(encode_problem(InvalidField("text", "is missing"))) == {
        "type": "about:blank",
        "title": "A field is not valid",
        "status": 422,
        "code": "invalid_field",
        "detail": "text: is missing",
        "field": "text",
    }


def test_a_problem_without_detail_has_none() -> None:
    assert json.loads(encode_problem(LivecommentsError())) == {
        "type": "about:blank",
        "title": "Internal error",
        "status": 500,
        "code": "internal",
    }


def test_the_headers_of_an_error_come_with_it() -> None:
    assert MethodNotAllowed("GET, POST").headers == {"Allow": "GET, POST"}
    assert TooManyRequests(retry_after_s=3).headers == {"Retry-After": "3"}
    assert SlowMode(retry_after_s=9).headers == {"Retry-After": "9"}
    assert StoreUnavailable("away").headers == {"Retry-After": "1"}
    assert TooManyRequests().status == 429
    assert TokenMissing().headers == {"WWW-Authenticate": "Bearer"}
    assert TokenExpired().headers == {"WWW-Authenticate": 'Bearer error="invalid_token"'}


def test_every_code_is_stable_and_belongs_to_one_error() -> None:
    codes = {kind: kind.code for kind in tree(LivecommentsError) if "code" in vars(kind)}
    assert len(set(codes.values())) == len(codes)
    assert set(codes.values()) == {
        "not_json", "bad_request", "forbidden", "not_found", "method_not_allowed",
        "expectation_failed", "length_required", "body_too_large", "unsupported_media_type",
        "invalid_field", "marks",
        "idempotency_key_reused", "too_many_requests", "unavailable", "store_unavailable",
        "removed", "overloaded", "draining", "bad_gateway", "gateway_timeout", "peer_failed",
        "token_missing", "token_expired", "token_invalid", "keys_unavailable",
        "counts_unknown",
        "ticket_missing", "ticket_expired", "ticket_invalid", "ticket_foreign",
        "closed", "members_only", "banned", "duplicate", "decided", "precondition_failed",
        "links", "name_reserved", "blocked", "slow_mode", "timed_out",
    }  # fmt: skip


EVERY = sorted(set(tree(LivecommentsError)), key=lambda kind: kind.__name__)


@pytest.mark.parametrize("kind", EVERY)
def test_the_tree_in_the_docstring_is_the_tree(kind: type[LivecommentsError]) -> None:
    assert errors.__doc__ is not None
    assert f"- {kind.__name__}" in errors.__doc__


def test_a_reused_key_is_a_field_fault() -> None:
    error = KeyReused()
    assert (error.status, error.field) == (422, "Idempotency-Key")


def test_a_peer_error_knows_whether_the_peer_answered() -> None:
    assert PeerError("refused").reply_status == 0
    assert PeerError("no", reply_status=403).reply_status == 403


def test_hostile_details_are_still_json() -> None:
    raw = encode_problem(InvalidField("x", '"}\n\0<script>'))
    assert json.loads(raw)["detail"] == 'x: "}\n\0<script>'
