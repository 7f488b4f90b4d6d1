"""Texts as they are compared, not as they are stored.

`folded`: NFKC, case folded, without what does not show (Unicode 3.13, toNFKC_Casefold, in spirit),
each run of white space as one space. `skeleton` after that: look-alikes fall together as in UTS 39,
so that a word is found in whatever letters it is spelled; `screening.look_alikes` says which. The
normal form is both. It is for comparing only: `тот` (Russian) and `tot` have the same.

Names of moderators are stored as keys (`writer.rules`): a change of the tables makes keys that are
stored already compare by the old ones, until their owners post again.
"""

from __future__ import annotations

import unicodedata

from screening.look_alikes import ASCII, CAPITALS, INVISIBLE, LOOK_ALIKES, LOOSE_MARKS


def folded(text: str) -> str:
    """Without differences of width, font, case, white space and invisible characters."""
    if text.isascii():
        text = text.lower()
    else:
        text = unicodedata.normalize("NFKC", text.translate(INVISIBLE)).casefold()
        text = unicodedata.normalize("NFKC", text)
    return " ".join(text.split())


def skeleton(text: str) -> str:
    """A folded text with look-alikes as the Latin letters they look like, without loose marks."""
    if text.isascii():  # nearly always, and then it costs a microsecond
        return text.translate(ASCII)
    text = unicodedata.normalize("NFKD", text).translate(LOOK_ALIKES)
    text = unicodedata.normalize("NFC", text).translate(LOOSE_MARKS)
    return " ".join(unicodedata.normalize("NFC", text).split())  # a mark may have stood alone


def normal_form(text: str) -> str:
    """The folded skeleton. It may be longer than the text (up to 18 times, by NFKC), or empty."""
    return skeleton(folded(text))


def name_key(name: str) -> str:
    """What is left of an author's name for comparing it with others: letters and digits, in normal
    form and without marks. `i` and `l` fall together, `rn` and `m` too: as capitals or side by side
    they look alike, and here a difference that is overlooked is worse than one that is not there.
    May be empty.
    """
    if not name.isascii() and any(char.isascii() and char.isalpha() for char in name):
        name = name.translate(
            CAPITALS
        )  # among Latin letters a Greek capital is there for its looks
    bare = "".join(filter(str.isalnum, unicodedata.normalize("NFKD", normal_form(name))))
    return bare.replace("i", "l").replace("rn", "m")
