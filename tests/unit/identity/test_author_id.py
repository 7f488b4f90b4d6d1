from __future__ import annotations

import re
from itertools import combinations

import pytest

from identity.author_id import AuthorIds

KEY = b"k" * 32
IDS = AuthorIds(KEY)


def test_a_person_has_one_id_and_it_never_changes() -> None:
    found = IDS.find("https://issuer.example", "ann-1")
    assert found == "u_QcaiGVMoA4STtIcJMfktFQ"
    assert AuthorIds(KEY).find("https://issuer.example", "ann-1") == found
    assert re.fullmatch(r"u_[A-Za-z0-9_-]{22}", found)


def test_no_two_people_share_an_id() -> None:
    people = [
        ("a", "b"),
        ("ab", ""),
        ("", "ab"),
        ("a", "b "),
        ('a","', "b"),
        ("a", '","b'),
        ("b", "a"),
    ]
    for one, other in combinations(people, 2):
        assert IDS.find(*one) != IDS.find(*other)


def test_an_id_says_nothing_to_another_site() -> None:
    assert AuthorIds(b"l" * 32).find("a", "b") != IDS.find("a", "b")


def test_a_short_key_is_refused() -> None:
    with pytest.raises(ValueError, match="at least 32 bytes"):
        AuthorIds(b"k" * 31)
