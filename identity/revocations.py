"""Tokens and tickets that do not count any more, although they are genuine and not expired."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from wire.errors import TokenInvalid


class Revocations:
    """By author id: when the oldest token that counts was issued, in seconds since 1970. Owned by
    one process; whoever reads the store keeps it current (see `writer.site_rules`). on_change is
    called after each change.
    """

    def __init__(self) -> None:
        self.not_before: Mapping[str, int] = {}
        self.version = 0
        self.on_change: Callable[[], None] = lambda: None

    def replace(self, not_before: Mapping[str, int], version: int) -> None:
        """These are all of them, as of a version of the site's rules."""
        self.not_before, self.version = not_before, version
        self.on_change()

    def revokes(self, author_id: str, issued_at: float) -> bool:
        """Whether something that was issued to an author at that time does not count."""
        not_before = self.not_before.get(author_id)
        return not_before is not None and issued_at < not_before

    def check(self, author_id: str, issued_at: float) -> None:
        """Raises TokenInvalid."""
        if self.revokes(author_id, issued_at):
            raise TokenInvalid("the token was revoked")
