"""How a call to a store can fail, by what is known of its outcome. All are StoreUnavailable."""

from __future__ import annotations

from wire.errors import StoreUnavailable


class NotSent(StoreUnavailable):
    """No server took the call, or too few replicas were there to begin with."""


class Refused(StoreUnavailable):
    """The server refuses the call: no such table, no permission."""


class Unanswered(StoreUnavailable):
    """Outcome unknown: a timeout, a lost connection, a server error."""


class HeadLost(StoreUnavailable):
    """The head is below what it was, or the row after it is gone: this may be another store."""
