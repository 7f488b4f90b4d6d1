"""What a moderator may send as filters, and that what is stored is read again."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from screening.terms import (
    MAX_TERM,
    MAX_TERMS,
    Action,
    Kind,
    Term,
    encode_terms,
    parse_terms,
)
from wire.errors import InvalidField, NotJson

GOOD: dict[str, Any] = {"term": "bad", "action": "block"}


def body(*terms: object) -> bytes:
    return json.dumps({"terms": terms}).encode()


def test_a_kind_may_be_left_out() -> None:
    assert parse_terms(body(GOOD)) == (Term("bad", Kind.WORD, Action.BLOCK),)
    literal = {"term": " b\u0061\u0301d ", "kind": "literal", "action": "hold"}
    assert parse_terms(body(literal)) == (Term("ba\u0301d", Kind.LITERAL, Action.HOLD),)
    assert parse_terms(b'{"terms":[]}') == ()


@pytest.mark.parametrize(
    ("term", "field"),
    [
        ("bad", "terms[1]"),
        ({"action": "block"}, "terms[1].term"),
        (GOOD | {"term": 7}, "terms[1].term"),
        (GOOD | {"term": " "}, "terms[1].term"),
        (GOOD | {"term": "x" * (MAX_TERM + 1)}, "terms[1].term"),
        (GOOD | {"term": "a\0"}, "terms[1].term"),
        (GOOD | {"kind": "regex"}, "terms[1].kind"),
        (GOOD | {"kind": None}, "terms[1].kind"),
        ({"term": "bad"}, "terms[1].action"),
        (GOOD | {"action": ["block"]}, "terms[1].action"),
        (GOOD | {"why\n": ""}, "terms[1].why\\n"),
    ],
)
def test_a_bad_term_is_named_by_its_index(term: object, field: str) -> None:
    with pytest.raises(InvalidField) as refused:
        parse_terms(body(GOOD, term))
    assert refused.value.field == field
    assert str(refused.value).count(field) == 1


@pytest.mark.parametrize(
    "raw",
    [
        b"[]",
        b"{}",
        b'{"terms":null}',
        b'{"terms":{}}',
        b'{"terms":[],"more":1}',
        b'{"terms":[{"term":"a","term":"b","action":"hold"}]}',
        body(*[GOOD] * (MAX_TERMS + 1)),
    ],
)
def test_bodies_of_another_form_are_refused(raw: bytes) -> None:
    with pytest.raises(InvalidField):
        parse_terms(raw)


def test_what_is_no_json_is_refused() -> None:
    with pytest.raises(NotJson):
        parse_terms(b'{"terms":')


def test_as_many_and_as_long_as_allowed() -> None:
    """U+0958 is two characters when it is normalised; so terms are stored as they came."""
    for char in ("\U0001f480", "\u0958"):
        terms = parse_terms(body(*[GOOD | {"term": char * MAX_TERM}] * MAX_TERMS))
        assert len(terms) == MAX_TERMS
        assert parse_terms(encode_terms(terms)) == terms


@given(
    st.lists(
        st.builds(
            Term,
            st.text(st.characters(categories=("L", "N", "P")), min_size=1, max_size=20),
            st.sampled_from(Kind),
            st.sampled_from(Action),
        )
    )
)
def test_what_is_encoded_is_parsed_again(terms: list[Term]) -> None:
    stored = encode_terms(tuple(terms))
    assert encode_terms(parse_terms(stored)) == stored
    assert b"\n" not in stored
