"""Comments under another epoch than the one they were stored under.

A store that got a new epoch after an older copy was restored (see new_epoch) need not rewrite what
it holds: the epoch stands at one place of a comment's public JSON, and is set as the comment is
read.
"""

from __future__ import annotations

from wire.ids import EPOCH_LENGTH

_BEGIN = len('{"id":"')
_END = _BEGIN + EPOCH_LENGTH


def restamp(raw: bytes, epoch: bytes) -> bytes:
    """The public JSON `raw` of a comment, its id in `epoch`."""
    return raw if raw[_BEGIN:_END] == epoch else raw[:_BEGIN] + epoch + raw[_END:]
