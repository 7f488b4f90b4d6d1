"""Examples of what is sent, which several operations have."""

from __future__ import annotations

from typing import Any

from wire.rulings import FOREVER
from writer.openapi.fields import AUTHOR_ID, EVENT_ID, HEAD, VIDEO_ID

AT = "2026-11-24T01:44:10.007Z"
SETTINGS: dict[str, Any] = {
    "slow_mode_s": 10,
    "closed": False,
    "members_only": False,
    "links": True,
    "guests": True,
    "repeats": True,
}
SANCTION: dict[str, Any] = {
    "author_id": AUTHOR_ID,
    "until": FOREVER,
    "purge": False,
    "by": "u_4STtIcJMfktFQQcaiGVMoA",
    "at": AT,
    "reason": "spam",
}
HELD_ID = "h_0f8e1c2a5b1d4c8e9d5a7c1f1f0a2b3c"


def comment_example() -> dict[str, Any]:
    """A comment as it is sent."""
    return {
        "id": EVENT_ID,
        "video_id": VIDEO_ID,
        "seq": 3,
        "author": "ann",
        "text": "hi",
        "created_at": "2026-11-24T01:43:01.132Z",
    }


def entry_example(kind: str, **members: object) -> dict[str, Any]:
    """An entry that is no comment, as it is sent."""
    numbered = {"id": HEAD, "type": kind, "video_id": VIDEO_ID, "seq": 7}
    return {**numbered, **members, "created_at": AT}


def notice_example() -> dict[str, Any]:
    """The entry of a removal."""
    return entry_example("removed", targets=[3], by="moderator", reason="spam")
