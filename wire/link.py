"""What travels over a link, the long-lived exchange in which one process hands batches to another.

The caller sends frames: each is the JSON of `wire.internal.Batches`, or empty, which only says that
the caller lives. Frames with batches count from 1 on each connection. The callee sends `Ack`
messages; one that says nothing new says that the callee lives.
"""

from __future__ import annotations

from typing import Annotated

import msgspec

PING = b""
Count = Annotated[int, msgspec.Meta(ge=0, le=2**53)]


class Ack(msgspec.Struct, frozen=True):
    """An acknowledgement.

    taken: how many frames have been taken since the connection began, so it covers all that earlier
    ones covered. refused: numbers of frames, all newly covered, that could not be read.
    not_serving: videos in newly covered frames that the callee does not serve; the caller reads
    their routes again.
    """

    taken: Count
    refused: tuple[Count, ...] = ()
    not_serving: tuple[str, ...] = ()
