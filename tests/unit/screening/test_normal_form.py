"""Texts that look the same are the same in normal form; the tables hold what they say."""

from __future__ import annotations

import sys
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from screening.look_alikes import CAPITALS, INVISIBLE, LOOK_ALIKES, LOOSE_MARKS
from screening.normal_form import folded, name_key, normal_form, skeleton

EVERY_CHARACTER = [chr(code) for code in range(sys.maxunicode + 1)]
LETTERS = [char for char in EVERY_CHARACTER if char.upper() != char or char.lower() != char]


@pytest.mark.parametrize(
    ("text", "normal"),
    [
        ("", ""),
        ("Hello  World\n!", "hello world !"),
        ("0 1 | 2", "o l l 2"),
        ("\u0440\u0430\u0443\u0440\u0430l", "paypal"),  # Cyrillic
        ("\u0420\u0410\u0423\u0420\u0410L", "paypal"),
        ("\u03b1\u03bd\u03bf", "avo"),  # Greek
        ("\u13aa\u13bf", "a\u13bf"),  # Cherokee, whose case folding goes to capitals
        ("\uff28\uff49\u3000\U0001d4ee\u2460", "hi el"),  # full-width, mathematical, circled
        ("\u1d00\u1d05\u1d0d\u026a\u0274", "admin"),  # small capitals
        ("\U0001f170\U0001f151", "ab"),  # dark square, dark circle
        ("b\u200ba\u00add\u2066\ufe0f\U000e0061", "bad"),
        ("\u3164\uffa0\u115f", ""),
        ("b\u0336a\u0336d\u20dd", "bad"),  # struck through
        ("Stra\u00dfe \ufb01n", "strasse fin"),
        ("\u0458\u043e\u0451", "jo\u00eb"),
        ("a\u00b8", "a"),  # a cedilla that stands alone is a space with a mark
        # What is written keeps its marks.
        ("cafe\u0301", "caf\u00e9"),
        ("\u0439", "\u0439"),
        ("\u0e19\u0e49\u0e33", "\u0e19\u0e49\u0e4d\u0e32"),
        ("\u0939\u093f\u0928\u094d\u0926\u0940", "\u0939\u093f\u0928\u094d\u0926\u0940"),
        ("\u6f22\u5b57 \ud55c\uae00", "\u6f22\u5b57 \ud55c\uae00"),
    ],
)
def test_normal_form(text: str, normal: str) -> None:
    assert normal_form(text) == normal


def test_a_normal_form_is_its_own_and_that_of_other_cases() -> None:
    for char in {*LETTERS, *map(chr, LOOK_ALIKES)}:
        normal = normal_form(char)
        assert normal_form(normal) == normal, hex(ord(char))
        assert normal_form(char.upper()) == normal, hex(ord(char))
        assert normal_form(char.lower()) == normal, hex(ord(char))


_TRICKY = st.sampled_from([*map(chr, [*LOOK_ALIKES, *INVISIBLE, *LOOSE_MARKS]), *LETTERS])


@given(st.text(st.characters(exclude_categories=["Cs"]) | _TRICKY, max_size=8))
def test_folding_and_skeleton_settle(text: str) -> None:
    plain = folded(text)
    assert folded(plain) == plain
    assert skeleton(skeleton(plain)) == skeleton(plain) == normal_form(text)
    assert len(normal_form(text)) <= 18 * len(text)


@given(st.text(st.characters(max_codepoint=127)))
def test_the_fast_path_says_what_the_long_one_says(text: str) -> None:
    """A character that does not show sends an ASCII text the long way."""
    assert normal_form(text) == normal_form("\u200b" + text)


def test_nothing_invisible_is_left() -> None:
    for char in EVERY_CHARACTER:
        assert unicodedata.category(char) != "Cf" or folded(char) == "", hex(ord(char))


def test_the_tables_are_of_characters_as_they_are_looked_up() -> None:
    """After NFKC, case folding and NFKD: another form of a letter would never be found."""
    for code in LOOK_ALIKES:
        assert unicodedata.normalize("NFKD", folded(chr(code))) == chr(code)
    assert all(value.isascii() and value.isalpha() for value in LOOK_ALIKES.values())
    assert not set(LOOK_ALIKES) & (set(INVISIBLE) | set(LOOSE_MARKS))
    assert all(chr(code).isupper() for code in CAPITALS)


MODERATOR = [
    "moderator",
    "MODERATOR",
    "M\u043ed\u0435r\u0430t\u043er",
    "\u041c\u041eD\u0415R\u0410\u0422\u041eR",
    "M0derat0r",
    "M.o d_e-r\u200bator!",
    "M\u00f6d\u00e9rat\u00f4r",
    "m\u0336o\u0336d\u0336erator",
    "\u2605 Moderator \u2605",
    "\uff2d\uff4f\uff44\uff45\uff52\uff41\uff54\uff4f\uff52",
    "\U0001d4dc\U0001d4f8\U0001d4ed\U0001d4ee\U0001d4fb\U0001d4ea\U0001d4fd\U0001d4f8\U0001d4fb",
    "\u1d0d\u1d0f\u1d05\u1d07\u0280\u1d00\u1d1b\u1d0f\u0280",
    "\U0001f17c\U0001f17e\U0001f173\U0001f174\U0001f181\U0001f170\U0001f183\U0001f17e\U0001f181",
    "rnoderator",
]


@pytest.mark.parametrize("name", MODERATOR)
def test_look_alikes_of_a_name_have_its_key(name: str) -> None:
    assert name_key(name) == name_key("Moderator")


@pytest.mark.parametrize(
    ("name", "other"),
    [("AIice", "Alice"), ("A1ice", "Alice"), ("\u039dick", "Nick"), ("\u03a5annis", "Yannis")],
)
def test_capitals_that_look_like_others_have_the_same_key(name: str, other: str) -> None:
    assert name_key(name) == name_key(other)


def test_other_names_have_other_keys() -> None:
    names = ["ann", "anna", "\u0391\u03bd\u03bd\u03b1", "bob", "mod", "moderator2", "\u5f20\u4f1f"]
    assert len({name_key(name) for name in names}) == len(names)
    assert name_key("\u039d\u03af\u03ba\u03bf\u03c2") == name_key("\u03bd\u03af\u03ba\u03bf\u03c2")
    assert name_key("\u2605 !") == ""
