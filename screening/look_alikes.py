"""Letters that look like Latin ones, and characters that do not show.

The look-alikes are those of UTS 39 (confusables.txt) that stand for one Latin letter, in Cyrillic,
Greek, Armenian, Georgian, Cherokee, Coptic, Lisu, Deseret, Tifinagh, Canadian syllabics and rarer
Latin letters; besides small capitals and letters in dark circles and squares, in which names are
written for show. Other scripts, digits but 0 and 1, and look-alikes of several letters ("rn") are
left alone. What NFKC maps already is not here: full-width, mathematical and letterlike symbols.

A letter is looked up after NFKC, case folding and decomposition (NFKD). So it has one look-alike
for both its cases, although capital and small letter may differ: `CAPITALS` has those that do.
"""

from __future__ import annotations

from collections.abc import Iterable

# For each Latin letter the code points of its look-alikes, so that a reader sees what is there.
_LETTERS = {
    "a": "0251 03b1 0430 13aa 15c5 1d00 a4ee",
    "b": "0185 0299 03b2 0432 044c 13cf 13f4 1472 15af 15f7 a4d0 a7b5",
    "c": "0441 13df 1d04 2ca5 a4da 1043d",
    "d": "0501 13a0 13e7 146f 15de 15ea 1d05 a4d2 a4d3",
    "e": "03b5 0435 04bd 13ac 1d07 212e 2d39 a4f0 ab32",
    "f": "03dd 0584 15b4 1e9d a4dd a730 a799 ab35",
    "g": "018d 0261 0262 050d 0581 13c0 13f3 1d83 a4d6",
    "h": "029c 03b7 043d 04bb 0570 13bb 13c2 157c 2c8f a4e7",
    "i": "0131 0269 026a 03b9 0456 04cf 13a5 a647",
    "j": "029d 03f3 0458 13ab 148d 1d0a a4d9",
    "k": "03ba 043a 13e6 1d0b 2c95 a4d7",
    "l": "01c0 029f 13de 14aa 2223 2c93 2cd1 2d4f a4e1 a4f2 10443",
    "m": "03bc 03fb 043c 13b7 15f0 1d0d 2c99 a4df",
    "n": "0274 0578 057c 2c9b a4e0",
    "o": "03bf 03c3 043e 0585 10ff 1d0f 1d11 2c9f 2d54 a4f3 ab3d 1042c",
    "p": "03c1 0440 13e2 146d 1d18 2ca3 a4d1",
    "q": "051b 0563 0566 2d55 a7af",
    "r": "0280 0433 13a1 13b1 13d2 1587 1d26 2c85 a4e3 ab47 ab48",
    "s": "01bd 0455 057f 13d5 13da a4e2 a731 10448",
    "t": "03c4 0442 13a2 1d1b 2ca7 a4d4",
    "u": "028b 03c5 057d 144c 1d1c a4f4 a79f ab4e ab52",
    "v": "03bd 0475 13d9 142f 1d20 2d38 a4e6",
    "w": "026f 0461 051d 0561 13b3 13d4 1d21 a4ea",
    "x": "00d7 03c7 0445 1541 157d 166d 166e 2cad 2d5d a4eb ab53",
    "y": "0263 028f 03b3 0443 04af 10e7 13a9 13bd 1d8c 1eff 2ca9 a4ec ab5a",
    "z": "03b6 13c3 1d22 a4dc 102f5",
}
_SYMBOLS = {"0": "o", "1": "l", "|": "l"}
_DARK = (0x1F150, 0x1F170)  # where the alphabets in dark circles and dark squares begin

# Category Cf, up to Unicode 17, and whatever else shows nothing: fillers and variation selectors.
_INVISIBLE = (
    *(range(0xAD, 0xAE), range(0x34F, 0x350), range(0x600, 0x606), range(0x61C, 0x61D)),
    *(range(0x6DD, 0x6DE), range(0x70F, 0x710), range(0x890, 0x892), range(0x8E2, 0x8E3)),
    *(range(0x115F, 0x1161), range(0x17B4, 0x17B6), range(0x180B, 0x1810), range(0x200B, 0x2010)),
    *(range(0x202A, 0x202F), range(0x2060, 0x2070), range(0x3164, 0x3165), range(0xFE00, 0xFE10)),
    *(range(0xFEFF, 0xFF00), range(0xFFA0, 0xFFA1), range(0xFFF9, 0xFFFC), range(0x110BD, 0x110BE)),
    *(range(0x110CD, 0x110CE), range(0x13430, 0x13440), range(0x1BCA0, 0x1BCA4)),
    *(range(0x1D173, 0x1D17B), range(0xE0000, 0xE1000)),
)
# Combining diacritical marks. Those that a letter is written with are one character with it in NFC;
# what is left over is decoration, or a letter that is not worth the difference.
_LOOSE_MARKS = (
    *(range(0x300, 0x370), range(0x483, 0x48A), range(0x1AB0, 0x1B00)),
    *(range(0x1DC0, 0x1E00), range(0x20D0, 0x2100), range(0xFE20, 0xFE30)),
)


def _without(ranges: Iterable[range]) -> dict[int, str]:
    return {code: "" for each in ranges for code in each}


def _letters() -> dict[int, str]:
    dark = {start + index: chr(ord("a") + index) for start in _DARK for index in range(26)}
    return dark | {int(code, 16): to for to, codes in _LETTERS.items() for code in codes.split()}


# Tables for str.translate.
ASCII = str.maketrans(_SYMBOLS)
INVISIBLE = _without(_INVISIBLE)
LOOK_ALIKES = _letters() | ASCII
LOOSE_MARKS = _without(_LOOSE_MARKS)
CAPITALS = str.maketrans({"\u039d": "N", "\u03a3": "E", "\u03a5": "Y", "\u0399": "I"})
