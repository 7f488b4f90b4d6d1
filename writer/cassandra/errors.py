"""How a call to Cassandra can fail, by what is known of its outcome. All are StoreUnavailable."""

from __future__ import annotations

from cassandra import RequestValidationException, Unavailable
from cassandra.cluster import NoHostAvailable

from wire.errors import StoreUnavailable


class NotSent(StoreUnavailable):
    """No server took the call, or too few replicas were there to begin with."""


class Refused(StoreUnavailable):
    """The server refuses the call: no such table, no permission."""


class Unanswered(StoreUnavailable):
    """Outcome unknown: a timeout, a lost connection, a server error."""


class HeadLost(StoreUnavailable):
    """The head is below what it was, or the row after it is gone: this may be another store."""


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
