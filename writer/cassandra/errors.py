"""How a call to Cassandra can fail, by what is known afterwards. All are StoreUnavailable."""

from __future__ import annotations

from cassandra import RequestValidationException, Unavailable
from cassandra.cluster import NoHostAvailable

from wire.errors import StoreUnavailable


class NotSent(StoreUnavailable):
    """No server took the call, or too few replicas were there to begin with."""


class Refused(StoreUnavailable):
    """The server would not carry it out: no such table, no right to it."""


class Unanswered(StoreUnavailable):
    """Nobody knows whether it was carried out: a timeout, a lost connection, a server error."""


class HeadLost(StoreUnavailable):
    """The head is below what it was, or the row after it is gone: this may be another store."""


def translate(error: BaseException, *, conditional: bool = False) -> StoreUnavailable:
    """Ours for the driver's. What is not known for certain is Unanswered.

    Error 0x1700 (the outcome of a condition is unknown) has no class in the driver; it comes as a
    bare `ErrorMessage`, and is Unanswered like all others. conditional: whether the call has a
    condition; that has several rounds, and too few replicas may be there for a later one only,
    when the first have accepted it.
    """
    if isinstance(error, NoHostAvailable) or (isinstance(error, Unavailable) and not conditional):
        return NotSent("Cassandra is away")
    if isinstance(error, RequestValidationException):
        return Refused("Cassandra refuses the call")
    return Unanswered("no answer from Cassandra")
