"""What the load does, decided beforehand: the same seed gives the same posts, word for word.

Invariants: post number n is a pure function of seed and n, so that a run can be repeated whatever
became of the posts before it.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from typing import Any

# What a comment may hold and a careless program breaks: more than one byte, more than one code
# unit, other directions, line separators that are none for SSE, quotes, markup.
_SPICES = (
    "",
    "ä€",
    "👩‍👩‍👧",
    "שלום",
    "\u2028",
    '"\\',
    "<b>",
    "data: x",
    "\n\nid: 9-9",
    "\t",
    "e\u0301",
)


MEMBERS = 6  # who post with a token of their own


@dataclass(frozen=True, slots=True)
class Shape:
    """How much of it. The first video is the hot one, with `hot_viewers` and `hot_posts` (shares)
    of the whole; the others share the rest evenly. `churn_s`: each so many seconds one viewer
    leaves and another joins (0: nobody). `impatient`: the share of clients that wait for a few
    milliseconds only, and so try again and again until the end of their 15 s. `removals`: the share
    of comments that a moderator does something about, where there is one. `screened`: comments a
    second that filters stop, on one video. `rulings`: whether
    somebody rules too; then `signed` is the share of comments that are posted with a token.
    `silence_s`: viewers end a stream on which nothing arrives for so long (0: they never do).
    """

    viewers: int = 630  # of 3 nodes 600 are the floor, and some of them are always moving
    videos: int = 40
    rate: float = 110.0
    hot_viewers: float = 0.3
    hot_posts: float = 0.2
    churn_s: float = 0.5
    impatient: float = 0.03
    removals: float = 0.01
    rulings: bool = False
    signed: float = 0.1
    screened: float = 0.0
    silence_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Intent:
    """One post: what is sent, how long a call is waited for, for how long it is tried again."""

    video: int
    key: str
    author: str
    text: str
    timeout_s: float
    retry_for_s: float
    again: bool  # once acked, send it once more: the answer must be the same
    extra: dict[str, Any] = field(default_factory=dict)  # fields that make the body invalid
    removed: bool = False  # once acked, a moderator takes it up
    member: int | None = None  # posted with the token of this member


def intent(seed: str, number: int, shape: Shape) -> Intent:
    """The post with this number."""
    dice = random.Random(f"{seed}/{number}")
    key = f"{dice.getrandbits(64):016x}"
    hot = shape.videos == 1 or dice.random() < shape.hot_posts
    impatient = dice.random() < shape.impatient
    return Intent(
        video=0 if hot else dice.randrange(1, shape.videos),
        key=key,
        author=f"user {dice.randrange(50)}",
        text=f"{number} {dice.choice(_SPICES)} {key}",
        timeout_s=dice.uniform(0.002, 0.05) if impatient else 4.0,
        retry_for_s=0.0 if dice.random() < 0.1 else 15.0,
        again=dice.random() < 0.03,
        extra={"seq": 7} if dice.random() < 0.01 else {},
        removed=dice.random() < shape.removals,
        member=dice.randrange(MEMBERS) if dice.random() < shape.signed * shape.rulings else None,
    )


def video_of_viewer(number: int, shape: Shape) -> int:
    """Which video a viewer watches."""
    hot = round(shape.viewers * shape.hot_viewers)
    if shape.videos == 1 or number < hot:
        return 0
    return 1 + (number - hot) % (shape.videos - 1)
