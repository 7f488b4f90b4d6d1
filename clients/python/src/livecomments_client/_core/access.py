"""Tokens and tickets: what is sent, and when the application is asked for the next one.

Invariants: a token is asked for when the first call needs it, and again only when the server has
refused it; so no clock is compared with that of the server. A ticket is kept until the server says
that it has ended. Neither is in a log or in the text of an error.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from livecomments_client._core.effects import Flow, ask_token
from livecomments_client.errors import Problem

# What an application gives: a token, or what makes one ("missing", "expired" or "invalid" is why).
TokenSource = str | Callable[[str], str | None]
AsyncTokenSource = str | Callable[[str], str | Awaitable[str | None] | None]

_REFUSED_TOKEN = {
    "token_missing": "missing",
    "token_expired": "expired",
    "token_invalid": "invalid",
}
READ_NEEDS_TOKEN = frozenset({"token_missing", "ticket_missing"})
TICKET_REFUSED = frozenset({"ticket_missing", "ticket_expired", "ticket_invalid"})


class Access:
    """Of one client. `fixed`: a token that cannot be renewed; `asks`: whether there is somebody to
    ask.
    """

    def __init__(self, source: AsyncTokenSource | None) -> None:
        self._fixed = source if isinstance(source, str) else None
        self._asks = source is not None and self._fixed is None
        self._token = self._fixed
        # Where none is needed to read, one that has ended would be refused.
        self.shown_to_read = False

    @property
    def has_tokens(self) -> bool:
        """Whether there may be a token at all."""
        return self._asks or self._fixed is not None

    def token(self) -> Flow[str | None]:
        """The one to send, None for none."""
        if self._token is None and self._asks:
            self._token = yield from ask_token("missing")
        return self._token

    def renew(self, refused: str | None, problem: Problem) -> Flow[bool]:
        """After a refusal: whether there is another token to try."""
        why = _REFUSED_TOKEN.get(problem.code)
        if why is None or not self._asks:
            return False
        if self._token == refused:  # else another call has renewed it meanwhile
            self._token = yield from ask_token(why)
        return self._token is not None and self._token != refused


class Ticket:
    """Of one video. needed: the server has said that streams need one. since: when it was given, by
    a monotonic clock.
    """

    def __init__(self) -> None:
        self.needed = False
        self.value: str | None = None
        self.since = 0.0

    def keep(self, value: str, now: float) -> None:
        """One that was just given out."""
        self.value, self.since = value, now

    def drop(self) -> None:
        """It has ended, or was refused."""
        self.needed, self.value = True, None
