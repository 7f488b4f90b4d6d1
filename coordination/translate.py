"""kazoo's exceptions and replies in our own words (`errors.py`)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from kazoo import exceptions as kazoo

from coordination.errors import (
    BadVersion,
    CoordinationError,
    MultiRefused,
    NodeExists,
    NoNode,
    NotEmpty,
    NoWatch,
    OutcomeUnknown,
    Refused,
)
from coordination.znode import Stat

_REFUSALS: dict[type[Exception], type[Refused]] = {
    kazoo.NoNodeError: NoNode,
    kazoo.NodeExistsError: NodeExists,
    kazoo.NotEmptyError: NotEmpty,
    kazoo.NoWatcherError: NoWatch,
    kazoo.BadVersionError: BadVersion,
}
_LOST = (
    kazoo.ConnectionLoss,
    kazoo.ConnectionClosedError,
    kazoo.SessionExpiredError,
    kazoo.SessionMovedError,
    kazoo.OperationTimeoutError,
    kazoo.AuthFailedError,
)
# In the reply to a refused transaction these stand for the operations that did not fail.
_ROLLED_BACK = (kazoo.RolledBackError, kazoo.RuntimeInconsistency)


def translated(error: Exception) -> CoordinationError:
    """Our error for one of kazoo's."""
    if isinstance(error, _LOST):
        return OutcomeUnknown(type(error).__name__)
    kind = _REFUSALS.get(type(error), Refused)
    return kind(str(error) or type(error).__name__)


def refusal(results: Sequence[Any]) -> MultiRefused | None:
    """The refusal in the reply to a transaction, None if it was carried out."""
    for index, result in enumerate(results):
        if isinstance(result, Exception) and not isinstance(result, _ROLLED_BACK):
            cause = translated(result)
            return MultiRefused(index, cause if isinstance(cause, Refused) else Refused())
    return None


def stat_of(found: Any) -> Stat:
    """The part of kazoo's ZnodeStat that we use."""
    return Stat(found.ephemeralOwner, found.version, found.numChildren, found.czxid)
