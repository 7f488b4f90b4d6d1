"""Texts as they are compared, not as they are stored."""

from __future__ import annotations

import unicodedata


def normal_form(text: str) -> str:
    """NFKC, case folded, without format characters."""
    if text.isascii():
        return text.lower()
    folded = unicodedata.normalize("NFKC", text).casefold()
    return "".join(char for char in folded if unicodedata.category(char) != "Cf")


def name_key(name: str) -> str:
    """What is left of an author's name for comparing it with others: letters and digits."""
    return "".join(filter(str.isalnum, normal_form(name)))
