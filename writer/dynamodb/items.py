"""Items as DynamoDB's protocol writes them: attributes with the letter of their type.

Every item has a partition key `pk` and a sort key `sk`, and goes some time after `ttl`, if it has
that; how much later is the service's matter, so whoever reads an item past it takes it as gone.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

Item = dict[str, Any]
Attributes = Mapping[str, Any]

ALONE = "-"  # the sort key of the only item of its partition
_SEQ_DIGITS = 15  # of wire.ids.MAX_SEQ
MAX_IN_BATCH_GET, MAX_IN_BATCH_WRITE = 100, 25  # the service's


def s(text: str) -> Item:
    """A text."""
    return {"S": text}


def n(number: int) -> Item:
    """A number."""
    return {"N": str(number)}


def b(raw: bytes) -> Item:
    """Bytes."""
    return {"B": raw}


def key(pk: str, sk: str = ALONE) -> Item:
    """The key of an item."""
    return {"pk": s(pk), "sk": s(sk)}


def seq_key(seq: int) -> str:
    """A number as a sort key: the order of texts is that of numbers."""
    return f"{seq:0{_SEQ_DIGITS}d}"


def seq_of(item: Attributes) -> int:
    """The number that an item has as its sort key."""
    return int(item["sk"]["S"])


def number_of(attribute: Attributes) -> int:
    """The number in an attribute."""
    return int(attribute["N"])


def number_in(item: Attributes, name: str) -> int | None:
    """The number in an attribute of an item, None if that is not there."""
    attribute = item.get(name)
    return None if attribute is None else int(attribute["N"])


def bytes_in(item: Attributes, name: str) -> bytes | None:
    """The bytes in an attribute of an item, None if that is not there."""
    attribute = item.get(name)
    return None if attribute is None else bytes(attribute["B"])


def text_in(item: Attributes, name: str) -> str | None:
    """The text in an attribute of an item, None if that is not there."""
    attribute = item.get(name)
    return None if attribute is None else str(attribute["S"])


def is_past(ttl: int | None, now_s: float | None = None) -> bool:
    """Whether a time of this kind, in seconds since 1970, is over; None is never."""
    return ttl is not None and ttl <= (time.time() if now_s is None else now_s)


def is_gone(item: Attributes, now_s: float | None = None) -> bool:
    """Whether an item is past its `ttl`."""
    return is_past(number_in(item, "ttl"), now_s)
