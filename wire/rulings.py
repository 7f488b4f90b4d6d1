"""Rulings: entries that say under which rules a video is now, who may not write, what is pinned.

Each is an entry of the log (see `wire.entry`), so every screen learns of it in order and once. It
says all of its part of the state: whoever has read the newest one needs no earlier ones.
"""

from __future__ import annotations

import msgspec

from wire.comment import timestamp
from wire.entry import encode_entry

SETTINGS, SANCTIONED, PINNED = "settings", "sanctioned", "pinned"
FOREVER = "9999-12-31T23:59:59.999Z"  # the last moment that RFC 3339 can say
FOREVER_MS = 253_402_300_799_999
MAX_SLOW_MODE_S = 21_600
REPEATS_WITHIN_S = 30


class Settings(msgspec.Struct, frozen=True):
    """The public settings of a video.

    slow_mode_s: seconds between two comments of one author, 0 for none; closed: only moderators
    post; members_only: who posts must be a member; links: whether comments may have links; guests:
    whether comments may come without a token; repeats: whether an author may say the same again
    within REPEATS_WITHIN_S.
    """

    slow_mode_s: int = 0
    closed: bool = False
    members_only: bool = False
    links: bool = True
    guests: bool = True
    repeats: bool = True


def encode_settings(
    epoch: str, video_id: str, seq: int, settings: Settings, created_at: str
) -> bytes:
    """The public JSON of a `settings` entry."""
    return encode_entry(
        SETTINGS, epoch, video_id, seq, msgspec.structs.asdict(settings), created_at
    )


def encode_sanctioned(
    epoch: str,
    video_id: str,
    seq: int,
    said: tuple[str, str | None, bool],
    created_at: str,
) -> bytes:
    """The public JSON of a `sanctioned` entry. said: whose author id, until when (None: lifted),
    and whether earlier comments are removed too.
    """
    author_id, until, purge = said
    members = {"author_id": author_id, "until": until, "purge": purge}
    return encode_entry(SANCTIONED, epoch, video_id, seq, members, created_at)


def encode_pinned(
    epoch: str, video_id: str, seq: int, comment: bytes | None, created_at: str
) -> bytes:
    """The public JSON of a `pinned` entry, from that of the comment; None: nothing is pinned."""
    members = {"comment": None if comment is None else msgspec.Raw(comment)}
    return encode_entry(PINNED, epoch, video_id, seq, members, created_at)


def until_text(until_ms: int | None) -> str | None:
    """A wall-clock time (milliseconds since 1970) as RFC 3339; None stays None."""
    if until_ms is None or until_ms >= FOREVER_MS:
        return None if until_ms is None else FOREVER
    return timestamp(until_ms / 1000)
