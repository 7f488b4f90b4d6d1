"""What filters find, what they cost at worst, and what they refuse to be."""

from __future__ import annotations

import json
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from screening.filters import MAX_REASON, Filters
from screening.terms import Action, Kind, Term
from wire.errors import InvalidField

LONG = "a" * 10_000 + "!"


def filters(*terms: tuple[str, str], action: Action = Action.BLOCK) -> Filters:
    """Filters of (kind, term)."""
    return Filters(tuple(Term(term, Kind(kind), action) for kind, term in terms))


@pytest.mark.parametrize(
    ("term", "text"),
    [
        ("bad", "bad"),
        ("bad", "So BAD!"),
        ("bad", "(b\u0430d)"),  # a Cyrillic letter
        ("bad", "b\u200ba\u00add"),
        ("b4d", "B4D"),
        ("paypa1", "PayPal"),
        ("\u0442\u043e\u0442", "\u0422\u041e\u0422?"),
        ("two words", "two\n \u3000words"),
        ("c++", "c++11"),  # anything may follow what is no letter
        ("\u2764", "I\u2764\ufe0f"),
        ("na\u00efve", "nai\u0308ve"),
        (".*", "a .* b"),  # no pattern
    ],
)
def test_words(term: str, text: str) -> None:
    words = filters(("word", term))
    assert words.screen("ann", text) is Action.BLOCK
    assert words.find(text) == [0]


@pytest.mark.parametrize(
    ("term", "text"),
    [
        ("bad", "badge"),
        ("bad", "forbad"),
        ("bad", "bad\u00e9"),
        ("bad", "ba\u0301d"),
        ("bad", "bad2"),
        ("bad", "\u6f22bad"),
        ("two words", "two words2"),
        ("c++", "mc++"),
        (".*", "anything"),
        ("\u0939\u093f", "\u0939\u093f\u0928\u094d"),  # Hindi: a mark may belong to the word
    ],
)
def test_no_words(term: str, text: str) -> None:
    words = filters(("word", term))
    assert words.screen("ann", text) is None
    assert words.find(text) == []


def test_a_literal_is_found_anywhere() -> None:
    assert filters(("literal", "bad")).screen("ann", "forBADge") is Action.BLOCK
    assert filters(("literal", "\u6f22")).screen("ann", "x\u6f22x") is Action.BLOCK
    assert filters(("literal", "a.c")).screen("ann", "abc") is None


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        (r"\bb+a+d+\b", "so BBAADD"),
        (r"bad", "b\u0430d"),  # in normal form
        (r"\d{5}", "call 10001"),  # in the folded text: 0 and 1 look like letters
        (r"\d{5}", "call \uff11\uff10\uff10\uff10\uff11"),
        ("^\u0442\u043e\u0442$", "\u0422\u043e\u0442"),
        (r"\p{Cyrillic}", "\u0416"),
        ("caf\u0065\u0301", "CAF\u00c9"),
        (r"^first$", "first"),
    ],
)
def test_patterns(pattern: str, text: str) -> None:
    body = json.dumps({"terms": [{"term": pattern, "kind": "pattern", "action": "hold"}]})
    found = Filters.parse(body.encode())
    assert found.screen("ann", text) is Action.HOLD
    assert found.find(text) == [0]
    assert found.screen("ann", "else") is None


def test_block_wins_over_hold() -> None:
    terms = (
        Term("one", Kind.WORD, Action.HOLD),
        Term("two", Kind.WORD, Action.BLOCK),
        Term("thr+ee", Kind.PATTERN, Action.HOLD),
        Term("fo+ur", Kind.PATTERN, Action.BLOCK),
    )
    found = Filters(terms)
    assert found.screen("ann", "one thrree") is Action.HOLD
    assert found.screen("ann", "one two") is Action.BLOCK
    assert found.screen("ann", "one foour") is Action.BLOCK
    assert found.find("four three two one") == [0, 1, 2, 3]


def test_the_name_of_an_author_counts_by_itself() -> None:
    words = filters(("word", "two words"), ("pattern", "^x$"))
    assert words.screen("Two Words", "hi") is Action.BLOCK
    assert words.screen("x", "hi") is Action.BLOCK
    assert words.screen("two", "words") is None


