"""From the headers of a request to its caller (RFC 6750, section 2.1: the Authorization header and
no other place, so that no token is ever part of a URL).
"""

from __future__ import annotations

from typing import Protocol

from multidict import MultiMapping

from identity.caller import ANONYMOUS, Caller
from identity.config import Anonymous
from identity.revocations import Revocations
from service.tasks import TaskHome
from wire.errors import TokenInvalid

_SCHEME = "bearer"


class Verifier(Protocol):
    """What knows the keys."""

    @property
    def problem(self) -> str | None:
        """What is wrong with the keys, None if nothing."""

    async def start(self, tasks: TaskHome) -> None:
        """Fetch the keys; does not fail because they are away."""

    async def stop(self) -> None:
        """Release everything. Idempotent."""

    async def verify(self, token: str) -> Caller:
        """Whose token it is. Raises TokenInvalid, TokenExpired, KeysUnavailable."""


class Authenticator:
    """One of a process. `verifier` is None where no keys are configured: every token is then
    refused, since a token that is sent must never be ignored. `anonymous`: who posts without one.
    revocations: of tokens, empty until somebody fills it.
    """

    def __init__(
        self, verifier: Verifier | None = None, anonymous: Anonymous = Anonymous.ANYBODY
    ) -> None:
        self._verifier = verifier
        self.anonymous = anonymous
        self.revocations = Revocations()

    @property
    def problem(self) -> str | None:
        """What is wrong with the keys, None if nothing."""
        return self._verifier.problem if self._verifier else None

    async def start(self, tasks: TaskHome) -> None:
        """Fetch the keys, and go on in the background. Does not fail because they are away."""
        if self._verifier is not None:
            await self._verifier.start(tasks)

    async def stop(self) -> None:
        """Release everything. Idempotent."""
        if self._verifier is not None:
            await self._verifier.stop()

    async def identify(self, headers: MultiMapping[str]) -> Caller:
        """Who sent a request with these headers; ANONYMOUS without a bearer token (other schemes
        are not ours and count as none). Seldom waits: only for a key that is not known yet.

        Raises TokenInvalid, TokenExpired, or KeysUnavailable (503: the keys could not be fetched).
        """
        token = find_token(headers)
        if token is None:
            return ANONYMOUS
        if self._verifier is None:
            raise TokenInvalid("no keys are configured here")
        caller = await self._verifier.verify(token)
        assert caller.author_id is not None  # of every token
        self.revocations.check(caller.author_id, caller.issued_at)
        return caller


def find_token(headers: MultiMapping[str]) -> str | None:
    """The bearer token in these headers, None if there is none. Raises TokenInvalid if it is empty
    or if Authorization is given twice.
    """
    values = headers.getall("Authorization", ())
    if not values:
        return None
    if len(values) > 1:
        raise TokenInvalid("Authorization is given twice")
    scheme, _, token = values[0].partition(" ")
    if scheme.lower() != _SCHEME:
        return None
    token = token.strip(" ")
    if not token:
        raise TokenInvalid("the token is empty")
    return token
