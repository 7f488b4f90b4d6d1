"""What a moderator may send: bodies of the calls that remove comments."""

from __future__ import annotations

from typing import Any

from wire.entry import MAX_TARGETS
from wire.errors import InvalidField
from wire.ids import MAX_SEQ
from wire.json_text import parse_object, read_text

MAX_REASON = 200


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


def _reason(value: dict[str, Any]) -> str | None:
    return read_text(value, "reason", MAX_REASON) if "reason" in value else None
