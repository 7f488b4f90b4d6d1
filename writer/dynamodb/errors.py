"""The SDK's errors, by what is known of the outcome: see `stepwise.errors`.

The SDK calls it an error of the endpoint when a connection cannot be made, and also when one breaks
under a call that was sent; only the error behind it tells the two apart.
"""

from __future__ import annotations

import aiohttp
from botocore.exceptions import (
    ClientError,
    ConnectTimeoutError,
    CredentialRetrievalError,
    EndpointConnectionError,
    NoCredentialsError,
    NoRegionError,
    PartialCredentialsError,
    ProfileNotFound,
)

from wire.errors import StoreUnavailable
from writer.stepwise.errors import NotSent, Refused, Unanswered

NO_TABLE = "ResourceNotFoundException"
BEING_MADE = "ResourceInUseException"  # also: being changed, or deleted
UNKNOWN_OPERATION = "UnknownOperationException"
NOT_ALLOWED = "AccessDeniedException"
INVALID = "ValidationException"
_CONDITION_FAILED = "ConditionalCheckFailedException"
# They say that the call was not carried out, but it counts as unknown all the same: it is read back
# and sent again, and a wrong word of a server would otherwise number a comment twice.
_THROTTLED = {
    "ProvisionedThroughputExceededException",
    "RequestLimitExceeded",
    "ThrottlingException",
    "Throttling",
    "TooManyRequestsException",
}
_UNKNOWN = {
    "InternalServerError",
    "ReplicatedWriteConflictException",
    "RequestTimeout",
    "RequestTimeoutException",
    "ServiceUnavailable",
    "TransactionConflictException",
    "TransactionInProgressException",
}
_NOT_SET_UP = (
    CredentialRetrievalError,
    NoCredentialsError,
    NoRegionError,
    PartialCredentialsError,
    ProfileNotFound,
)
_SERVER_ERROR = 500


class ConditionFailed(Exception):
    """The condition of a call does not hold: nothing was written. (Where an earlier try of the same
    call was not answered, perhaps because of that one.)
    """


class Throttled(Unanswered):
    """Too many calls for now."""


def translate(error: BaseException) -> StoreUnavailable | ConditionFailed:
    """Ours for one of the SDK's, or for a timeout. Whatever leaves the outcome unknown is
    Unanswered.
    """
    if isinstance(error, StoreUnavailable):
        return error
    if isinstance(error, ClientError):
        return _of_answer(error)
    if isinstance(error, ConnectTimeoutError) or _never_connected(error):
        return NotSent("DynamoDB cannot be reached")
    if isinstance(error, _NOT_SET_UP):
        return Refused("the AWS region or credentials are not set up")
    return Unanswered("no answer from DynamoDB")


def code_of(error: BaseException) -> str:
    """What an error is called, for logs: never its text, which may quote the call."""
    if isinstance(error, ClientError):
        return str(error.response.get("Error", {}).get("Code", ""))
    return type(error).__name__


def _of_answer(error: ClientError) -> StoreUnavailable | ConditionFailed:
    code = code_of(error)
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", _SERVER_ERROR)
    if code == _CONDITION_FAILED:
        return ConditionFailed()
    if code in _THROTTLED:
        return Throttled("DynamoDB asks for fewer calls")
    if status >= _SERVER_ERROR or code in _UNKNOWN:
        return Unanswered("DynamoDB had an error")
    return Refused("DynamoDB refuses the call")


def _never_connected(error: BaseException) -> bool:
    if not isinstance(error, EndpointConnectionError):
        return False
    return isinstance(error.kwargs.get("error"), aiohttp.ClientConnectorError)