def test_no_filters_find_nothing() -> None:
    assert Filters(()).screen("ann", "hi") is None
    assert Filters(()).find("hi") == []
    assert Filters.parse(b'{"terms":[]}').encode() == b'{"terms":[]}'


def test_filters_are_stored_and_read_again() -> None:
    raw = b'{"terms":[{"action":"hold","term":" (a|b)+ ","kind":"pattern"}]}'
    stored = Filters.parse(raw).encode()
    assert stored == b'{"terms":[{"term":"(a|b)+","kind":"pattern","action":"hold"}]}'
    assert Filters.parse(stored).encode() == stored


# Each of them hangs an engine that backtracks, or needs more memory than there is.
@pytest.mark.parametrize(
    "pattern", ["(a+)+$", "(a|aa)+$", "(a|a?)+b", "((a+)*)+b", "(.*a){12}$", "^(a+)+$", "a{1,500}b"]
)
def test_a_hostile_pattern_takes_linear_time(pattern: str) -> None:
    assert filters(("pattern", pattern)).screen("ann", LONG) is None
    assert filters(("pattern", pattern)).find(LONG) == []


def test_a_cache_that_overflows_loses_no_match() -> None:
    """Each character of the text is a new state of the DFA, and each state has thousands of steps:
    re2 empties its cache many times on the way.
    """
    found = filters(*[("pattern", f"a[ab]{{{900 - n}}}c") for n in range(10)])
    text = "".join(random.Random(1).choices("ab", k=4_000))
    assert found.find(text) == []
    expected = [n for n in range(10) if text[n - 901] == "a"]
    assert 0 < len(expected) < 10
    assert found.find(text + "c") == expected


def test_many_terms_on_a_long_text() -> None:
    found = filters(*[("word", f"{'a' * n}b") for n in range(190)], ("literal", "a!"))
    assert found.find(LONG) == [190]
    assert found.screen("ann", LONG) is Action.BLOCK


@pytest.mark.parametrize(
    "pattern",
    [
        "(",
        "[z-a]",
        r"\1",
        "(?=a)",
        "(?<=a)b",
        "(a{100}){100}",
        "a{1001}",
        r"\pL{50}",  # over its memory
        "a*",  # matches any text
        "^$",
        "(" * 150,
    ],
)
def test_a_pattern_that_cannot_be_used_is_refused_with_its_index(pattern: str) -> None:
    with pytest.raises(InvalidField) as refused:
        filters(("word", "fine"), ("pattern", pattern))
    assert refused.value.field == "terms[1].term"
    assert len(refused.value.detail) < MAX_REASON + 60


def test_patterns_are_bounded_together() -> None:
    with pytest.raises(InvalidField) as refused:
        filters(*[("pattern", rf"\pL{{2}}{n}") for n in range(20)])
    assert "together" in refused.value.detail


def test_words_are_bounded_together() -> None:
    """One character that becomes 18 ones, as often as the bounds of a term and a body allow."""
    ligature = "\ufdfa" * 200
    with pytest.raises(InvalidField) as refused:
        filters(*[("literal", f"{n}{ligature}"[:200]) for n in range(1000)])
    assert refused.value.field == "terms"


@pytest.mark.parametrize("kind", ["word", "literal"])
def test_a_term_that_does_not_show_is_refused(kind: str) -> None:
    with pytest.raises(InvalidField):
        filters((kind, "\u200d\ufe0f"))


_ALPHABET = "ab1l \u0430\u0301\u200b.\u00e9\u6f22+"


@given(
    st.lists(
        st.tuples(st.sampled_from(["word", "literal"]), st.text(_ALPHABET, max_size=4)), max_size=5
    ),
    st.text(_ALPHABET, max_size=30),
)
def test_trying_out_finds_what_screening_finds(terms: list[tuple[str, str]], text: str) -> None:
    """Two ways to the same: one pattern for all terms, and one term after the other."""
    try:
        found = filters(*terms)
    except InvalidField:
        return
    assert (found.screen("", text) is not None) == bool(found.find(text))
    for term in range(len(terms)):
        assert (term in found.find(text)) == bool(filters(terms[term]).screen("", text))
