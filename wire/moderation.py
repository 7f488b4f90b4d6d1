"""What a moderator may send: bodies of the calls of moderation."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from wire.entry import MAX_TARGETS
from wire.errors import InvalidField
from wire.ids import MAX_SEQ
from wire.json_text import parse_object, read_text
from wire.rulings import FOREVER_MS, MAX_SLOW_MODE_S, Settings

MAX_REASON = 200
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def parse_reason(body: bytes) -> str | None:
    """`{"reason"?}`, or nothing at all. Raises NotJson, InvalidField."""
    return _reason(parse_object(body, ("reason",))) if body else None


def parse_removal(body: bytes) -> tuple[tuple[int, ...], str | None]:
    """`{"seqs", "reason"?}`: the numbers, in order and each once, and the reason. Raises NotJson,
    InvalidField.
    """
    value = parse_object(body, ("seqs", "reason"))
    if "seqs" not in value:
        raise InvalidField("seqs", "is missing")
    seqs = value["seqs"]
    if not isinstance(seqs, list) or not 1 <= len(seqs) <= MAX_TARGETS:
        raise InvalidField("seqs", f"must be a list of 1 to {MAX_TARGETS} numbers of comments")
    if not all(type(seq) is int and 1 <= seq <= MAX_SEQ for seq in seqs):
        raise InvalidField("seqs", "must be numbers of comments")
    return tuple(sorted(set(seqs))), _reason(value)


def parse_settings(body: bytes) -> dict[str, Any]:
    """Some of the settings of a video (`wire.rulings.Settings`), at least one. Raises NotJson,
    InvalidField.
    """
    names = Settings.__struct_fields__
    value = parse_object(body, names)
    if not value:
        raise InvalidField("body", f"must have some of {', '.join(names)}")
    for name, wanted in value.items():
        if name == "slow_mode_s":
            if type(wanted) is not int or not 0 <= wanted <= MAX_SLOW_MODE_S:
                raise InvalidField(name, f"must be whole seconds from 0 to {MAX_SLOW_MODE_S}")
        elif type(wanted) is not bool:
            raise InvalidField(name, "must be true or false")
    return value


class SanctionBody(NamedTuple):
    """until_ms: wall clock, FOREVER_MS if it has no end."""

    until_ms: int
    purge: bool
    reason: str | None


def parse_sanction(body: bytes, now_ms: int) -> SanctionBody:
    """`{"until"?, "purge"?, "reason"?}`, or nothing at all: for ever. until: RFC 3339, in the
    future. Raises NotJson, InvalidField.
    """
    value = parse_object(body, ("until", "purge", "reason")) if body else {}
    purge = value.get("purge", False)
    if type(purge) is not bool:
        raise InvalidField("purge", "must be true or false")
    until_ms = _until(value["until"], now_ms) if "until" in value else FOREVER_MS
    return SanctionBody(until_ms, purge, _reason(value))


def parse_pin(body: bytes) -> int:
    """`{"seq"}`. Raises NotJson, InvalidField."""
    seq = parse_object(body, ("seq",)).get("seq")
    if type(seq) is not int or not 1 <= seq <= MAX_SEQ:
        raise InvalidField("seq", "must be the number of a comment")
    return seq


def _until(text: object, now_ms: int) -> int:
    try:
        moment = datetime.fromisoformat(text) if isinstance(text, str) else None
        if moment is None or moment.tzinfo is None:
            raise ValueError
        until_ms = (moment - _EPOCH) // timedelta(milliseconds=1)
    except (ValueError, OverflowError) as exc:
        raise InvalidField(
            "until", "must be a time with its zone, as 2030-01-31T12:00:00Z"
        ) from exc
    if until_ms <= now_ms:
        raise InvalidField("until", "must be in the future")
    return min(until_ms, FOREVER_MS)


def _reason(value: dict[str, Any]) -> str | None:
    return read_text(value, "reason", MAX_REASON) if "reason" in value else None
