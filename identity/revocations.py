"""Tokens and tickets that do not count any more, although they are genuine and not expired."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from wire.errors import TokenInvalid


class Revocations:
    """By author id: when the oldest token that counts was issued, in seconds since 1970. Owned by
    one process; whoever reads the store keeps it current (see `writer.site_rules`). on_change is
    called after each change. known: whether they were read at all.

    Invariant: what was revoked stays so for as long as the process lives. Nothing takes a
    revocation back, so where two reads disagree, as of two writers, the later time is the newer.
    """

    def __init__(self, *, known: bool = True) -> None:
        self.not_before: Mapping[str, int] = {}
        self.known = known
        self.version = 0
        self.on_change: Callable[[], None] = lambda: None

    def learn(self, not_before: Mapping[str, int], version: int) -> None:
        """These are all of them, as of a version of the site's rules; perhaps an older one."""
        known = self.not_before
        later = {one: at for one, at in not_before.items() if at > known.get(one, -1)}
        self.not_before, self.version, self.known = {**known, **later}, version, True
        self.on_change()

    def revokes(self, author_id: str, issued_at: float) -> bool:
        """Whether something that was issued to an author at that time does not count."""
        not_before = self.not_before.get(author_id)
        return not_before is not None and issued_at < not_before

    def check(self, author_id: str, issued_at: float) -> None:
        """Raises TokenInvalid."""
        if self.revokes(author_id, issued_at):
            raise TokenInvalid("the token was revoked")
