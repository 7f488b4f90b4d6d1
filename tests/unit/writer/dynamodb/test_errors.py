from __future__ import annotations

import aiohttp
import pytest
from botocore.exceptions import (
    ClientError,
    ConnectionClosedError,
    ConnectTimeoutError,
    EndpointConnectionError,
    HTTPClientError,
    NoCredentialsError,
    NoRegionError,
    ReadTimeoutError,
)

from wire.errors import StoreUnavailable
from writer.dynamodb.errors import ConditionFailed, Throttled, code_of, translate
from writer.stepwise.errors import NotSent, Refused, Unanswered

URL = "http://127.0.0.1:1"
_REFUSED = aiohttp.ClientConnectorError(None, OSError(111, "refused"))  # type: ignore[arg-type]


def said(code: str, status: int = 400) -> ClientError:
    """An answer of the service."""
    response = {"Error": {"Code": code}, "ResponseMetadata": {"HTTPStatusCode": status}}
    return ClientError(response, "PutItem")


@pytest.mark.parametrize(
    "error",
    [
        TimeoutError(),
        ReadTimeoutError(endpoint_url=URL),
        ConnectionClosedError(endpoint_url=URL),
        # A connection that broke under a call: the SDK gives it the same name as one that was
        # never made.
        EndpointConnectionError(endpoint_url=URL, error=aiohttp.ClientOSError(104, "reset")),
        HTTPClientError(error=ValueError("what is this")),
        said("InternalServerError", 500),
        said("ServiceUnavailable", 503),
        said("502", 502),
        said("TransactionInProgressException"),
        said("TransactionConflictException"),
        ValueError("a reply that is none"),
    ],
)
def test_what_may_have_been_carried_out_is_unanswered(error: Exception) -> None:
    assert type(translate(error)) is Unanswered


@pytest.mark.parametrize(
    "code",
    [
        "ProvisionedThroughputExceededException",
        "RequestLimitExceeded",
        "ThrottlingException",
    ],
)
def test_a_throttled_call_counts_as_unanswered(code: str) -> None:
    found = translate(said(code))
    assert type(found) is Throttled
    assert isinstance(found, Unanswered)


@pytest.mark.parametrize(
    ("error", "ours"),
    [
        (ConnectTimeoutError(endpoint_url=URL), NotSent),
        (EndpointConnectionError(endpoint_url=URL, error=_REFUSED), NotSent),
        (said("ResourceNotFoundException"), Refused),
        (said("AccessDeniedException"), Refused),
        (said("ValidationException"), Refused),
        (said("UnrecognizedClientException"), Refused),
        (NoCredentialsError(), Refused),
        (NoRegionError(), Refused),
    ],
)
def test_what_was_certainly_not_carried_out_is_told_apart(
    error: Exception, ours: type[StoreUnavailable]
) -> None:
    assert type(translate(error)) is ours


def test_a_condition_that_fails_is_an_answer() -> None:
    found = translate(said("ConditionalCheckFailedException"))
    assert type(found) is ConditionFailed
    assert not isinstance(found, StoreUnavailable)


def test_our_own_errors_stay_as_they_are() -> None:
    error = StoreUnavailable("another version")
    assert translate(error) is error


def test_what_is_logged_has_no_text_of_the_service() -> None:
    """It may quote the call, with the name of the key that signed it."""
    assert code_of(said("SignatureDoesNotMatch")) == "SignatureDoesNotMatch"
    assert code_of(ReadTimeoutError(endpoint_url=URL)) == "ReadTimeoutError"
