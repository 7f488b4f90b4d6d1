"""The caller of a public request, as its token proves it; or anonymous."""

from __future__ import annotations

from dataclasses import dataclass

from identity.roles import NO_ROLES, Rank, Roles
from wire.errors import PermissionDenied, TokenMissing


@dataclass(frozen=True, slots=True)
class Caller:
    """Who calls. `author_id` is None for an anonymous caller only; `name` is None if the token
    carries none, and always for an anonymous caller. issued_at: when the token was, wall clock in
    seconds.
    """

    author_id: str | None = None
    name: str | None = None
    roles: Roles = NO_ROLES
    issued_at: float = 0.0

    @property
    def anonymous(self) -> bool:
        """Whether there was no token."""
        return self.author_id is None

    def rank_in(self, video_id: str) -> Rank:
        """The highest rank for this video; ANYBODY if none is granted."""
        return max(self.roles.find(video_id), default=Rank.ANYBODY)

    def rank_everywhere(self) -> Rank:
        """The highest rank for all videos; ANYBODY if none is granted."""
        return max(self.roles.find_everywhere(), default=Rank.ANYBODY)

    def require(self, video_id: str, rank: Rank) -> None:
        """Raises TokenMissing for an anonymous caller, PermissionDenied for one who is less than
        `rank` for this video.
        """
        self._require(self.rank_in(video_id), rank)

    def require_everywhere(self, rank: Rank) -> None:
        """As `require`, for calls that are about no video or about all."""
        self._require(self.rank_everywhere(), rank)

    def require_reader(self, video_id: str) -> None:
        """Raises as `require` unless the caller may read this video. Whose token grants roles reads
        where it grants one; whose token grants none at all reads everything.
        """
        self.require(video_id, Rank.VIEWER if self.roles.limited else Rank.ANYBODY)

    def badges(self, video_id: str) -> tuple[str, ...]:
        """What a screen shows beside the author: roles above member for this video, highest
        first.
        """
        if not self.roles.limited:  # as of most people
            return ()
        above = (rank for rank in self.roles.find(video_id) if rank > Rank.MEMBER)
        return tuple(rank.name.lower() for rank in sorted(above, reverse=True))

    def _require(self, own: Rank, rank: Rank) -> None:
        if self.anonymous:
            raise TokenMissing()
        if own < rank:
            raise PermissionDenied()


ANONYMOUS = Caller()
