"""The rules that decide a post, and their changes; the same on every store.

They are decided where a comment is numbered, under the same transaction or condition: a change of
them is an entry of the log too, and whatever is numbered after that entry was decided by it. An
idempotency key comes first: what is stored already is not decided again.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from enum import StrEnum
from hashlib import blake2b
from typing import Any, NamedTuple

import msgspec

from identity.roles import Rank
from screening.links import has_link
from screening.normal_form import name_key, normal_form
from wire.comment import NewComment
from wire.errors import (
    Banned,
    CallerError,
    LinksRefused,
    MembersOnly,
    NameReserved,
    PermissionDenied,
    PreconditionFailed,
    Repeated,
    SlowMode,
    TimedOut,
    TokenMissing,
    VideoClosed,
)
from wire.rulings import FOREVER_MS, REPEATS_WITHIN_S, Settings, until_text

MAX_STAFF = 100  # names of moderators that are known of a video; the oldest are forgotten


class Staff(NamedTuple):
    """Somebody with a rank above member who has posted, and a name that nobody else may use."""

    author_id: str
    rank: int
    name_key: str


class Rules(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a store keeps of a video that was ever moderated, in one row.

    version: of the settings; settings_notice, pin_notice: numbers of the entries that say so (0:
    none, or not known yet); pin: number of the pinned comment, 0 for none; filters: version of the
    filters, 0 for none; sanctions: whether there may be any.
    """

    settings: Settings = Settings()
    version: int = 0
    settings_notice: int = 0
    pin: int = 0
    pin_notice: int = 0
    filters: int = 0
    sanctions: bool = False
    staff: tuple[Staff, ...] = ()

    def rank_of(self, author_id: str) -> int:
        """The rank under which an author has posted here last."""
        return max((one.rank for one in self.staff if one.author_id == author_id), default=0)

    def with_staff(self, comment: NewComment) -> Rules | None:
        """As the author of this comment is known by it, None if that changes nothing. What an
        author said before a moderator approved it tells nothing of the rank now.
        """
        others = tuple(one for one in self.staff if one.author_id != comment.author_id)
        if comment.rank > Rank.MEMBER:
            one = Staff(comment.author_id, comment.rank, name_key(comment.author))
            if one in self.staff:
                return None
            others = (*others[-(MAX_STAFF - 1) :], one)
        elif comment.approved or len(others) == len(self.staff):
            return None
        return msgspec.structs.replace(self, staff=others)


NO_RULES = Rules()


class Sanction(msgspec.Struct, frozen=True):
    """An author who may not post. until_ms: wall clock, None: lifted; by, by_rank: who said so;
    notice: number of the entry, 0 if it is not known (or there is none: a sanction everywhere).
    """

    author_id: str
    until_ms: int | None
    by: str
    by_rank: int
    at: str
    purge: bool = False
    reason: str | None = None
    notice: int = 0

    @property
    def words(self) -> tuple[str, str | None, bool]:
        """What its entry says: see `wire.rulings.encode_sanctioned`."""
        return self.author_id, until_text(self.until_ms), self.purge

    def counts(self, rank: int, now_ms: int) -> bool:
        """Whether it keeps somebody of this rank from posting. Nobody is bound by an equal."""
        return self.until_ms is not None and now_ms < self.until_ms and rank < self.by_rank


class SettingsChange(msgspec.Struct, frozen=True):
    """Set some of the settings. version: what it must be before, None if any will do."""

    changes: dict[str, Any]
    version: int | None = None


class NewSanction(msgspec.Struct, frozen=True):
    """Sanction an author, or lift that: `until_ms` is None then."""

    author_id: str
    until_ms: int | None
    by: str
    by_rank: int
    purge: bool = False
    reason: str | None = None

    def at(self, created_at: str, notice: int) -> Sanction:
        """As it is stored."""
        return Sanction(
            self.author_id,
            self.until_ms,
            self.by,
            self.by_rank,
            created_at,
            self.purge,
            self.reason,
            notice,
        )


class NewPin(msgspec.Struct, frozen=True):
    """Pin a comment; None: pin nothing."""

    seq: int | None


class NewFilters(msgspec.Struct, frozen=True):
    """Screen comments by other filters. version: what it must be before, None if any will do."""

    body: bytes
    version: int | None = None


Ruling = SettingsChange | NewSanction | NewPin | NewFilters
RULING_NAMES: dict[type, str] = {
    SettingsChange: "settings",
    NewSanction: "sanction",
    NewPin: "pin",
    NewFilters: "filters",
}


class Ruled(msgspec.Struct, frozen=True, gc=False):
    """notices: the entry that says so with its number, or none if nothing ever had to be said. new:
    whether it was numbered now. rules: as they are with it.
    """

    new: bool
    notices: tuple[tuple[int, bytes], ...]
    rules: Rules
    sanction: Sanction | None = None


def plan_settings(rules: Rules, change: SettingsChange) -> Rules | None:
    """The rules with the change, None if all is so already. Raises PreconditionFailed."""
    wanted = msgspec.structs.replace(rules.settings, **change.changes)
    if wanted == rules.settings:  # also when it is the change of a call that was not answered
        return None
    if change.version is not None and change.version != rules.version:
        raise PreconditionFailed()
    return msgspec.structs.replace(rules, settings=wanted, version=rules.version + 1)


def plan_filters(rules: Rules, body: bytes, new: NewFilters) -> Rules | None:
    """The rules with other filters than those in `body`; as `plan_settings`."""
    if body == new.body:
        return None
    if new.version is not None and new.version != rules.filters:
        raise PreconditionFailed()
    return msgspec.structs.replace(rules, filters=rules.filters + 1)


