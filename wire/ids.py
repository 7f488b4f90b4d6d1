"""Video ids, epochs and event ids: what they may look like, and nothing else.

An event id is `<epoch>-<seq>`. The epoch is the store's identity, made once with the store; seq
counts a video's comments from 1. `<epoch>-0` stands before the first comment. Only the canonical
spelling is accepted (no sign, no leading zero, at most 15 digits), so that two equal cursors are
equal bytes.
"""

from __future__ import annotations

import re
import secrets
import time
from dataclasses import dataclass

EPOCH_LENGTH = 12
MAX_SEQ = 10**15 - 1
AUTHOR_ID_FORM = "u_[A-Za-z0-9_-]{22}"  # of a regular expression, without anchors
_EPOCH_ALPHABET = "abcdefghijklmnopqrstuvwxyz0123456789"
_VIDEO_ID = re.compile(r"[A-Za-z0-9_-]{1,64}", re.ASCII)
_AUTHOR_ID = re.compile(AUTHOR_ID_FORM, re.ASCII)
_EPOCH = re.compile(r"[a-z0-9]{12}", re.ASCII)
_EVENT_ID = re.compile(r"([a-z0-9]{12})-(0|[1-9][0-9]{0,14})", re.ASCII)
_BOOT_ID = re.compile(r"[0-9]{15}-[0-9a-f]{8}", re.ASCII)
_SERVICE_ID = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?", re.ASCII)


@dataclass(frozen=True, slots=True, order=True)
class EventId:
    """One place in the history of one video; `seq` 0 is the place before the first comment."""

    epoch: str
    seq: int

    def __str__(self) -> str:
        return event_id_text(self.epoch, self.seq)


def event_id_text(epoch: str, seq: int) -> str:
    """The spelling of an event id, for those who need nothing else of it."""
    return f"{epoch}-{seq}"


def is_video_id(text: str) -> bool:
    """Whether `text` can be a video id: `[A-Za-z0-9_-]{1,64}`."""
    return _VIDEO_ID.fullmatch(text) is not None


def is_author_id(text: str) -> bool:
    """Whether `text` can be the id of an author who has a token, as `identity.author_id` makes
    them: half of one would be an author of whom there is nothing, to ban or to erase.
    """
    return _AUTHOR_ID.fullmatch(text) is not None


def is_epoch(text: str) -> bool:
    """Whether `text` can be an epoch: `[a-z0-9]{12}`."""
    return _EPOCH.fullmatch(text) is not None


def is_service_id(text: str) -> bool:
    """Whether `text` can name a process: a DNS label in lower case, so at most 63
    characters, as the name of a pod is.
    """
    return _SERVICE_ID.fullmatch(text) is not None


def is_boot_id(text: str) -> bool:
    """Whether `text` can have been made by `new_boot_id`."""
    return _BOOT_ID.fullmatch(text) is not None


def parse_event_id(text: str) -> EventId | None:
    """The event id that `text` spells, or None if it is not exactly one."""
    match = _EVENT_ID.fullmatch(text)
    return EventId(match[1], int(match[2])) if match else None


def new_epoch() -> str:
    """A fresh epoch: 62 bits of chance, enough that two stores never share one."""
    return "".join(secrets.choice(_EPOCH_ALPHABET) for _ in range(EPOCH_LENGTH))


def new_boot_id() -> str:
    """A name for this life of a process that sorts after those of its earlier lives.

    Wall-clock milliseconds, then chance; comparing the strings compares the times.
    """
    return f"{time.time_ns() // 1_000_000:015d}-{secrets.token_hex(4)}"
