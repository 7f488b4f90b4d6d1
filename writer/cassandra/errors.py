"""The driver's errors, by what is known of the outcome: see `stepwise.errors`."""

from __future__ import annotations

from cassandra import RequestValidationException, Unavailable
from cassandra.cluster import NoHostAvailable

from wire.errors import StoreUnavailable
from writer.stepwise.errors import NotSent, Refused, Unanswered


def translate(error: BaseException, *, conditional: bool = False) -> StoreUnavailable:
    """Our error for one of the driver's. Whatever leaves the outcome unknown is Unanswered.

    Error 0x1700 (the outcome of a condition is unknown) has no class in the driver; it comes as a
    bare `ErrorMessage`, and is Unanswered like all others. conditional: whether the call has a
    condition: it takes several rounds, and there may be enough replicas for the first ones, which
    accept it, and too few for a later one.
    """
    if isinstance(error, NoHostAvailable) or (isinstance(error, Unavailable) and not conditional):
        return NotSent("Cassandra cannot be reached")
    if isinstance(error, RequestValidationException):
        return Refused("Cassandra refuses the call")
    return Unanswered("no answer from Cassandra")