def plan_sanction(rules: Rules, before: Sanction | None, new: NewSanction, now_ms: int) -> bool:
    """Whether anything changes; it does if a better one says the same. now_ms: wall clock. Raises
    PermissionDenied: nobody sanctions an equal or a better, nor lifts what a better one has said,
    as long as that counts.
    """
    if rules.rank_of(new.author_id) >= new.by_rank:
        raise PermissionDenied("nobody sanctions an equal or a better")
    if before is None:
        return new.until_ms is not None
    if before.until_ms is not None and before.until_ms > now_ms and before.by_rank > new.by_rank:
        raise PermissionDenied("somebody of a higher rank has said so")
    if before.until_ms != new.until_ms:
        return True
    more = (new.purge and not before.purge) or new.by_rank > before.by_rank
    return more and new.until_ms is not None


class Code(StrEnum):
    """Why a post is refused."""

    UNSCREENED = "unscreened"  # by filters that it was not screened with: never told to anybody
    LINKS = "links"
    NAME_RESERVED = "name_reserved"
    TOKEN_MISSING = "token_missing"  # noqa: S105 - no secret
    CLOSED = "closed"
    MEMBERS_ONLY = "members_only"
    BANNED = "banned"
    TIMED_OUT = "timed_out"
    SLOW_MODE = "slow_mode"
    DUPLICATE = "duplicate"


class Refusal(NamedTuple):
    """Why, and for how long."""

    code: Code
    wait_ms: int = 0

    @property
    def wait_s(self) -> int:
        """For how long, in whole seconds."""
        return max(math.ceil(self.wait_ms / 1000), 1)

    def error(self) -> CallerError:
        """What the caller is told."""
        if self.code is Code.SLOW_MODE:
            return SlowMode(retry_after_s=self.wait_s)
        if self.code is Code.TIMED_OUT:
            return TimedOut(retry_after_s=self.wait_s)
        return _ERRORS[self.code]()


_ERRORS: dict[Code, Callable[[], CallerError]] = {
    Code.LINKS: LinksRefused,
    Code.NAME_RESERVED: NameReserved,
    Code.TOKEN_MISSING: TokenMissing,
    Code.CLOSED: VideoClosed,
    Code.MEMBERS_ONLY: MembersOnly,
    Code.BANNED: Banned,
    Code.DUPLICATE: Repeated,
}


def refuse_by_rules(rules: Rules, comment: NewComment) -> Refusal | None:
    """What can be decided without knowing more of the author."""
    settings, exempt = rules.settings, _exempt(comment)
    if comment.screened != rules.filters and not exempt:
        return Refusal(Code.UNSCREENED)
    if rules.staff and _takes_a_name(rules, comment):
        return Refusal(Code.NAME_RESERVED)
    if exempt:
        return None
    if not settings.links and has_link(comment.text):
        return Refusal(Code.LINKS)
    if not settings.guests and not comment.author_id:
        return Refusal(Code.TOKEN_MISSING)
    if settings.closed:
        return Refusal(Code.CLOSED)
    if settings.members_only and comment.rank < Rank.MEMBER:
        return Refusal(Code.MEMBERS_ONLY)
    return None


def refuse_sanctioned(
    sanction: Sanction | None, comment: NewComment, now_ms: int
) -> Refusal | None:
    """Whether this author may not post at all. Approval does not help."""
    if sanction is None or not sanction.counts(comment.rank, now_ms):
        return None
    assert sanction.until_ms is not None
    if sanction.until_ms >= FOREVER_MS:
        return Refusal(Code.BANNED)
    return Refusal(Code.TIMED_OUT, sanction.until_ms - now_ms)


def refuse_author(
    rules: Rules, sanction: Sanction | None, comment: NewComment, now_ms: int
) -> Refusal | None:
    """All that does not depend on what the author has said before."""
    return refuse_by_rules(rules, comment) or refuse_sanctioned(sanction, comment, now_ms)


class Pace(NamedTuple):
    """Something of which an author has one in a while: `slot` names the author, or the author and
    the words; `within_ms`: how long it stays used; `code`: what the next one is refused with.
    """

    slot: str
    within_ms: int
    code: Code

    def refuse(self, used_ms: int | None, now_ms: int) -> Refusal | None:
        """used_ms: when it was used last, None if that is long ago."""
        if used_ms is None or now_ms >= used_ms + self.within_ms:
            return None
        return Refusal(self.code, used_ms + self.within_ms - now_ms)


def paces(rules: Rules, comment: NewComment) -> tuple[Pace, ...]:
    """What a comment uses up when it is stored, in the order in which it is decided."""
    settings = rules.settings
    if _exempt(comment) or (not settings.slow_mode_s and settings.repeats):
        return ()
    author = comment.author_id or f"~{name_key(comment.author)}"
    found = []
    if settings.slow_mode_s:
        found.append(Pace(_slot("slow", author), settings.slow_mode_s * 1000, Code.SLOW_MODE))
    if not settings.repeats:
        words = _slot("said", author, normal_form(comment.text))
        found.append(Pace(words, REPEATS_WITHIN_S * 1000, Code.DUPLICATE))
    return tuple(found)


def _slot(*parts: str) -> str:
    return blake2b("\0".join(parts).encode(), digest_size=16).hexdigest()


def _exempt(comment: NewComment) -> bool:
    return comment.approved or comment.rank >= Rank.MODERATOR


def _takes_a_name(rules: Rules, comment: NewComment) -> bool:
    if comment.rank >= Rank.MODERATOR:
        return False
    key = name_key(comment.author)  # "" of a name that is only signs, which is like no other
    staff = (one for one in rules.staff if one.rank >= Rank.MODERATOR)
    return any(one.name_key == key != "" and one.author_id != comment.author_id for one in staff)
