"""Tokens and tickets that do not count any more, although they are genuine and not expired."""

from __future__ import annotations

from collections.abc import Mapping

from wire.errors import TokenInvalid


class Revocations:
    """By author id: when the oldest token that counts was issued, in seconds since 1970. Owned by
    one process; whoever reads the store keeps it current (see `writer.site_rules`).
    """

    def __init__(self) -> None:
        self._not_before: Mapping[str, int] = {}

    def replace(self, not_before: Mapping[str, int]) -> None:
        """These are all of them."""
        self._not_before = not_before

    def revokes(self, author_id: str, issued_at: float) -> bool:
        """Whether something that was issued to an author at that time does not count."""
        not_before = self._not_before.get(author_id)
        return not_before is not None and issued_at < not_before

    def check(self, author_id: str, issued_at: float) -> None:
        """Raises TokenInvalid."""
        if self.revokes(author_id, issued_at):
            raise TokenInvalid("the token was revoked")
