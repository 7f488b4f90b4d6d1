"""Links in a text."""

from __future__ import annotations

import re2

_LINK = re2.compile(r"(?i)https?://|\bwww\.|\b[a-z0-9-]{2,63}\.(?:com|net|org|info|io|tv|gg)\b")


def has_link(text: str) -> bool:
    """Whether somebody could follow a link in it."""
    return _LINK.search(text) is not None
