from __future__ import annotations

import pytest
from cassandra import (
    InvalidRequest,
    OperationTimedOut,
    Unavailable,
    WriteTimeout,
    WriteType,
)
from cassandra.cluster import NoHostAvailable
from cassandra.connection import ConnectionShutdown
from cassandra.protocol import ErrorMessage

from wire.errors import StoreUnavailable
from writer.cassandra.errors import translate
from writer.stepwise.errors import NotSent, Refused, Unanswered

CAS_UNKNOWN = ErrorMessage(0x1700, "CAS operation result is unknown", None)


@pytest.mark.parametrize(
    "error",
    [
        WriteTimeout("late", write_type=WriteType.CAS),
        WriteTimeout("late", write_type=WriteType.SIMPLE),
        CAS_UNKNOWN,
        OperationTimedOut(),
        ConnectionShutdown("gone"),
        ErrorMessage(0x0000, "server error", None),
        ErrorMessage(0x1001, "overloaded", None),
    ],
)
def test_what_may_have_been_carried_out_is_unanswered(error: Exception) -> None:
    assert type(translate(error)) is Unanswered


@pytest.mark.parametrize(
    ("error", "ours"),
    [
        (NoHostAvailable("none", {}), NotSent),
        (Unavailable("too few"), NotSent),
        (InvalidRequest("no such table"), Refused),
    ],
)
def test_what_was_certainly_not_carried_out_is_told_apart(
    error: Exception, ours: type[StoreUnavailable]
) -> None:
    assert type(translate(error)) is ours


@pytest.mark.parametrize(
    ("error", "ours"),
    [
        (Unavailable("too few"), Unanswered),  # maybe for a later round only
        (NoHostAvailable("none", {}), NotSent),
        (InvalidRequest("no such table"), Refused),
    ],
)
def test_a_condition_may_have_been_accepted_before_replicas_were_too_few(
    error: Exception, ours: type[StoreUnavailable]
) -> None:
    assert type(translate(error, conditional=True)) is ours


def test_the_public_learns_nothing_of_the_servers() -> None:
    error = NoHostAvailable("none", {"10.0.0.1:9042": OSError("secret")})
    assert "10.0.0.1" not in translate(error).detail
